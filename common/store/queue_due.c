/* SPDX-License-Identifier: MIT */
/*
 * queue_due: whose turn it is.
 *
 * Table `destination' has a row for each domain for which something waits, so
 * that the work is with what is given, not with what waits: with 100,000
 * recipients of one mailing as with none.
 */
#include <stdlib.h>
#include <string.h>

#include "common/store/queue_internal.h"
#include "common/store/sql.h"
#include "common/util/mem.h"

#define PASSED_OVER 16 /* looked at, for each one wanted */
#define OF_A_TRACE  8  /* destinations or recipients among the newest */

#define RUNS        " NOT EXISTS (SELECT 1 FROM paused p WHERE p.domain = d.domain)"
#define WHO         " iif(q.account IS NULL, q.sender, '#' || q.account)"

static const char sql_overdue[] =
    "SELECT d.domain, d.next_at FROM destination d"
    " WHERE d.next_at <= ?1 AND" RUNS " ORDER BY d.next_at, d.domain LIMIT ?2";
static const char sql_newer[] =
    "SELECT newest FROM destination WHERE newest < ?1"
    " ORDER BY newest DESC LIMIT 1";
static const char sql_newest[] =
    "SELECT d.domain, d.next_at FROM destination d"
    " WHERE d.newest = ?1 AND d.next_at <= ?2 AND" RUNS " LIMIT ?3";
static const char sql_by_name[] =
    "SELECT d.domain, d.next_at," RUNS " FROM destination d"
    " WHERE d.domain > ?1 ORDER BY d.domain LIMIT ?2";
static const char sql_first[] =
    "SELECT" WHO ", r.tries FROM recipient r JOIN queue q ON q.trace = r.trace"
    " WHERE r.domain = ?1 AND r.state = 0 AND r.next_at <= ?2"
    " ORDER BY r.next_at LIMIT 1";
static const char sql_last[] =
    "SELECT" WHO ", r.tries FROM recipient r JOIN queue q ON q.trace = r.trace"
    " WHERE r.domain = ?1 AND r.trace = ?2 AND r.state = 0"
    " AND r.next_at <= ?3 LIMIT 1";

static const char sql_due[] = QUEUE_ENTRY
    " WHERE r.domain = ?1 AND r.state = 0 AND r.next_at <= ?2"
    " ORDER BY r.next_at LIMIT ?3";
static const char sql_before[] =
    "SELECT trace FROM recipient"
    " WHERE domain = ?1 AND state = 0 AND trace < ?2"
    " ORDER BY trace DESC LIMIT 1";
static const char sql_due_of[] = QUEUE_ENTRY
    " WHERE r.domain = ?1 AND r.trace = ?2 AND r.state = 0"
    " AND r.next_at <= ?3 LIMIT ?4";
static const char sql_paused[] = "SELECT 1 FROM paused WHERE domain = ?1";
static const char sql_next[] = "SELECT d.next_at FROM destination d WHERE" RUNS
			       " ORDER BY d.next_at LIMIT 1";
static const char sql_wanted[] =
    "SELECT 1 FROM recipient d WHERE d.trace = ?1 AND d.n = ?2"
    " AND d.state = 0 AND d.domain = ?3 AND" RUNS;

/* ---- destinations ---- */

struct turn {
	char *domain;
	int64_t newest; /* whose message is meant; 0: the most overdue */
	char *who;
	bool tried;
};

struct turns {
	struct db *db;
	int64_t now_ms;
	struct turn *at;
	size_t n, max;
	size_t n_overdue; /* the first ones, ... */
	int64_t last_ms;  /* ... up to this, and all of them if not `more' */
	bool more;
};

static void
add(struct turns *t, struct str domain, int64_t newest)
{
	t->at[t->n++] = (struct turn){
	    .domain = mem_dup(domain), .newest = newest};
}

static int
add_overdue(struct turns *t, size_t max, struct fail *f)
{
	sqlite3_stmt *st = sql_bind(
	    t->db, sql_overdue, f, "ii", t->now_ms, (int64_t)max);
	int got;

	while ((got = sql_step(st, f)) == 1) {
		add(t, sql_text(st, 0), 0);
		t->last_ms = sql_int(st, 1);
	}
	t->n_overdue = t->n;
	t->more = t->n == max;
	return got;
}

