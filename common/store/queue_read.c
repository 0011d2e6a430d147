/* SPDX-License-Identifier: MIT */
#include "common/store/queue.h"

#include "common/store/queue_internal.h"
#include "common/store/sql.h"
#include "common/util/mem.h"

#define ENTRY                                                                  \
	"SELECT r.trace, r.n, r.address, r.domain, r.original, r.state,"       \
	" r.next_at, q.created, q.expires, r.tries, coalesce(r.last_code, 0)," \
	" coalesce(r.last_at, 0), r.last_reply, r.last_host, q.sender,"        \
	" q.body, coalesce(q.account, 0), q.skip, b.size, q.utf8,"             \
	" q.eight_bit, coalesce(q.return_to, q.sender), r.original_recipient," \
	" q.envelope_id, r.notify, q.ret, q.hold_until, r.told, q.binary,"     \
	" q.require_tls"                                                       \
	" FROM recipient r JOIN queue q ON q.trace = r.trace"                  \
	" JOIN body b ON b.id = q.body"

/* By what is due, or the planner goes through everything that waits. */
static const char sql_domains[] =
    "SELECT domain FROM recipient INDEXED BY recipient_due"
    " WHERE state = 0 AND next_at <= ?1"
    " GROUP BY domain ORDER BY min(next_at) LIMIT ?2";
static const char sql_due[] = ENTRY
    " WHERE r.domain = ?1 AND r.state = 0 AND r.next_at <= ?2"
    " ORDER BY r.next_at LIMIT ?3";
static const char sql_one[] = ENTRY " WHERE r.trace = ?1 AND r.n = ?2";
static const char sql_next[] =
    "SELECT min(next_at) FROM recipient WHERE state = 0";
static const char sql_count[] =
    "SELECT count(*), coalesce(sum(state = 0), 0) FROM recipient";
static const char sql_all[] = ENTRY
    " WHERE (?1 = 0 OR r.trace = ?1) AND (?2 IS NULL OR r.domain = ?2)"
    " ORDER BY r.trace, r.n LIMIT ?3";

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

int
queue_due_domains(struct db *db, int64_t now_ms, size_t max, char ***domains,
    size_t *n, struct fail *f)
{
	sqlite3_stmt *st = sql_bind(
	    db, sql_domains, f, "ii", now_ms, (int64_t)max);
	struct buf names;
	size_t count = 0, table;
	char *at;
	int got;

	*n = 0;
	*domains = NULL;
	buf_init(&names, SIZE_MAX / 4);
	while ((got = sql_step(st, f)) == 1) {
		buf_add(&names, sql_text(st, 0));
		buf_add_char(&names, '\0');
		count++;
	}
	if (got == 0) {
		/* the pointers, then what they point to */
		table = count * sizeof(char *);
		*domains = mem_new(table + names.len, 1);
		at = (char *)*domains + table;
		if (names.len > 0)
			memcpy(at, names.data, names.len);
		for (size_t i = 0; i < count; i++, at += strlen(at) + 1)
			(*domains)[i] = at;
		*n = count;
	}
	buf_release(&names);
	return got;
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
	    .require_tls = sql_int(st, 29) != 0};
}

static int
gather(sqlite3_stmt *st, struct queue_list *out, struct fail *f)
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
queue_due(struct db *db, struct str domain, int64_t now_ms, size_t max,
    struct queue_list *out, struct fail *f)
{
	return gather(
	    sql_bind(db, sql_due, f, "tii", domain, now_ms, (int64_t)max), out,
	    f);
}

int
queue_next_due(struct db *db, int64_t *when_ms, struct fail *f)
{
	sqlite3_stmt *st = sql_bind(db, sql_next, f, "");
	int got = sql_step(st, f);

	if (got == -1)
		return -1;
	*when_ms = INT64_MAX;
	if (sqlite3_column_type(st, 0) != SQLITE_NULL)
		*when_ms = sql_int(st, 0);
	sqlite3_reset(st);
	return 0;
}

int
queue_read(struct db *db, int64_t trace, struct str domain, size_t max,
    struct queue_list *out, struct fail *f)
{
	return gather(
	    sql_bind(db, sql_all, f, "ioi", trace, domain, (int64_t)max), out,
	    f);
}

int
queue_read_one(struct db *db, int64_t trace, int64_t n, struct queue_list *out,
    struct fail *f)
{
	return gather(sql_bind(db, sql_one, f, "ii", trace, n), out, f);
}

int
queue_count(struct db *db, size_t *waiting, size_t *held, struct fail *f)
{
	sqlite3_stmt *st = sql_bind(db, sql_count, f, "");

	if (sql_step(st, f) != 1)
		return -1;
	*waiting = (size_t)sql_int(st, 1);
	*held = (size_t)sql_int(st, 0) - *waiting;
	sqlite3_reset(st);
	return 0;
}
