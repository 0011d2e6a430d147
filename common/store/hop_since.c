/* SPDX-License-Identifier: MIT */
#include "common/store/hop_since.h"

#include "common/store/sql.h"

static const char sql_since[] =
    "SELECT trace, at, kind, code, recipient, peer, detail FROM hop"
    " WHERE at >= ?1 AND daemon = ?2 ORDER BY at, trace, n";

int
hop_since(struct db *db, int64_t since_ms,
    void (*fn)(void *arg, const struct hop *h), void *arg, struct fail *f)
{
	sqlite3_stmt *st = sql_bind(
	    db, sql_since, f, "ii", since_ms, (int64_t)HOP_MAILD);
	int got;

	while ((got = sql_step(st, f)) == 1)
		fn(arg, &(struct hop){.trace = sql_int(st, 0),
			    .at_ms = sql_int(st, 1),
			    .daemon = HOP_MAILD,
			    .kind = (enum hop_kind)sql_int(st, 2),
			    .code = (int)sql_int(st, 3),
			    .recipient = sql_text(st, 4),
			    .peer = sql_text(st, 5),
			    .detail = sql_text(st, 6)});
	return got;
}
