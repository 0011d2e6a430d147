/* SPDX-License-Identifier: MIT */
#include "common/store/queue.h"

#include "common/store/sql.h"
#include "common/util/mem.h"

#define MINUTE INT64_C(60000)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

const int64_t queue_ages_ms[QUEUE_AGES - 1] = {
    5 * MINUTE, 15 * MINUTE, HOUR, 4 * HOUR, 12 * HOUR, DAY, 2 * DAY};

/* How many are younger than each bound: the numbers between are differences. */
#define COUNTS                                                                 \
	" count(*), sum(q.created > ?1), sum(q.created > ?2),"                 \
	" sum(q.created > ?3), sum(q.created > ?4), sum(q.created > ?5),"      \
	" sum(q.created > ?6), sum(q.created > ?7),"
#define FROM_ALL " FROM recipient r JOIN queue q ON q.trace = r.trace"

static const char sql_all[] = "SELECT ''," COUNTS " 0" FROM_ALL;
static const char sql_shape[] =
    "SELECT r.domain," COUNTS
    " EXISTS (SELECT 1 FROM paused p WHERE p.domain = r.domain)" FROM_ALL
    " GROUP BY r.domain ORDER BY count(*) DESC, r.domain LIMIT ?8";
static const char sql_next[] = "SELECT coalesce(min(next_at), 0) FROM recipient"
			       " WHERE domain = ?1 AND state = 0";
static const char sql_words[] =
    "SELECT last_reply FROM recipient"
    " WHERE ((domain = ?1 AND state = 0) OR (domain = ?1 AND state = 1))"
    " AND last_reply IS NOT NULL ORDER BY last_at DESC LIMIT 1";

struct row {
	char *domain;
	size_t total, ages[QUEUE_AGES];
	bool paused;
};

struct rows {
	struct row *at;
	size_t n;
};

static struct row
row(sqlite3_stmt *st)
{
	struct row r = {.domain = sql_dup(st, 0),
	    .total = (size_t)sql_int(st, 1),
	    .paused = sql_int(st, 9) != 0};
	size_t younger = 0;

	for (int i = 0; i < QUEUE_AGES - 1; i++) {
		size_t n = (size_t)sql_int(st, 2 + i);
		r.ages[i] = n - younger;
		younger = n;
	}
	r.ages[QUEUE_AGES - 1] = r.total - younger;
	return r;
}

static int
gather(
    struct db *db, int64_t now_ms, size_t max, struct rows *out, struct fail *f)
{
	const int64_t *age = queue_ages_ms;
	sqlite3_stmt *st = sql_bind(db, sql_shape, f, "iiiiiiii",
	    now_ms - age[0], now_ms - age[1], now_ms - age[2], now_ms - age[3],
	    now_ms - age[4], now_ms - age[5], now_ms - age[6],
	    max < INT64_MAX ? (int64_t)max : INT64_MAX);
	size_t room = 0;
	int got;

	while ((got = sql_step(st, f)) == 1) {
		if (out->n == room) {
			room = room > 0 ? 2 * room : 16;
			out->at = mem_grow(out->at, room, sizeof(*out->at));
		}
		out->at[out->n++] = row(st);
	}
	return got;
}

static int
show(struct db *db, const struct row *r,
    void (*fn)(void *arg, const struct queue_shape *s), void *arg,
    struct fail *f)
{
	struct queue_shape s = {.domain = str_of(r->domain),
	    .total = r->total,
	    .paused = r->paused};
	sqlite3_stmt *st;
	int got;

	memcpy(s.ages, r->ages, sizeof(s.ages));
	if (sql_number(db, &s.next_ms, sql_next, f, "t", s.domain) == -1)
		return -1;
	st = sql_bind(db, sql_words, f, "t", s.domain);
	got = sql_step(st, f);
	if (got == -1)
		return -1;
	if (got == 1)
		s.last_reply = sql_text(st, 0);
	fn(arg, &s);
	sqlite3_reset(st);
	return 0;
}

int
queue_shape_all(
    struct db *db, int64_t now_ms, struct queue_shape *out, struct fail *f)
{
	const int64_t *age = queue_ages_ms;
	sqlite3_stmt *st = sql_bind(db, sql_all, f, "iiiiiii", now_ms - age[0],
	    now_ms - age[1], now_ms - age[2], now_ms - age[3], now_ms - age[4],
	    now_ms - age[5], now_ms - age[6]);
	struct row r;

	*out = (struct queue_shape){.domain = STR("")};
	if (sql_step(st, f) != 1)
		return -1;
	r = row(st);
	sqlite3_reset(st);
	out->total = r.total;
	memcpy(out->ages, r.ages, sizeof(out->ages));
	free(r.domain);
	return 0;
}

int
queue_shape(struct db *db, int64_t now_ms, size_t max,
    void (*fn)(void *arg, const struct queue_shape *s), void *arg,
    struct fail *f)
{
	struct rows rows = {0};
	int rc = gather(db, now_ms, max, &rows, f);

	for (size_t i = 0; i < rows.n && rc == 0; i++)
		rc = show(db, &rows.at[i], fn, arg, f);
	for (size_t i = 0; i < rows.n; i++)
		free(rows.at[i].domain);
	free(rows.at);
	return rc;
}
