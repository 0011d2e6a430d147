/* SPDX-License-Identifier: MIT */
#include "common/store/delivery.h"

#include <assert.h>
#include <stdio.h>

#include "common/mime/date.h"
#include "common/mime/dsn.h"
#include "common/store/body_write.h"
#include "common/store/hop_put.h"
#include "common/store/queue_internal.h"
#include "common/store/sql.h"
#include "common/store/verdict.h"
#include "common/util/mem.h"

#define UID_MAX UINT32_MAX /* RFC 9051 s2.3.1.1: 32 bits, not zero */

#define BOX_COLUMNS                                                            \
	"SELECT m.id, s.uid_next, s.modseq, c.quota_bytes, u.bytes, c.login,"  \
	" m.name FROM account c"                                               \
	" JOIN account_use u ON u.account = c.id"
static const char sql_inbox[] = BOX_COLUMNS
    " JOIN mailbox m ON m.account = c.id AND m.name = 'INBOX'"
    " JOIN mailbox_state s ON s.mailbox = m.id"
    " WHERE c.id = ?1 AND c.state <> 2";
static const char sql_junk[] = BOX_COLUMNS
    " JOIN mailbox m ON m.account = c.id AND m.special & 4" /* MAILBOX_JUNK */
    " JOIN mailbox_state s ON s.mailbox = m.id"
    " WHERE c.id = ?1 AND c.state <> 2";
static const char sql_use[] =
    "UPDATE account_use SET bytes = bytes + ?2, messages = messages + 1"
    " WHERE account = ?1";
static const char sql_state[] =
    "UPDATE mailbox_state SET uid_next = ?2 + 1, modseq = ?3,"
    " messages = messages + 1, unseen = unseen + 1, bytes = bytes + ?4"
    " WHERE mailbox = ?1";
static const char sql_message[] =
    "INSERT INTO message (mailbox, uid, modseq, flags, received, size, body,"
    " trace) VALUES (?1, ?2, ?3, 0, ?4, ?5, ?6, ?7)";
static const char sql_queue[] =
    "INSERT INTO queue (trace, body, skip, sender, utf8, eight_bit, created,"
    " expires, account, return_to, envelope_id, ret, binary, require_tls,"
    " hold_until, tls_optional)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, nullif(?9, 0), ?10, ?11, ?12,"
    " ?13, ?14, ?15, ?16)";
static const char sql_journey[] =
    "INSERT INTO journey (trace, at, sender, message_id, size)"
    " VALUES (?1, ?2, ?3, ?4, ?5)";

/* One target, once. */
struct copy {
	const struct delivery_target *target;
	size_t at;                    /* place among the targets */
	bool queued;                  /* not into a mailbox here and now */
	int64_t mailbox, uid, modseq; /* of a local one */
	char *name;                   /* of its mailbox, owned; NULL: INBOX */
};

struct job {
	struct db *db;
	const struct delivery *d;
	struct copy *copies; /* in the order of the targets, none twice */
	size_t n, locals;    /* locals: not queued */
	int64_t size;
	int64_t body;
	int64_t hops; /* written so far; -1: the journey was begun before */
};

static int
by_target(const void *va, const void *vb)
{
	const struct copy *a = va, *b = vb;
	int order;

	if (a->target->account != b->target->account)
		return a->target->account < b->target->account ? -1 : 1;
	order = a->target->account != 0
	            ? 0
	            : str_cmp(a->target->address, b->target->address);
	if (order != 0)
		return order;
	return a->at < b->at ? -1 : a->at > b->at;
}

static int
by_place(const void *va, const void *vb)
{
	const struct copy *a = va, *b = vb;

	return a->at < b->at ? -1 : a->at > b->at;
}

static bool
same(const struct copy *a, const struct copy *b)
{
	return a->target->account == b->target->account &&
	       (a->target->account != 0 ||
		   str_eq(a->target->address, b->target->address));
}

