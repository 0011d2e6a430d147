/* SPDX-License-Identifier: MIT */
#include "common/store/queue.h"

#include "common/store/queue_internal.h"
#include "common/store/sql.h"
#include "common/util/mem.h"

static const char sql_one[] = QUEUE_ENTRY " WHERE r.trace = ?1 AND r.n = ?2";
static const char sql_count[] =
    "SELECT (SELECT count(*) FROM recipient),"
    " (SELECT count(*) FROM recipient WHERE state = 1)";
static const char sql_left[] =
    "SELECT (SELECT count(*) FROM recipient WHERE trace = ?1)"
    " + (SELECT count(*) FROM report WHERE trace = ?1)";

void
queue_entry_release(struct queue_entry *e)
{
	free(e->address);
	free(e->domain);
	free(e->original);
	free(e->last_reply);
	free(e->last_host);
	free(e->sender);
	free(e->return_to);
	free(e->original_recipient);
	free(e->envelope_id);
	*e = (struct queue_entry){0};
}

const char *
queue_entry_sender(const struct queue_entry *e)
{
	return e->return_to[0] != '\0' ? e->return_to : NULL;
}

void
queue_list_release(struct queue_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		queue_entry_release(&l->entries[i]);
	free(l->entries);
	*l = (struct queue_list){0};
}

static struct queue_entry
entry(sqlite3_stmt *st)
{
	return (struct queue_entry){.trace = sql_int(st, 0),
	    .n = (int)sql_int(st, 1),
	    .address = sql_dup(st, 2),
	    .domain = sql_dup(st, 3),
	    .original = sql_dup(st, 4),
	    .held = sql_int(st, 5) != 0,
	    .next_ms = sql_int(st, 6),
	    .created_ms = sql_int(st, 7),
	    .expires_ms = sql_int(st, 8),
	    .tries = (int)sql_int(st, 9),
	    .last_code = (int)sql_int(st, 10),
	    .last_ms = sql_int(st, 11),
	    .last_reply = sql_dup(st, 12),
	    .last_host = sql_dup(st, 13),
	    .sender = sql_dup(st, 14),
	    .body = sql_int(st, 15),
	    .account = sql_int(st, 16),
	    .skip = (uint64_t)sql_int(st, 17),
	    .size = (uint64_t)sql_int(st, 18),
	    .utf8 = sql_int(st, 19) != 0,
	    .eight_bit = sql_int(st, 20) != 0,
	    .return_to = sql_dup(st, 21),
	    .original_recipient = sql_dup(st, 22),
	    .envelope_id = sql_dup(st, 23),
	    .notify = (unsigned)sql_int(st, 24),
	    .ret = (int)sql_int(st, 25),
	    .hold_until_ms = sql_int(st, 26),
	    .told = sql_int(st, 27) != 0,
	    .binary = sql_int(st, 28) != 0,
	    .require_tls = sql_int(st, 29) != 0,
	    .paused = sql_int(st, 30) != 0,
	    .tls_optional = sql_int(st, 31) != 0};
}

enum queue_state
queue_entry_state(const struct queue_entry *e, int64_t now_ms)
{
	return queue_state_of(&(const struct queue_moment){.held = e->held,
				  .paused = e->paused,
				  .tries = e->tries,
				  .next_ms = e->next_ms,
				  .hold_until_ms = e->hold_until_ms},
	    now_ms);
}

int
queue_gather(sqlite3_stmt *st, struct queue_list *out, struct fail *f)
{
	size_t room = 0;
	int got;

	*out = (struct queue_list){0};
	while ((got = sql_step(st, f)) == 1) {
		if (out->n == room) {
			room = room > 0 ? 2 * room : 16;
			out->entries = mem_grow(
			    out->entries, room, sizeof(*out->entries));
		}
		out->entries[out->n++] = entry(st);
	}
	if (got == -1)
		queue_list_release(out);
	return got;
}

int
queue_read_one(struct db *db, int64_t trace, int64_t n, struct queue_list *out,
    struct fail *f)
{
	return queue_gather(sql_bind(db, sql_one, f, "ii", trace, n), out, f);
}

/* Append the entry of a recipient. */
static int
read_along(struct db *db, const struct queue_pick *p, struct queue_list *out,
    struct fail *f)
{
	struct queue_list one;
	int rc = queue_read_one(db, p->trace, p->n, &one, f);

	if (rc == 0 && one.n > 0) {
		out->entries[out->n++] = one.entries[0];
		free(one.entries);
	}
	return rc;
}

int
queue_read(struct db *db, const struct queue_filter *q, int64_t now_ms,
    size_t max, struct queue_list *out, struct fail *f)
{
	struct queue_picks picks;
	int rc = queue_choose(db, q, now_ms, max, &picks, f);

	*out = (struct queue_list){0};
	if (rc == 0 && picks.n > 0)
		out->entries = mem_new(picks.n, sizeof(*out->entries));
	for (size_t i = 0; i < picks.n && rc == 0; i++)
		rc = read_along(db, &picks.at[i], out, f);
	if (rc == -1)
		queue_list_release(out);
	queue_picks_release(&picks);
	return rc;
}

int
queue_left(struct db *db, int64_t trace, size_t *n, struct fail *f)
{
	int64_t left = 0;
	int got = sql_number(db, &left, sql_left, f, "i", trace);

	*n = (size_t)left;
	return got == -1 ? -1 : 0;
}

int
queue_count(struct db *db, size_t *waiting, size_t *held, struct fail *f)
{
	sqlite3_stmt *st = sql_bind(db, sql_count, f, "");

	if (sql_step(st, f) != 1)
		return -1;
	*held = (size_t)sql_int(st, 1);
	*waiting = (size_t)sql_int(st, 0) - *held;
	sqlite3_reset(st);
	return 0;
}
