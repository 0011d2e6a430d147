/* SPDX-License-Identifier: MIT */
/* queue_put_off: one outcome for a whole destination. */
#include <assert.h>
#include <stdlib.h>

#include "common/store/attempt.h"
#include "common/store/queue_internal.h"
#include "common/store/sql.h"
#include "common/util/mem.h"

/* By message, so that what is written for it is written together. */
static const char sql_due[] =
    "SELECT r.trace, r.next_at, r.n, r.address, r.tries,"
    " iif(q.hold_until > 0, q.hold_until, q.created), q.expires, r.told,"
    " q.account IS NOT NULL, coalesce(q.return_to, q.sender) = '', r.notify,"
    " q.tls_optional"
    " FROM recipient r JOIN queue q ON q.trace = r.trace"
    " WHERE r.domain = ?1 AND r.state = 0 AND r.next_at <= ?2"
    " AND (r.trace, r.next_at, r.n) > (?3, ?4, ?5)"
    " ORDER BY r.trace, r.next_at, r.n LIMIT ?6";

struct row {
	struct queue_key key;
	int64_t due_ms, next_ms;
	char *address;
};

struct rows {
	struct row *at;
	size_t n, left;
	int64_t trace, due_ms, last; /* the last one that was looked at */
	bool more;
};

static bool
is_excepted(const struct queue_put_off *p, int64_t trace, int64_t n)
{
	for (size_t i = 0; i < p->n_except; i++)
		if (p->except[i].trace == trace && p->except[i].n == n)
			return true;
	return false;
}

static int
look_at(struct db *db, const struct queue_put_off *p, sqlite3_stmt *st,
    struct rows *rows, struct fail *f)
{
	const struct queue_due_row r = {
	    .address = sql_text(st, 3),
	    .tries = (int)sql_int(st, 4),
	    .since_ms = sql_int(st, 5),
	    .expires_ms = sql_int(st, 6),
	    .told = sql_int(st, 7) != 0,
	    .ours = sql_int(st, 8) != 0,
	    .nameless = sql_int(st, 9) != 0,
	    .notify = (unsigned)sql_int(st, 10),
	    .tls_optional = sql_int(st, 11) != 0,
	};
	int64_t next_ms;

	rows->trace = sql_int(st, 0);
	rows->due_ms = sql_int(st, 1);
	rows->last = sql_int(st, 2);
	if (is_excepted(p, rows->trace, rows->last))
		return 0;
	next_ms = p->next(p->arg, db, &r, f);
	if (next_ms == -1)
		return -1;
	rows->left += next_ms == 0;
	if (next_ms != 0)
		rows->at[rows->n++] = (struct row){
		    .key = {rows->trace, (int)rows->last},
		    .next_ms = next_ms,
		    .address = mem_dup(r.address)
                };
	return 0;
}

static int
gather(struct db *db, const struct queue_put_off *p, size_t max,
    struct rows *rows, struct fail *f)
{
	sqlite3_stmt *st = sql_bind(db, sql_due, f, "tiiiii", p->domain,
	    p->due_ms, p->trace, p->next_ms, p->n, (int64_t)max);
	size_t seen = 0;
	int got;

	while ((got = sql_step(st, f)) == 1) {
		seen++;
		if (look_at(db, p, st, rows, f) == -1) {
			sqlite3_reset(st);
			return -1;
		}
	}
	rows->more = seen == max;
	return got;
}

static int
write_row(struct db *db, const struct queue_put_off *p, const struct row *r,
    struct fail *f)
{
	const struct queue_outcome o = {
	    .trace = r->key.trace,
	    .n = r->key.n,
	    .address = str_of(r->address),
	    .result = QUEUE_DEFERRED,
	    .next_ms = r->next_ms,
	    .now_ms = p->now_ms,
	    .code = p->code,
	    .reply = p->reply,
	    .host = p->host,
	    .detail = p->detail,
	};

	return queue_defer(db, &o, f);
}

/* The last first: its destination is due by the first one, and is looked at
 * again only when that has gone. */
static int
write_rows(struct db *db, const struct queue_put_off *p,
    const struct rows *rows, struct fail *f)
{
	for (size_t i = rows->n; i-- > 0;) {
		const struct row *r = &rows->at[i];
		int64_t before = i > 0 ? rows->at[i - 1].key.trace : p->said;

		if (write_row(db, p, r, f) == -1)
			return -1;
		if (p->attempt != NULL && r->key.trace != before &&
		    attempt_put(db, r->key.trace, p->attempt, f) == -1)
			return -1;
	}
	return 0;
}

int
queue_put_off(
    struct db *db, struct queue_put_off *p, size_t max, struct fail *f)
{
	struct rows rows = {
	    .trace = p->trace, .due_ms = p->next_ms, .last = p->n};
	int rc;

	assert(max > 0);
	rows.at = mem_new(max, sizeof(*rows.at));
	rc = gather(db, p, max, &rows, f);
	if (rc == 0)
		rc = write_rows(db, p, &rows, f);
	if (rc == 0 && rows.n > 0)
		p->said = rows.at[rows.n - 1].key.trace;
	for (size_t i = 0; i < rows.n; i++)
		free(rows.at[i].address);
	free(rows.at);
	if (rc == -1)
		return -1;
	p->trace = rows.trace;
	p->next_ms = rows.due_ms;
	p->n = rows.last;
	p->put_off += rows.n;
	p->left += rows.left;
	return rows.more ? 1 : 0;
}