/* Whoever is named twice gets one copy: the first naming counts. */
static void
choose(struct job *j)
{
	const struct delivery *d = j->d;
	size_t kept = 0;

	j->copies = mem_new(d->n_targets, sizeof(*j->copies));
	for (size_t i = 0; i < d->n_targets; i++)
		j->copies[i] = (struct copy){.target = &d->targets[i],
		    .at = i,
		    .queued = d->targets[i].account == 0 ||
		              d->hold_until_ms > 0};
	qsort(j->copies, d->n_targets, sizeof(*j->copies), by_target);
	for (size_t i = 0; i < d->n_targets; i++)
		if (kept == 0 || !same(&j->copies[kept - 1], &j->copies[i]))
			j->copies[kept++] = j->copies[i];
	qsort(j->copies, kept, sizeof(*j->copies), by_place);
	j->n = kept;
	for (size_t i = 0; i < kept; i++)
		j->locals += !j->copies[i].queued;
}

/* Step to the mailbox it goes to: an account may have none for junk. */
static int
find_mailbox(
    struct job *j, const struct copy *c, sqlite3_stmt **st, struct fail *f)
{
	int64_t account = c->target->account;
	int got = 0;

	if (j->d->junk) {
		*st = sql_bind(j->db, sql_junk, f, "i", account);
		got = sql_step(*st, f);
	}
	if (got != 0)
		return got;
	*st = sql_bind(j->db, sql_inbox, f, "i", account);
	return sql_step(*st, f);
}

/* Find the mailbox, and see that it has room. */
static int
look(struct job *j, struct copy *c, struct fail *f)
{
	sqlite3_stmt *st;
	int got = find_mailbox(j, c, &st, f), rc = 0;
	int64_t quota, bytes;

	if (got == 0)
		return fail(f, FAIL_TEMP, "the account of %.*s is gone",
		    STR_FMT(c->target->address));
	if (got == -1)
		return -1;
	c->mailbox = sql_int(st, 0);
	c->uid = sql_int(st, 1);
	c->modseq = sql_int(st, 2);
	quota = sql_int(st, 3);
	bytes = sql_int(st, 4);
	if ((quota > 0 && j->size > quota - bytes) || c->uid >= UID_MAX ||
	    c->modseq == INT64_MAX)
		rc = fail(f, FAIL_QUOTA, "mailbox of %.*s is full",
		    STR_FMT(sql_text(st, 5)));
	else if (j->d->junk)
		c->name = sql_dup(st, 6);
	if (rc == 0)
		c->modseq++;
	sqlite3_reset(st);
	return rc;
}

static int
add_hop(struct job *j, const struct hop *h, struct fail *f)
{
	struct hop ours = *h;

	ours.trace = j->d->trace;
	if (j->hops == -1)
		return hop_write(j->db, &ours, f);
	return hop_put(j->db, &ours, ++j->hops, f);
}

/* A hop of the delivery itself. */
static int
note(struct job *j, enum hop_kind kind, struct str recipient, struct str detail,
    struct fail *f)
{
	return add_hop(j,
	    &(struct hop){.at_ms = j->d->now_ms,
		.daemon = j->d->daemon,
		.kind = kind,
		.recipient = recipient,
		.detail = detail},
	    f);
}

static int
start_journey(struct job *j, struct fail *f)
{
	const struct delivery *d = j->d;

	if (sql_run(j->db, sql_journey, f, "iitti", d->trace, d->now_ms,
		d->sender, d->message_id, j->size) == -1)
		return -1;
	for (size_t i = 0; i < d->n_hops; i++)
		if (add_hop(j, &d->hops[i], f) == -1)
			return -1;
	for (size_t i = 0; i < j->n; i++) {
		const struct delivery_target *t = j->copies[i].target;

		if (t->original.len > 0 && !str_eq(t->original, t->address) &&
		    note(j, HOP_ROUTED, t->original, t->address, f) == -1)
			return -1;
	}
	return 0;
}

static int
put(struct job *j, const struct copy *c, struct fail *f)
{
	const struct delivery *d = j->d;

	if (sql_run(j->db, sql_message, f, "iiiiiii", c->mailbox, c->uid,
		c->modseq, d->now_ms, j->size, j->body, d->trace) == -1 ||
	    sql_run(j->db, sql_state, f, "iiii", c->mailbox, c->uid, c->modseq,
		j->size) == -1 ||
	    sql_run(j->db, sql_use, f, "ii", c->target->account, j->size) == -1)
		return -1;
	return note(j, HOP_DELIVERED, c->target->address,
	    c->name != NULL ? str_of(c->name) : STR("INBOX"), f);
}

