/* SPDX-License-Identifier: MIT */
#include "common/store/meta_secret.h"

#include <string.h>

#include "common/store/sql.h"
#include "common/util/rand.h"

static const char sql_get[] = "SELECT value FROM meta WHERE key = ?1";
static const char sql_put[] = "INSERT INTO meta (key, value) VALUES (?1, ?2)";

int
meta_secret_get(struct db *db, const char *name,
    uint8_t out[META_SECRET_OCTETS], struct fail *f)
{
	sqlite3_stmt *st = sql_bind(db, sql_get, f, "t", str_of(name));
	int got = sql_step(st, f);
	struct str value;

	if (got != 1)
		return got;
	value = sql_text(st, 0);
	if (value.len == META_SECRET_OCTETS)
		memcpy(out, value.at, META_SECRET_OCTETS);
	else
		got = fail(f, FAIL_TEMP, "store: %s makes no sense", name);
	sqlite3_reset(st);
	return got;
}

int
meta_secret_make(struct db *db, const char *name,
    uint8_t out[META_SECRET_OCTETS], struct fail *f)
{
	int got = meta_secret_get(db, name, out, f);

	if (got != 0)
		return got == 1 ? 0 : -1;
	rand_bytes(out, META_SECRET_OCTETS);
	return sql_run(db, sql_put, f, "tb", str_of(name),
	    (struct str){(const char *)out, META_SECRET_OCTETS});
}
