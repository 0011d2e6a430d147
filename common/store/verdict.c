/* SPDX-License-Identifier: MIT */
#include "common/store/verdict.h"

#include "common/store/hop_put.h"
#include "common/store/sql.h"

static const char sql_put[] =
    "INSERT INTO verdict (trace, author, domain, network, report, summary)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
static const char sql_get[] =
    "SELECT author, domain, network, report, summary FROM verdict"
    " WHERE trace = ?1";
static const char sql_journey[] =
    "INSERT INTO journey (trace, at, sender, message_id, size)"
    " VALUES (?1, ?2, ?3, ?4, ?5)";

int
verdict_put(
    struct db *db, int64_t trace, const struct verdict *v, struct fail *f)
{
	return sql_run(db, sql_put, f, "ittttt", trace, v->author, v->domain,
	    v->network, v->report, v->summary);
}

int
verdict_get(struct db *db, int64_t trace,
    void (*fn)(void *arg, const struct verdict *v), void *arg, struct fail *f)
{
	sqlite3_stmt *st = sql_bind(db, sql_get, f, "i", trace);
	int got = sql_step(st, f);

	if (got != 1)
		return got;
	fn(arg, &(struct verdict){.author = sql_text(st, 0),
		    .domain = sql_text(st, 1),
		    .network = sql_text(st, 2),
		    .report = sql_text(st, 3),
		    .summary = sql_text(st, 4)});
	sqlite3_reset(st);
	return 1;
}

int
refusal_put(struct db *db, const struct refusal *r, struct fail *f)
{
	if (sql_run(db, sql_journey, f, "iitti", r->trace, r->now_ms, r->sender,
		r->message_id, (int64_t)r->size) == -1)
		return -1;
	for (size_t i = 0; i < r->n_hops; i++) {
		struct hop h = r->hops[i];

		h.trace = r->trace;
		if (hop_put(db, &h, (int64_t)i + 1, f) == -1)
			return -1;
	}
	return r->verdict != NULL ? verdict_put(db, r->trace, r->verdict, f)
	                          : 0;
}
