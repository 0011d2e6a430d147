/* SPDX-License-Identifier: MIT */
#include "common/store/pending.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/store/mailbox_make.h"
#include "common/store/mailbox_name.h"
#include "common/store/pending_internal.h"
#include "common/store/queue.h"
#include "common/store/sql.h"
#include "common/store/txn.h"
#include "common/util/mem.h"

static const char sql_is[] =
    "SELECT 1 FROM mailbox WHERE id = ?1 AND special & 32";
static const char sql_next_sender[] =
    "SELECT account FROM queue INDEXED BY queue_account WHERE account > ?1"
    " ORDER BY account LIMIT 1";
static const char sql_next_noted[] =
    "SELECT account FROM pending WHERE account > ?1 ORDER BY account LIMIT 1";
static const char sql_stays[] =
    "SELECT 1 FROM account WHERE id = ?1 AND state <> 2";

/* Messages of an account that may want a note and those that have one, newest
 * first; and how old the note is. */
static const char sql_messages[] =
    "WITH w (trace) AS ("
    "SELECT trace FROM (SELECT trace FROM queue INDEXED BY queue_account"
    " WHERE account = ?1 ORDER BY trace DESC LIMIT ?2)"
    " UNION SELECT trace FROM pending WHERE account = ?1)"
    " SELECT w.trace, p.stamp, g.saved FROM w"
    " LEFT JOIN pending p ON p.trace = w.trace"
    " LEFT JOIN message g ON g.mailbox = p.mailbox AND g.uid = p.uid"
    " ORDER BY w.trace DESC";

/* What a note shows of its message: the first ones of its recipients. */
static const char sql_shown[] =
    "SELECT q.created, (SELECT count(*) FROM (SELECT 1 FROM recipient"
    " WHERE trace = ?1 LIMIT ?4)), sum(r.tries), sum(r.next_at),"
    " sum(r.state), count(z.domain), count(r.n), max(r.tries > 0),"
    " max(r.tries > 0 OR r.state <> 0 OR r.next_at > ?5"
    " OR z.domain IS NOT NULL)"
    " FROM queue q JOIN (SELECT * FROM recipient WHERE trace = ?1"
    " ORDER BY n LIMIT ?3) r ON r.trace = q.trace"
    " LEFT JOIN paused z ON z.domain = r.domain"
    " WHERE q.trace = ?1 AND q.account = ?2 GROUP BY q.trace";

static const char sql_mailbox[] =
    "SELECT id FROM mailbox WHERE account = ?1 AND special & 32";
/* A person's own, empty: made when notes were off, or left when they were. */
static const char sql_adopt[] =
    "UPDATE mailbox SET special = 32 WHERE account = ?1 AND name = ?2"
    " AND special = 0 AND EXISTS (SELECT 1 FROM mailbox_state s"
    " WHERE s.mailbox = mailbox.id AND s.messages = 0)"
    " RETURNING id";
static const char sql_give_up[] =
    "UPDATE mailbox SET special = 0 WHERE special & 32 AND EXISTS"
    " (SELECT 1 FROM mailbox_state s WHERE s.mailbox = mailbox.id"
    " AND s.messages = 0)";

static const char sql_find[] =
    "SELECT p.mailbox, p.uid, coalesce(g.flags, 0) FROM pending p"
    " LEFT JOIN message g ON g.mailbox = p.mailbox AND g.uid = p.uid"
    " WHERE p.trace = ?1";
static const char sql_forget[] = "DELETE FROM pending WHERE trace = ?1";
static const char sql_stamp[] =
    "UPDATE pending SET stamp = ?2 WHERE trace = ?1";
static const char sql_add[] =
    "INSERT INTO pending (trace, account, mailbox, uid, stamp)"
    " VALUES (?1, ?2, ?3, ?4, ?5)";
static const char sql_noted[] =
    "SELECT trace, account FROM pending WHERE mailbox = ?1 AND uid = ?2";

int
pending_is(struct db *db, int64_t mailbox, struct fail *f)
{
	int64_t one;

	return sql_number(db, &one, sql_is, f, "i", mailbox);
}

/* ---- looking ---- */

struct shown {
	int64_t created_ms;
	size_t recipients;
	int64_t stamp;
	bool waits;
};

#define FIGURES     5 /* columns, from the second on */
#define CLASS_SHIFT 56

