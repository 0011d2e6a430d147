/* SPDX-License-Identifier: MIT */
#include "common/store/dsn_report.h"

#include <assert.h>

#include "common/store/body_write.h"
#include "common/store/sql.h"
#include "common/util/mem.h"

static const char sql_put[] =
    "INSERT INTO report (trace, n, action, sender, recipient,"
    " original_recipient, envelope_id, ret, require_tls, body, skip, host,"
    " reply, arrived, at)"
    " SELECT ?1, coalesce(max(n), 0) + 1,"
    " ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14"
    " FROM report WHERE trace = ?1";
static const char sql_next[] =
    "SELECT trace, n, action, sender, recipient, original_recipient,"
    " envelope_id, host, reply, ret, require_tls, body, skip, arrived, at"
    " FROM report"
    " WHERE trace = (SELECT min(trace) FROM report)"
    " AND action = (SELECT action FROM report ORDER BY trace, n LIMIT 1)"
    " ORDER BY n LIMIT ?1";
static const char sql_remove[] =
    "DELETE FROM report WHERE trace = ?1 AND n = ?2";

#define TEXT_FIRST 3 /* of the columns: six texts follow one another */
#define TEXTS      6

int
dsn_report_put(struct db *db, const struct dsn_report *r, struct fail *f)
{
	assert(r->sender.len > 0);
	if (sql_run(db, sql_put, f, "iittooiiiiooii", r->trace,
		(int64_t)r->action, r->sender, r->recipient,
		r->original_recipient, r->envelope_id, (int64_t)r->ret,
		(int64_t)r->require_tls, r->body, (int64_t)r->skip, r->host,
		r->reply, r->arrived_ms, r->at_ms) == -1)
		return -1;
	return body_hold(db, r->body, 1, f);
}

void
dsn_report_list_release(struct dsn_report_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		for (size_t k = 0; k < TEXTS; k++)
			free(l->rows[i].text[k]);
	free(l->rows);
	*l = (struct dsn_report_list){0};
}

static void
read_row(sqlite3_stmt *st, struct dsn_report_row *row)
{
	struct dsn_report *r = &row->r;
	struct str *const texts[TEXTS] = {&r->sender, &r->recipient,
	    &r->original_recipient, &r->envelope_id, &r->host, &r->reply};

	*row = (struct dsn_report_row){.n = sql_int(st, 1)};
	*r = (struct dsn_report){
	    .trace = sql_int(st, 0),
	    .action = (enum dsn_report_action)sql_int(st, 2),
	    .ret = (int)sql_int(st, 9),
	    .require_tls = sql_int(st, 10) != 0,
	    .body = sql_int(st, 11),
	    .skip = (uint64_t)sql_int(st, 12),
	    .arrived_ms = sql_int(st, 13),
	    .at_ms = sql_int(st, 14),
	};
	for (int k = 0; k < TEXTS; k++) {
		row->text[k] = sql_dup(st, TEXT_FIRST + k);
		*texts[k] = str_of(row->text[k]);
	}
}

int
dsn_report_next(
    struct db *db, size_t max, struct dsn_report_list *out, struct fail *f)
{
	sqlite3_stmt *st = sql_bind(db, sql_next, f, "i", (int64_t)max);
	int got;

	*out = (struct dsn_report_list){
	    .rows = mem_new(max, sizeof(*out->rows))};
	while ((got = sql_step(st, f)) == 1)
		read_row(st, &out->rows[out->n++]);
	if (got == -1)
		dsn_report_list_release(out);
	return got;
}

int
dsn_report_remove(
    struct db *db, const struct dsn_report_list *l, struct fail *f)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct dsn_report *r = &l->rows[i].r;

		if (sql_run(db, sql_remove, f, "ii", r->trace, l->rows[i].n) ==
			-1 ||
		    body_hold(db, r->body, -1, f) == -1)
			return -1;
	}
	return 0;
}
