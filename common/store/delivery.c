/* SPDX-License-Identifier: MIT */
#include "common/store/delivery.h"

#include <assert.h>

#include "common/mime/addr.h"
#include "common/store/body_write.h"
#include "common/store/hop_put.h"
#include "common/store/sql.h"
#include "common/util/mem.h"

#define UID_MAX UINT32_MAX /* RFC 9051 s2.3.1.1: 32 bits, not zero */

static const char sql_inbox[] =
    "SELECT m.id, s.uid_next, s.modseq, c.quota_bytes, u.bytes, c.login"
    " FROM account c"
    " JOIN account_use u ON u.account = c.id"
    " JOIN mailbox m ON m.account = c.id AND m.name = 'INBOX'"
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
    " expires, account)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, nullif(?9, 0))";
static const char sql_recipient[] =
    "INSERT INTO recipient (trace, n, address, domain, original, next_at)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
static const char sql_journey[] =
    "INSERT INTO journey (trace, at, sender, message_id, size)"
    " VALUES (?1, ?2, ?3, ?4, ?5)";

/* One target, once. */
struct copy {
	const struct delivery_target *target;
	size_t at;                    /* place among the targets */
	int64_t mailbox, uid, modseq; /* of a local one */
};

struct job {
	struct db *db;
	const struct delivery *d;
	struct copy *copies; /* in the order of the targets, none twice */
	size_t n, locals;
	int64_t size;
	int64_t body;
	int64_t hops; /* written so far */
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
		j->copies[i] = (struct copy){.target = &d->targets[i], .at = i};
	qsort(j->copies, d->n_targets, sizeof(*j->copies), by_target);
	for (size_t i = 0; i < d->n_targets; i++)
		if (kept == 0 || !same(&j->copies[kept - 1], &j->copies[i]))
			j->copies[kept++] = j->copies[i];
	qsort(j->copies, kept, sizeof(*j->copies), by_place);
	j->n = kept;
	for (size_t i = 0; i < kept; i++)
		j->locals += j->copies[i].target->account != 0;
}

/* Find the INBOX, and see that it has room. */
static int
look(struct job *j, struct copy *c, struct fail *f)
{
	sqlite3_stmt *st = sql_bind(
	    j->db, sql_inbox, f, "i", c->target->account);
	int got = sql_step(st, f), rc = 0;
	int64_t quota, bytes;

	if (got == 0)
		return fail(f, FAIL_TEMP, "the account of %.*s is gone",
		    STR_FMT(c->target->address));
	if (got == -1)
		return -1;
	c->mailbox = sql_int(st, 0);
	c->uid = sql_int(st, 1);
	c->modseq = sql_int(st, 2) + 1;
	quota = sql_int(st, 3);
	bytes = sql_int(st, 4);
	if ((quota > 0 && j->size > quota - bytes) || c->uid >= UID_MAX)
		rc = fail(f, FAIL_QUOTA, "mailbox of %.*s is full",
		    STR_FMT(sql_text(st, 5)));
	sqlite3_reset(st);
	return rc;
}

static int
add_hop(struct job *j, const struct hop *h, struct fail *f)
{
	struct hop ours = *h;

	ours.trace = j->d->trace;
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
	return note(j, HOP_DELIVERED, c->target->address, STR("INBOX"), f);
}

/* The domain by which recipients are gathered. */
static int
queue_domain(struct str address, struct buf *out, struct fail *f)
{
	struct str local, domain;

	/* what would end the command line must never get here */
	for (size_t i = 0; i < address.len; i++)
		if ((unsigned char)address.at[i] < ' ' || address.at[i] == 0x7f)
			return fail(f, FAIL_PERM,
			    "control character in a "
			    "recipient's address");
	if (!addr_split(address, &local, &domain))
		return fail(f, FAIL_PERM, "recipient %.*s has no domain",
		    STR_FMT(address));
	if (addr_domain_fold(domain, out))
		return 0;
	buf_clear(out);
	/* RFC 5321 s4.1.3: an address literal */
	if (!str_starts(domain, STR("[")))
		return fail(f, FAIL_PERM, "%.*s is no domain", STR_FMT(domain));
	for (size_t i = 0; i < domain.len; i++)
		buf_add_char(out, str_lower(domain.at[i]));
	return 0;
}

static int
enqueue_one(struct job *j, const struct copy *c, int64_t n, struct fail *f)
{
	const struct delivery_target *t = c->target;
	struct buf domain;
	int rc = -1;

	buf_init(&domain, ADDR_MAX);
	if (queue_domain(t->address, &domain, f) == -1)
		goto out;
	if (sql_run(j->db, sql_recipient, f, "iittoi", j->d->trace, n,
		t->address, buf_str(&domain), t->original, j->d->now_ms) == -1)
		goto out;
	rc = note(j, HOP_QUEUED, t->address, STR(""), f);
out:
	buf_release(&domain);
	return rc;
}

static int
enqueue(struct job *j, struct fail *f)
{
	const struct delivery *d = j->d;
	int64_t n = 0;

	if (j->locals == j->n)
		return 0;
	if (sql_run(j->db, sql_queue, f, "iiitiiiii", d->trace, j->body,
		(int64_t)d->skip, d->sender, (int64_t)d->utf8,
		(int64_t)d->eight_bit, d->now_ms, d->expires_ms,
		d->account) == -1)
		return -1;
	for (size_t i = 0; i < j->n; i++)
		if (j->copies[i].target->account == 0 &&
		    enqueue_one(j, &j->copies[i], ++n, f) == -1)
			return -1;
	return 0;
}

static int
deliver(struct job *j, struct fail *f)
{
	int64_t refs = (int64_t)j->locals + (j->locals < j->n);

	/* who has no room is known before anything is written */
	for (size_t i = 0; i < j->n; i++)
		if (j->copies[i].target->account != 0 &&
		    look(j, &j->copies[i], f) == -1)
			return -1;
	if (body_write(j->db, j->d->stage, refs, j->locals > 0, &j->body, f) ==
		-1 ||
	    start_journey(j, f) == -1)
		return -1;
	for (size_t i = 0; i < j->n; i++)
		if (j->copies[i].target->account != 0 &&
		    put(j, &j->copies[i], f) == -1)
			return -1;
	return enqueue(j, f);
}

static size_t
local_mailboxes(const struct job *j, int64_t *mailboxes)
{
	size_t n = 0;

	for (size_t i = 0; i < j->n; i++)
		if (j->copies[i].target->account != 0)
			mailboxes[n++] = j->copies[i].mailbox;
	return n;
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
	free(j.copies);
	return rc;
}