static uint64_t
figure(sqlite3_stmt *st, int i)
{
	return (uint64_t)sql_int(st, 1 + i);
}

/* What kinds of recipients there are: held, paused, tried.  Fewer than 128. */
static uint64_t
class_of(sqlite3_stmt *st)
{
	uint64_t held = figure(st, 3), paused = figure(st, 4);
	uint64_t n = figure(st, 5);

	return (uint64_t)(held > 0) | (uint64_t)(held == n) << 1 |
	       (uint64_t)(paused > 0) << 2 | (uint64_t)(paused == n) << 3 |
	       figure(st, 6) << 4;
}

/* The class, and FNV-1a over the figures: no change may look like none. */
static int64_t
stamp_of(sqlite3_stmt *st)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (int i = 0; i < FIGURES; i++)
		for (unsigned bit = 0; bit < 64; bit += 8) {
			h ^= figure(st, i) >> bit & 0xff;
			h *= UINT64_C(0x100000001b3);
		}
	return (int64_t)(class_of(st) << CLASS_SHIFT | h >> (64 - CLASS_SHIFT));
}

static bool
same_class(int64_t stamp, int64_t other)
{
	return (uint64_t)stamp >> CLASS_SHIFT == (uint64_t)other >> CLASS_SHIFT;
}

/* 1, 0 nothing of it waits, -1. */
static int
read_shown(struct db *db, int64_t trace, int64_t account, int64_t now_ms,
    struct shown *out, struct fail *f)
{
	sqlite3_stmt *st = sql_bind(db, sql_shown, f, "iiiii", trace, account,
	    (int64_t)PENDING_SHOWN, (int64_t)PENDING_COUNTED,
	    now_ms + PENDING_SOON_MS);
	int got = sql_step(st, f);

	*out = (struct shown){0};
	if (got != 1)
		return got;
	*out = (struct shown){.created_ms = sql_int(st, 0),
	    .recipients = (size_t)figure(st, 0),
	    .stamp = stamp_of(st),
	    .waits = sql_int(st, 8) != 0};
	sqlite3_reset(st);
	return 1;
}

/* The account after this one that has mail in the queue, or notes.  1, 0, -1.
 */
static int
next_account(struct db *db, int64_t *account, struct fail *f)
{
	int64_t sender = INT64_MAX, noted = INT64_MAX;

	if (sql_number(db, &sender, sql_next_sender, f, "i", *account) == -1 ||
	    sql_number(db, &noted, sql_next_noted, f, "i", *account) == -1)
		return -1;
	*account = sender < noted ? sender : noted;
	return *account != INT64_MAX;
}

/* One message of an account, and its note if there is one. */
struct looked {
	int64_t trace;
	bool noted;
	int64_t stamp, put_ms; /* of the note */
};

/* A note that is not true any more is replaced at once if what its message
 * waits for is another thing, else only when it is old enough. */
static bool
is_old_enough(struct pending_walk *walk, const struct looked *l,
    const struct shown *s, int64_t now_ms)
{
	int64_t gap = (now_ms - s->created_ms) / 4, left;

	if (!same_class(l->stamp, s->stamp))
		return true;
	if (gap > PENDING_REPLACE_MS)
		gap = PENDING_REPLACE_MS;
	left = l->put_ms + gap - now_ms;
	/* a clock that was set back makes nobody wait for it */
	if (left <= 0 || left > PENDING_REPLACE_MS)
		return true;
	if (walk->later_ms == 0 || left < walk->later_ms)
		walk->later_ms = left;
	return false;
}

/* Is something to be done about it?  1, 0, -1. */
static int
judge(struct db *db, struct pending_walk *walk, const struct looked *l,
    int64_t now_ms, size_t *kept, struct pending_change *c, struct fail *f)
{
	struct shown s;
	int got = read_shown(db, l->trace, walk->account, now_ms, &s, f);
	bool wanted;

	if (got == -1)
		return -1;
	wanted = !walk->off && got == 1 && (s.waits || l->noted) &&
	         *kept < PENDING_NOTES_MAX;
	*kept += wanted;
	*c = (struct pending_change){.trace = l->trace,
	    .account = walk->account,
	    .stamp = s.stamp,
	    .recipients = s.recipients,
	    .remove = !wanted};
	if (!wanted)
		return l->noted;
	if (!l->noted)
		return 1;
	return l->stamp != s.stamp && is_old_enough(walk, l, &s, now_ms);
}