/* The overdue ones are in order of (next_at, domain). */
static bool
is_there(const struct turns *t, struct str domain, int64_t next_ms)
{
	if (next_ms < t->last_ms)
		return true;
	if (next_ms == t->last_ms &&
	    str_cmp(domain, str_of(t->at[t->n_overdue - 1].domain)) <= 0)
		return true;
	for (size_t i = t->n_overdue; i < t->n; i++)
		if (str_eq(str_of(t->at[i].domain), domain))
			return true;
	return false;
}

static int
add_newest_of(struct turns *t, int64_t trace, size_t upto, struct fail *f)
{
	sqlite3_stmt *st = sql_bind(t->db, sql_newest, f, "iii", trace,
	    t->now_ms, (int64_t)(PASSED_OVER * OF_A_TRACE));
	size_t begin = t->n;
	int got;

	while ((got = sql_step(st, f)) == 1)
		if (t->n < upto && t->n - begin < OF_A_TRACE &&
		    !is_there(t, sql_text(st, 0), sql_int(st, 1)))
			add(t, sql_text(st, 0), trace);
	return got;
}

static int
add_newest(struct turns *t, size_t max, struct fail *f)
{
	int64_t trace = INT64_MAX;
	size_t upto = t->n + max;
	int got = 1;

	for (size_t i = 0; i < PASSED_OVER * max && t->n < upto; i++) {
		got = sql_number(t->db, &trace, sql_newer, f, "i", trace);
		if (got != 1)
			return got;
		if (add_newest_of(t, trace, upto, f) == -1)
			return -1;
	}
	return 0;
}

static int
add_by_name(struct turns *t, size_t max, struct buf *after, struct fail *f)
{
	size_t most = PASSED_OVER * max, seen = 0, upto = t->n + max;
	sqlite3_stmt *st = sql_bind(
	    t->db, sql_by_name, f, "ti", buf_str(after), (int64_t)most);
	struct buf last;
	int got;

	buf_init(&last, SIZE_MAX / 4);
	while ((got = sql_step(st, f)) == 1 && t->n < upto) {
		struct str domain = sql_text(st, 0);
		int64_t next_ms = sql_int(st, 1);

		seen++;
		if (next_ms <= t->now_ms && sql_int(st, 2) != 0 &&
		    !is_there(t, domain, next_ms))
			add(t, domain, 0);
		buf_clear(&last);
		buf_add(&last, domain);
	}
	if (got == 1)
		sqlite3_reset(st);
	buf_clear(after); /* the end: from the beginning next time */
	if (got == 1 || seen == most)
		buf_add(after, buf_str(&last));
	buf_release(&last);
	return got == -1 ? -1 : 0;
}

/* Who sent what is due for it? */
static int
describe(const struct turns *t, struct turn *at, struct fail *f)
{
	struct str domain = str_of(at->domain);
	sqlite3_stmt *st;
	int got = 0;

	if (at->newest != 0) {
		st = sql_bind(
		    t->db, sql_last, f, "tii", domain, at->newest, t->now_ms);
		got = sql_step(st, f);
	}
	if (got == 0) {
		st = sql_bind(t->db, sql_first, f, "ti", domain, t->now_ms);
		got = sql_step(st, f);
	}
	if (got != 1)
		return got;
	at->who = sql_dup(st, 0);
	at->tried = sql_int(st, 1) > 0;
	sqlite3_reset(st);
	return 0;
}

static size_t
text_size(const char *text)
{
	return text != NULL ? strlen(text) + 1 : 1;
}

static char *
copy(char **room, const char *text)
{
	char *to = *room;
	size_t size = text_size(text);

	memcpy(to, text != NULL ? text : "", size);
	*room += size;
	return to;
}

/* The rows, then what they point to. */
static struct queue_turn *
pack(const struct turns *t)
{
	size_t size = t->n * sizeof(struct queue_turn);
	struct queue_turn *out;
	char *room;

	for (size_t i = 0; i < t->n; i++)
		size += text_size(t->at[i].domain) + text_size(t->at[i].who);
	out = mem_new(size + 1, 1);
	room = (char *)(out + t->n);
	for (size_t i = 0; i < t->n; i++) {
		out[i].domain = copy(&room, t->at[i].domain);
		out[i].who = copy(&room, t->at[i].who);
		out[i].tried = t->at[i].tried;
	}
	return out;
}