/* A list of ours: one of several targets that one address stands for. */
static bool
is_of_list(const struct job *j, size_t at)
{
	const struct delivery_target *t = j->d->targets;
	struct str original = t[at].original;

	/* they stand side by side */
	return original.len > 0 &&
	       ((at > 0 && str_eq(t[at - 1].original, original)) ||
		   (at + 1 < j->d->n_targets &&
		       str_eq(t[at + 1].original, original)));
}

/* RFC 3461 s5.2.7.3 (c): of a list's members failures are told. */
static unsigned
notify_of(const struct job *j, const struct copy *c)
{
	unsigned notify = c->target->notify;

	if (!(notify & DSN_NOTIFY_SUCCESS) || !is_of_list(j, c->at))
		return notify;
	notify &= ~(unsigned)DSN_NOTIFY_SUCCESS;
	return notify != 0 ? notify : DSN_NOTIFY_NEVER;
}

static int
report(struct job *j, const struct delivery_target *t,
    enum dsn_report_action action, struct fail *f)
{
	const struct delivery *d = j->d;

	return dsn_report_put(j->db,
	    &(struct dsn_report){.trace = d->trace,
		.action = action,
		.sender = d->sender,
		.recipient = t->original.len > 0 ? t->original : t->address,
		.original_recipient = t->original_recipient,
		.envelope_id = d->envelope_id,
		.ret = d->ret,
		.require_tls = d->require_tls,
		.body = j->body,
		.skip = d->skip,
		.arrived_ms = d->now_ms,
		.at_ms = d->now_ms},
	    f);
}

/* RFC 3461 s5.2.3, s5.2.7.3: what is done here and now. */
static int
report_all(struct job *j, struct fail *f)
{
	const struct delivery *d = j->d;

	/* who sends what lies in Junk is likely not who it says: good news of
	 * it would be news to a stranger (against RFC 3461 s5.2.3) */
	if (d->sender.len == 0 || d->junk)
		return 0;
	/* what is held goes to nobody yet, and may be taken back */
	for (size_t i = 0; i < d->n_targets && d->hold_until_ms == 0; i++) {
		const struct delivery_target *t = &d->targets[i];

		if (!(t->notify & DSN_NOTIFY_SUCCESS) || !is_of_list(j, i) ||
		    (i > 0 && str_eq(t[-1].original, t->original)))
			continue;
		if (report(j, t, DSN_REPORT_EXPANDED, f) == -1)
			return -1;
	}
	for (size_t i = 0; i < j->n; i++) {
		const struct copy *c = &j->copies[i];

		if (!c->queued && (notify_of(j, c) & DSN_NOTIFY_SUCCESS) &&
		    report(j, c->target, DSN_REPORT_DELIVERED, f) == -1)
			return -1;
	}
	return 0;
}

static int
enqueue_one(struct job *j, const struct copy *c, int64_t n, struct fail *f)
{
	const struct delivery_target *t = c->target;
	int64_t hold = j->d->hold_until_ms;
	char date[DATE_TEXT_MAX], held[DATE_TEXT_MAX + 80] = "";
	const struct queue_recipient r = {.trace = j->d->trace,
	    .n = n,
	    .address = t->address,
	    .original = t->original,
	    .next_ms = hold > 0 ? hold : j->d->now_ms,
	    .notify = notify_of(j, c),
	    .original_recipient = t->original_recipient};

	if (hold > 0)
		snprintf(held, sizeof(held), "held until %s%s%.*s",
		    date_text(hold / 1000, date),
		    j->d->hold_why.len > 0 ? ", " : "",
		    STR_FMT(j->d->hold_why));
	if (queue_add(j->db, &r, f) == -1)
		return -1;
	return note(j, HOP_QUEUED, t->address, str_of(held), f);
}