/* What is to be done about one account's notes.  0, -1. */
static int
look_at(struct db *db, struct pending_walk *walk, int64_t now_ms,
    struct pending_change *out, size_t max, size_t *n, struct fail *f)
{
	sqlite3_stmt *st = sql_bind(db, sql_messages, f, "ii", walk->account,
	    (int64_t)(walk->off ? 0 : PENDING_RECENT_MAX));
	size_t kept = 0;
	int got;

	while ((got = sql_step(st, f)) == 1) {
		const struct looked l = {.trace = sql_int(st, 0),
		    .noted = sqlite3_column_type(st, 1) != SQLITE_NULL,
		    .stamp = sql_int(st, 1),
		    .put_ms = sql_int(st, 2)};
		struct pending_change c;
		int wants = judge(db, walk, &l, now_ms, &kept, &c, f);

		if (wants == 0)
			continue;
		if (wants == -1 || *n == max) {
			walk->left |= wants == 1;
			sqlite3_reset(st);
			return wants == -1 ? -1 : 0;
		}
		out[(*n)++] = c;
	}
	return got;
}

int
pending_look(struct db *db, struct pending_walk *walk, int64_t now_ms,
    struct pending_change *out, size_t max, size_t *n, struct fail *f)
{
	int got;

	*n = 0;
	while (*n < max && (got = next_account(db, &walk->account, f)) != 0) {
		int64_t one;

		if (got == 1)
			got = sql_number(
			    db, &one, sql_stays, f, "i", walk->account);
		if (got == -1 || (got == 1 && look_at(db, walk, now_ms, out,
						  max, n, f) == -1))
			return -1;
	}
	if (*n < max)
		walk->account = 0;
	return 0;
}

/* ---- the mailbox ---- */

/* The one of this name, made or taken if that can be: 1, 0 a person has it,
 * -1. */
static int
take_name(struct db *db, int64_t account, struct str name, int64_t now_ms,
    int64_t *mailbox, struct fail *f)
{
	int got = mailbox_id(db, account, name, mailbox, f);

	if (got == -1)
		return -1;
	if (got == 0) {
		if (mailbox_make(db, account, name, MAILBOX_PENDING, now_ms,
			mailbox, f) == -1)
			return -1;
	} else {
		sqlite3_stmt *st = sql_bind(
		    db, sql_adopt, f, "it", account, name);

		got = sql_step(st, f);
		/* a RETURNING statement is done only when stepped to its end */
		if (got != 1 || sql_step(st, f) != 0)
			return got == 0 ? 0 : -1;
	}
	return mailbox_subscribe(db, account, name, true, f) == -1 ? -1 : 1;
}

/* The account's mailbox, made when there is none. */
static int
find_mailbox(struct db *db, int64_t account, int64_t now_ms, int64_t *mailbox,
    struct fail *f)
{
	int got = sql_number(db, mailbox, sql_mailbox, f, "i", account);

	/* a person who has mailboxes of all these names has no more others */
	for (int i = 1; got == 0 && i <= MAILBOX_COUNT_MAX + 1; i++) {
		char name[sizeof(MAILBOX_PENDING_NAME) + 12];

		snprintf(name, sizeof(name),
		    i > 1 ? MAILBOX_PENDING_NAME " %d" : MAILBOX_PENDING_NAME,
		    i);
		got = take_name(db, account, str_of(name), now_ms, mailbox, f);
	}
	if (got == 0)
		return fail(f, FAIL_PERM,
		    "account %lld has mailboxes of every name that "
		    "\"" MAILBOX_PENDING_NAME "\" could have",
		    (long long)account);
	return got == 1 ? 0 : -1;
}

int
pending_give_up(struct db *db, struct fail *f)
{
	return sql_run(db, sql_give_up, f, "");
}

/* ---- notes ---- */

struct place {
	int64_t mailbox;
	uint32_t uid;
	uint64_t flags;
};

/* Where is the note?  1, 0 there is none, -1. */
static int
find_note(struct db *db, int64_t trace, struct place *out, struct fail *f)
{
	sqlite3_stmt *st = sql_bind(db, sql_find, f, "i", trace);
	int got = sql_step(st, f);

	if (got != 1)
		return got;
	*out = (struct place){.mailbox = sql_int(st, 0),
	    .uid = (uint32_t)sql_int(st, 1),
	    .flags = (uint64_t)sql_int(st, 2)};
	sqlite3_reset(st);
	return 1;
}

