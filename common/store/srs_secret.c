/* SPDX-License-Identifier: MIT */
#include "common/store/srs_secret.h"

#include <string.h>

#include "common/store/sql.h"
#include "common/util/rand.h"

static const char sql_get[] = "SELECT value FROM meta WHERE key = 'srs_secret'";
static const char sql_put[] =
    "INSERT OR REPLACE INTO meta (key, value) VALUES ('srs_secret', ?1)";

int
srs_secret_get(struct db *db, uint8_t out[SRS_SECRET_OCTETS], struct fail *f)
{
	sqlite3_stmt *st = sql_bind(db, sql_get, f, "");
	int got = sql_step(st, f);

	if (got != 1)
		return got;
	/* one of another length is none */
	if (sql_text(st, 0).len == SRS_SECRET_OCTETS)
		memcpy(out, sql_text(st, 0).at, SRS_SECRET_OCTETS);
	else
		got = 0;
	sqlite3_reset(st);
	return got;
}

int
srs_secret_make(struct db *db, uint8_t out[SRS_SECRET_OCTETS], struct fail *f)
{
	int got = srs_secret_get(db, out, f);

	if (got != 0)
		return got == 1 ? 0 : -1;
	rand_bytes(out, SRS_SECRET_OCTETS);
	return sql_run(db, sql_put, f, "b",
	    (struct str){(const char *)out, SRS_SECRET_OCTETS});
}
