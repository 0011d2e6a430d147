/* SPDX-License-Identifier: MIT */
#include "common/store/message.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/store/message_pick.h"
#include "common/store/sql.h"
#include "common/util/mem.h"

static const char sql_states[] =
    "SELECT uid, flags, modseq FROM message WHERE mailbox = ?1"
    " AND (uid >= ?2 OR modseq > ?3) ORDER BY uid";
static const char sql_states_from[] =
    "SELECT uid, flags, modseq FROM message WHERE mailbox = ?1"
    " AND uid >= ?2 ORDER BY uid";
static const char sql_expunged[] =
    "SELECT low, high FROM expunged WHERE mailbox = ?1 AND modseq > ?2"
    " ORDER BY low";
static const char sql_span[] =
    "SELECT uid, flags, modseq, size FROM message"
    " WHERE mailbox = ?1 AND uid BETWEEN ?2 AND ?3 ORDER BY uid";
static const char sql_validity[] =
    "SELECT uid_validity FROM mailbox WHERE id = ?1";
static const char sql_rows[] =
    "SELECT uid, flags, modseq, size, body, trace, received, saved, email,"
    " pop3 FROM message WHERE mailbox = ?1 AND uid BETWEEN ?2 AND ?3"
    " ORDER BY uid LIMIT ?4";

/* UIDs of one set that are no further apart than this are read by one
 * statement, the messages between them skipped. */
#define GAP_MAX 16

/* What a query gives, growing. */
struct array {
	void *at;
	size_t n, room, size;
};

static void *
array_add(struct array *a)
{
	if (a->n == a->room) {
		a->room = a->room > 0 ? 2 * a->room : 64;
		a->at = mem_grow(a->at, a->room, a->size);
	}
	return (char *)a->at + a->n++ * a->size;
}

/* To the caller, or nothing if it failed. */
static int
give(struct array *a, int rc, void *out, size_t *n)
{
	if (rc == 0 && a->at == NULL)
		a->at = mem_new(1, a->size);
	if (rc == -1) {
		free(a->at);
		*a = (struct array){.size = a->size};
	}
	memcpy(out, &a->at, sizeof(a->at));
	*n = a->n;
	return rc;
}

int
message_states(struct db *db, int64_t mailbox, uint32_t from_uid, int64_t since,
    struct message_state **out, size_t *n, struct fail *f)
{
	struct array a = {.size = sizeof(**out)};
	sqlite3_stmt *st;
	int got;

	if (since == INT64_MAX || from_uid <= 1)
		st = sql_bind(
		    db, sql_states_from, f, "ii", mailbox, (int64_t)from_uid);
	else
		st = sql_bind(db, sql_states, f, "iii", mailbox,
		    (int64_t)from_uid, since);
	while ((got = sql_step(st, f)) == 1) {
		struct message_state *s = array_add(&a);

		s->uid = (uint32_t)sqlite3_column_int64(st, 0);
		s->flags = (uint64_t)sqlite3_column_int64(st, 1);
		s->modseq = sqlite3_column_int64(st, 2);
	}
	return give(&a, got, out, n);
}

int
message_expunged(struct db *db, int64_t mailbox, int64_t since,
    struct message_range **out, size_t *n, struct fail *f)
{
	struct array a = {.size = sizeof(**out)};
	sqlite3_stmt *st = sql_bind(db, sql_expunged, f, "ii", mailbox, since);
	struct message_range *last = NULL;
	int got;

	while ((got = sql_step(st, f)) == 1) {
		struct message_range r = {
		    (uint32_t)sql_int(st, 0), (uint32_t)sql_int(st, 1)};

		if (last != NULL && r.low == last->high + 1) {
			last->high = r.high;
			continue;
		}
		last = array_add(&a);
		*last = r;
	}
	return give(&a, got, out, n);
}