/* Take the note out: its row first, so that nothing is recalled.  1, 0 there
 * is none, -1. */
static int
take_out(struct db *db, int64_t trace, int64_t now_ms, struct place *was,
    struct fail *f)
{
	const struct hop who = {.at_ms = now_ms, .daemon = HOP_MAILD};
	int got = find_note(db, trace, was, f);
	int64_t modseq;
	size_t n;

	if (got != 1)
		return got;
	if (sql_run(db, sql_forget, f, "i", trace) == -1 ||
	    message_expunge(db, was->mailbox, &was->uid, 1, false, &who, NULL,
		&n, &modseq, f) == -1)
		return -1;
	return 1;
}

/* Is the message still what the note shows of it, and its account there? */
static int
is_true(struct db *db, const struct pending_change *c, int64_t now_ms,
    struct fail *f)
{
	struct shown s;
	int64_t one;
	int got = read_shown(db, c->trace, c->account, now_ms, &s, f);

	if (got != 1 || s.stamp != c->stamp)
		return got == -1 ? -1 : 0;
	return sql_number(db, &one, sql_stays, f, "i", c->account);
}

struct putting {
	const struct pending_change *change;
	struct stage *note;
	int64_t now_ms;
	int64_t *mailbox;
};

static int
put(struct db *db, void *arg, struct fail *f)
{
	const struct putting *p = arg;
	const struct pending_change *c = p->change;
	struct place was = {.flags = 0};
	struct message_new new = {.stage = p->note, .received_ms = p->now_ms};
	uint32_t uid = 0;

	if (find_mailbox(db, c->account, p->now_ms, p->mailbox, f) == -1 ||
	    take_out(db, c->trace, p->now_ms, &was, f) == -1)
		return -1;
	new.flags = was.flags &MESSAGE_SEEN;
	if (message_append_note(db, *p->mailbox, &new, p->now_ms, &uid, f) ==
	    -1)
		return -1;
	return sql_run(db, sql_add, f, "iiiii", c->trace, c->account,
	    *p->mailbox, (int64_t)uid, c->stamp);
}

int
pending_put(struct db *db, const struct pending_change *c, struct stage *note,
    int64_t now_ms, int64_t *mailbox, struct fail *f)
{
	struct putting p = {c, note, now_ms, mailbox};
	struct place was = {.flags = 0};
	int got = is_true(db, c, now_ms, f);

	if (got == 1 && find_note(db, c->trace, &was, f) == -1)
		return -1;
	if (got != 1)
		return got;
	/* under another UID it would escape who is about to expunge it */
	if (was.flags & MESSAGE_DELETED)
		return sql_run(db, sql_stamp, f, "ii", c->trace, c->stamp);
	if (txn_try(db, put, &p, f) == 0)
		return 1;
	/* there is no place for it: the notes of others are not to wait */
	return f->kind == FAIL_PERM || f->kind == FAIL_QUOTA ? 0 : -1;
}

int
pending_remove(struct db *db, int64_t trace, int64_t now_ms, int64_t *mailbox,
    struct fail *f)
{
	struct place was = {.flags = 0};
	int got = take_out(db, trace, now_ms, &was, f);

	*mailbox = was.mailbox;
	return got;
}

/* ---- somebody takes a note away ---- */

static int
recall(struct db *db, int64_t mailbox, uint32_t uid, const struct hop *who,
    struct fail *f)
{
	sqlite3_stmt *st = sql_bind(
	    db, sql_noted, f, "ii", mailbox, (int64_t)uid);
	struct queue_command command = {
	    .order = QUEUE_RECALL, .daemon = who->daemon, .now_ms = who->at_ms};
	int got = sql_step(st, f);
	size_t changed;

	if (got != 1)
		return got;
	command.which.trace = sql_int(st, 0);
	command.which.account = sql_int(st, 1);
	sqlite3_reset(st);
	if (sql_run(db, sql_forget, f, "i", command.which.trace) == -1)
		return -1;
	return queue_change(db, &command, &changed, f);
}

int
pending_recall(const struct message_box *b, const struct message_picked *picked,
    size_t n, const struct hop *who, struct fail *f)
{
	for (size_t i = 0; i < n; i++)
		if (recall(b->db, b->id, picked[i].row.uid, who, f) == -1)
			return -1;
	return 0;
}
