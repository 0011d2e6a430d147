/* SPDX-License-Identifier: MIT */
#include "common/store/pending.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/store/mailbox_make.h"
#include "common/store/pending_internal.h"
#include "common/store/queue.h"
#include "common/store/sql.h"
#include "common/util/mem.h"

#define NAMES 9 /* tried for the mailbox, if a person has one of the name */

static const char sql_is[] =
    "SELECT 1 FROM mailbox WHERE id = ?1 AND special & 32";
static const char sql_next_sender[] =
    "SELECT account FROM queue INDEXED BY queue_account WHERE account > ?1"
    " ORDER BY account LIMIT 1";
static const char sql_next_noted[] =
    "SELECT account FROM pending WHERE account > ?1 ORDER BY account LIMIT 1";
static const char sql_stays[] =
    "SELECT 1 FROM account WHERE id = ?1 AND state <> 2";

/* What a note shows of its message changes with one of these, and with the
 * recipients that there are: FIGURES columns. */
#define FIGURES 5
#define SHOWN                                                                  \
	"count(r.n), sum(r.tries), sum(r.next_at), sum(r.state),"              \
	" count(z.domain)"
#define JOINED                                                                 \
	" LEFT JOIN recipient r ON r.trace = w.trace"                          \
	" LEFT JOIN paused z ON z.domain = r.domain"

/* Messages of an account that may want a note and those that have one, newest
 * first: whether it waits, its stamp. */
static const char sql_messages[] =
    "WITH w (trace) AS ("
    "SELECT trace FROM (SELECT trace FROM queue INDEXED BY queue_account"
    " WHERE account = ?1 ORDER BY trace DESC LIMIT ?3)"
    " UNION SELECT trace FROM pending WHERE account = ?1)"
    " SELECT " SHOWN ", w.trace, p.stamp,"
    " max(r.tries > 0 OR r.state <> 0 OR r.next_at > ?2"
    " OR z.domain IS NOT NULL)"
    " FROM w" JOINED " LEFT JOIN pending p ON p.trace = w.trace"
    " GROUP BY w.trace ORDER BY w.trace DESC";
static const char sql_shown[] = "SELECT " SHOWN " FROM queue w" JOINED
				" WHERE w.trace = ?1 AND w.account = ?2"
				" GROUP BY w.trace";

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

/* FNV-1a over the figures a row begins with: no change may look like none. */
static int64_t
stamp(sqlite3_stmt *st)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (int i = 0; i < FIGURES; i++) {
		uint64_t figure = (uint64_t)sql_int(st, i);

		for (unsigned bit = 0; bit < 64; bit += 8) {
			h ^= figure >> bit & 0xff;
			h *= UINT64_C(0x100000001b3);
		}
	}
	return (int64_t)h;
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

/* What is to be done about one account's notes.  0, -1. */
static int
look_at(struct db *db, struct pending_walk *walk, int64_t now_ms,
    struct pending_change *out, size_t max, size_t *n, struct fail *f)
{
	sqlite3_stmt *st = sql_bind(db, sql_messages, f, "iii", walk->account,
	    now_ms + PENDING_SOON_MS,
	    (int64_t)(walk->off ? 0 : PENDING_RECENT_MAX));
	size_t kept = 0;
	int got;

	while ((got = sql_step(st, f)) == 1) {
		bool there = sql_int(st, 0) > 0;
		bool noted = sqlite3_column_type(st, FIGURES + 1) !=
		             SQLITE_NULL;
		bool waits = sql_int(st, FIGURES + 2) != 0;
		bool wanted = !walk->off && there && (waits || noted) &&
		              kept < PENDING_NOTES_MAX;
		struct pending_change c = {
		    .trace = sql_int(st, FIGURES),
		    .account = walk->account,
		    .stamp = stamp(st),
		    .recipients = (size_t)sql_int(st, 0),
		    .remove = !wanted,
		};

		kept += wanted;
		if (wanted ? noted && sql_int(st, FIGURES + 1) == c.stamp
			   : !noted)
			continue;
		if (*n == max) {
			walk->left = true;
			sqlite3_reset(st);
			return 0;
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

	for (int i = 1; got == 0 && i <= NAMES; i++) {
		char name[sizeof(MAILBOX_PENDING_NAME) + 8];

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

/* Take the note out: its row first, so that nothing is recalled.  1, 0 there
 * is none, -1. */
static int
take_out(struct db *db, int64_t trace, int64_t now_ms, struct place *was,
    struct fail *f)
{
	const struct hop who = {.at_ms = now_ms, .daemon = HOP_MAILD};
	sqlite3_stmt *st = sql_bind(db, sql_find, f, "i", trace);
	int got = sql_step(st, f);
	int64_t modseq;
	size_t n;

	if (got != 1)
		return got;
	was->mailbox = sql_int(st, 0);
	was->uid = (uint32_t)sql_int(st, 1);
	was->flags = (uint64_t)sql_int(st, 2);
	sqlite3_reset(st);
	if (sql_run(db, sql_forget, f, "i", trace) == -1 ||
	    message_expunge(db, was->mailbox, &was->uid, 1, false, &who, NULL,
		&n, &modseq, f) == -1)
		return -1;
	return 1;
}

/* Is the message still what the note shows of it, and its account there? */
static int
is_true(struct db *db, const struct pending_change *c, struct fail *f)
{
	sqlite3_stmt *st = sql_bind(
	    db, sql_shown, f, "ii", c->trace, c->account);
	int got = sql_step(st, f);
	int64_t one;

	if (got != 1)
		return got;
	got = stamp(st) == c->stamp;
	sqlite3_reset(st);
	return got == 1 ? sql_number(db, &one, sql_stays, f, "i", c->account)
	                : 0;
}

int
pending_put(struct db *db, const struct pending_change *c, struct stage *note,
    int64_t now_ms, int64_t *mailbox, struct fail *f)
{
	struct place was = {.flags = 0};
	struct message_new new = {.stage = note, .received_ms = now_ms};
	uint32_t uid = 0;
	int got = is_true(db, c, f);

	if (got != 1)
		return got;
	if (find_mailbox(db, c->account, now_ms, mailbox, f) == -1 ||
	    take_out(db, c->trace, now_ms, &was, f) == -1)
		return -1;
	new.flags = was.flags &(MESSAGE_SEEN | MESSAGE_DELETED);
	if (message_append_note(db, *mailbox, &new, now_ms, &uid, f) == -1 ||
	    sql_run(db, sql_add, f, "iiiii", c->trace, c->account, *mailbox,
		(int64_t)uid, c->stamp) == -1)
		return -1;
	return 1;
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