static struct message_row
row(sqlite3_stmt *st)
{
	return (struct message_row){
	    .uid = (uint32_t)sqlite3_column_int64(st, 0),
	    .flags = (uint64_t)sqlite3_column_int64(st, 1),
	    .modseq = sqlite3_column_int64(st, 2),
	    .size = (uint64_t)sqlite3_column_int64(st, 3),
	    .body = sqlite3_column_int64(st, 4),
	    .trace = sqlite3_column_int64(st, 5),
	    .received_ms = sqlite3_column_int64(st, 6),
	    .saved_ms = sqlite3_column_int64(st, 7),
	    .email = (uint64_t)sqlite3_column_int64(st, 8),
	    .pop3 = (uint64_t)sqlite3_column_int64(st, 9),
	};
}

int
message_rows(struct db *db, int64_t mailbox, uint32_t low, uint32_t high,
    size_t max, struct message_row **out, size_t *n, struct fail *f)
{
	struct array a = {.size = sizeof(**out)};
	int64_t validity = 0;
	sqlite3_stmt *st;
	int got = sql_number(db, &validity, sql_validity, f, "i", mailbox);

	if (got != 1)
		return give(&a, got, out, n);
	st = sql_bind(db, sql_rows, f, "iiii", mailbox, (int64_t)low,
	    (int64_t)high, max < INT64_MAX ? (int64_t)max : INT64_MAX);
	while ((got = sql_step(st, f)) == 1) {
		struct message_row *r = array_add(&a);
		uint64_t place;

		*r = row(st);
		place = message_place((uint32_t)validity, r->uid);
		if (r->email == 0)
			r->email = place;
		if (r->pop3 == 0)
			r->pop3 = place;
		if (r->saved_ms == 0)
			r->saved_ms = r->received_ms;
	}
	return give(&a, got, out, n);
}

static struct message_row
narrow_row(sqlite3_stmt *st)
{
	return (struct message_row){
	    .uid = (uint32_t)sqlite3_column_int64(st, 0),
	    .flags = (uint64_t)sqlite3_column_int64(st, 1),
	    .modseq = sqlite3_column_int64(st, 2),
	    .size = (uint64_t)sqlite3_column_int64(st, 3),
	};
}

/* The messages of uids[0..n), which are close together. */
static int
pick_span(struct db *db, int64_t mailbox, const uint32_t *uids, size_t n,
    bool narrow, struct array *a, struct fail *f)
{
	int64_t low = uids[0], high = uids[n - 1];
	sqlite3_stmt *st = narrow ? sql_bind(db, sql_span, f, "iii", mailbox,
					low, high)
	                          : sql_bind(db, sql_rows, f, "iiii", mailbox,
					low, high, INT64_MAX);
	bool joined = false;
	size_t i = 0;
	int got;

	while ((got = sql_step(st, f)) == 1) {
		uint32_t uid = (uint32_t)sqlite3_column_int64(st, 0);
		struct message_picked *p;

		while (uids[i] < uid)
			i++; /* gone; the last of them is not below uid */
		if (uids[i] > uid) {
			joined = false;
			continue;
		}
		p = array_add(a);
		p->row = narrow ? narrow_row(st) : row(st);
		p->joined = joined;
		joined = true;
	}
	return got;
}

static int
pick(struct db *db, int64_t mailbox, const uint32_t *uids, size_t n,
    bool narrow, struct message_picked **out, size_t *n_out, struct fail *f)
{
	struct array a = {.size = sizeof(**out)};
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0;) {
		size_t end = i + 1;

		for (; end < n; end++) {
			assert(uids[end - 1] < uids[end]);
			if (uids[end] - uids[end - 1] > GAP_MAX)
				break;
		}
		rc = pick_span(db, mailbox, &uids[i], end - i, narrow, &a, f);
		i = end;
	}
	return give(&a, rc, out, n_out);
}

int
message_pick(struct db *db, int64_t mailbox, const uint32_t *uids, size_t n,
    struct message_picked **out, size_t *n_out, struct fail *f)
{
	return pick(db, mailbox, uids, n, false, out, n_out, f);
}

int
message_pick_narrow(struct db *db, int64_t mailbox, const uint32_t *uids,
    size_t n, struct message_picked **out, size_t *n_out, struct fail *f)
{
	return pick(db, mailbox, uids, n, true, out, n_out, f);
}