static int
gather(struct turns *t, struct buf *after, struct fail *f)
{
	size_t quarter = t->max / 4;

	if (add_overdue(t, t->max - 2 * quarter, f) == -1)
		return -1;
	if (t->more && (add_newest(t, quarter, f) == -1 ||
			   add_by_name(t, t->max - t->n, after, f) == -1))
		return -1;
	for (size_t i = 0; i < t->n; i++)
		if (describe(t, &t->at[i], f) == -1)
			return -1;
	return 0;
}

int
queue_turns(struct db *db, int64_t now_ms, size_t max, struct buf *after,
    struct queue_turn **turns, size_t *n, struct fail *f)
{
	struct turns t = {.db = db, .now_ms = now_ms, .max = max};
	int rc;

	*turns = NULL;
	*n = 0;
	t.at = mem_new(max + 1, sizeof(*t.at));
	rc = gather(&t, after, f);
	if (rc == 0) {
		*turns = pack(&t);
		*n = t.n;
	}
	for (size_t i = 0; i < t.n; i++) {
		free(t.at[i].domain);
		free(t.at[i].who);
	}
	free(t.at);
	return rc;
}

/* ---- recipients ---- */

static bool
has(const struct queue_list *l, const struct queue_entry *e)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->entries[i].trace == e->trace && l->entries[i].n == e->n)
			return true;
	return false;
}

/* What of `from' is not there, up to max of all; from is released. */
static void
append(struct queue_list *l, struct queue_list *from, size_t max)
{
	struct queue_list there = *l; /* from has no two alike */

	l->entries = mem_grow(
	    l->entries, l->n + from->n + 1, sizeof(*l->entries));
	there.entries = l->entries;
	for (size_t i = 0; i < from->n && l->n < max; i++)
		if (!has(&there, &from->entries[i])) {
			l->entries[l->n++] = from->entries[i];
			from->entries[i] = (struct queue_entry){0};
		}
	queue_list_release(from);
}

static int
due_newest(struct db *db, struct str domain, int64_t now_ms, size_t max,
    struct queue_list *out, struct fail *f)
{
	int64_t trace = INT64_MAX;

	for (size_t i = 0; i < PASSED_OVER * max && out->n < max; i++) {
		struct queue_list some;
		int got = sql_number(
		    db, &trace, sql_before, f, "ti", domain, trace);

		if (got != 1)
			return got;
		if (queue_gather(sql_bind(db, sql_due_of, f, "tiii", domain,
				     trace, now_ms, (int64_t)OF_A_TRACE),
			&some, f) == -1)
			return -1;
		append(out, &some, max);
	}
	return 0;
}

int
queue_due(struct db *db, struct str domain, int64_t now_ms, size_t max,
    struct queue_list *out, struct fail *f)
{
	struct queue_list overdue;
	int64_t one;
	int paused = sql_number(db, &one, sql_paused, f, "t", domain);

	*out = (struct queue_list){0};
	if (paused != 0)
		return paused == -1 ? -1 : 0;
	if (queue_gather(
		sql_bind(db, sql_due, f, "tii", domain, now_ms, (int64_t)max),
		&overdue, f) == -1)
		return -1;
	/* if these are all, the newest are among them */
	if (overdue.n == max &&
	    due_newest(db, domain, now_ms, max / 4, out, f) == -1) {
		queue_list_release(out);
		queue_list_release(&overdue);
		return -1;
	}
	append(out, &overdue, max);
	return 0;
}

int
queue_is_wanted(
    struct db *db, int64_t trace, int n, struct str domain, struct fail *f)
{
	int64_t one;

	return sql_number(
	    db, &one, sql_wanted, f, "iit", trace, (int64_t)n, domain);
}

int
queue_next_due(struct db *db, int64_t *when_ms, struct fail *f)
{
	int got;

	*when_ms = INT64_MAX;
	got = sql_number(db, when_ms, sql_next, f, "");
	return got == -1 ? -1 : 0;
}