static int
put_queue(struct job *j, struct fail *f)
{
	const struct delivery *d = j->d;
	bool other = d->relay_sender.len > 0 && d->sender.len > 0;
	/* the days of trying begin when it is let go */
	int64_t late = d->hold_until_ms > 0 ? d->hold_until_ms - d->now_ms : 0;

	return sql_run(j->db, sql_queue, f, "iiitiiiiiooiiiii", d->trace,
	    j->body, (int64_t)d->skip, other ? d->relay_sender : d->sender,
	    (int64_t)d->utf8, (int64_t)d->eight_bit, d->now_ms,
	    d->expires_ms + late, d->account, other ? d->sender : STR(""),
	    d->envelope_id, (int64_t)d->ret, (int64_t)d->binary,
	    (int64_t)d->require_tls, d->hold_until_ms,
	    (int64_t)d->tls_optional);
}

static int
enqueue(struct job *j, struct fail *f)
{
	int64_t n = 0;

	if (j->locals == j->n)
		return 0;
	if (put_queue(j, f) == -1)
		return -1;
	for (size_t i = 0; i < j->n; i++)
		if (j->copies[i].queued &&
		    enqueue_one(j, &j->copies[i], ++n, f) == -1)
			return -1;
	return 0;
}

/* Who has no room is known before anything is written. */
static int
look_all(struct job *j, struct fail *f)
{
	for (size_t i = 0; i < j->n; i++)
		if (!j->copies[i].queued && look(j, &j->copies[i], f) == -1)
			return -1;
	return 0;
}

static int
put_all(struct job *j, struct fail *f)
{
	for (size_t i = 0; i < j->n; i++)
		if (!j->copies[i].queued && put(j, &j->copies[i], f) == -1)
			return -1;
	return 0;
}

static int
deliver(struct job *j, struct fail *f)
{
	const struct delivery *d = j->d;
	int64_t refs = (int64_t)j->locals + (j->locals < j->n);
	bool mailbox = false;

	for (size_t i = 0; i < j->n; i++)
		mailbox = mailbox || j->copies[i].target->account != 0;
	if (look_all(j, f) == -1 ||
	    body_write(j->db, d->stage, refs, mailbox, &j->body, f) == -1 ||
	    start_journey(j, f) == -1)
		return -1;
	if (d->verdict != NULL &&
	    verdict_put(j->db, d->trace, d->verdict, f) == -1)
		return -1;
	if (put_all(j, f) == -1 || report_all(j, f) == -1)
		return -1;
	return enqueue(j, f);
}

static size_t
local_mailboxes(const struct job *j, int64_t *mailboxes)
{
	size_t n = 0;

	for (size_t i = 0; i < j->n; i++)
		if (!j->copies[i].queued)
			mailboxes[n++] = j->copies[i].mailbox;
	return n;
}

static void
release(struct job *j)
{
	for (size_t i = 0; i < j->n; i++)
		free(j->copies[i].name);
	free(j->copies);
}

int
delivery_run(struct db *db, const struct delivery *d, int64_t *mailboxes,
    size_t *n, struct fail *f)
{
	struct job j = {.db = db, .d = d};
	int rc;

	assert(d->n_targets > 0 && d->trace > 0);
	assert(d->skip <= stage_size(d->stage));
	j.size = (int64_t)stage_size(d->stage);
	choose(&j);
	rc = deliver(&j, f);
	if (mailboxes != NULL)
		*n = rc == 0 ? local_mailboxes(&j, mailboxes) : 0;
	release(&j);
	return rc;
}

int
delivery_put(struct db *db, const struct delivery_put *p, int64_t *mailboxes,
    struct fail *f)
{
	const struct delivery d = {.trace = p->trace,
	    .now_ms = p->now_ms,
	    .daemon = HOP_MAILD,
	    .targets = p->targets,
	    .n_targets = p->n_targets};
	struct job j = {.db = db,
	    .d = &d,
	    .size = (int64_t)p->size,
	    .body = p->body,
	    .hops = -1};
	int rc = 0;

	choose(&j);
	assert(j.locals == j.n);
	if (look_all(&j, f) == -1 ||
	    body_hold(db, p->body, (int64_t)j.n, f) == -1 ||
	    put_all(&j, f) == -1)
		rc = -1;
	/* who is named twice has one */
	for (size_t i = 0; i < p->n_targets; i++)
		mailboxes[i] = j.copies[i < j.n ? i : j.n - 1].mailbox;
	release(&j);
	return rc;
}
