/* SPDX-License-Identifier: MIT */
#include "popd/ops/box.h"

#include <assert.h>
#include <stdlib.h>

#include "common/store/message.h"
#include "common/util/mem.h"
#include "popd/ops/ops.h"

#define LEVELS_MAX 32 /* store/mailbox.h */
#define NAME_ROOM  1000
#define ROWS       1000 /* messages read at once */

static_assert((int)IMAP_USE_ARCHIVE == (int)MAILBOX_ARCHIVE, "on disk");
static_assert((int)IMAP_USE_DRAFTS == (int)MAILBOX_DRAFTS, "on disk");
static_assert((int)IMAP_USE_JUNK == (int)MAILBOX_JUNK, "on disk");
static_assert((int)IMAP_USE_SENT == (int)MAILBOX_SENT, "on disk");
static_assert((int)IMAP_USE_TRASH == (int)MAILBOX_TRASH, "on disk");
static_assert((int)IMAP_BOX_OF_OURS == (int)MAILBOX_PENDING, "on disk");

/* ---- figures ---- */

static int
count_recent(
    struct db *db, const struct mailbox *m, uint64_t *count, struct fail *f)
{
	struct message_state *states;
	size_t n;

	*count = 0;
	if (m->recent_uid >= m->uid_next)
		return 0;
	if (message_states(
		db, m->id, m->recent_uid, INT64_MAX, &states, &n, f) == -1)
		return -1;
	free(states);
	*count = n;
	return 0;
}

/* Octets of what is \Deleted (RFC 9208 s4.1.4). */
static int
count_deleted(
    struct db *db, const struct mailbox *m, uint64_t *octets, struct fail *f)
{
	uint64_t left = m->deleted;
	uint32_t from = 1;

	*octets = 0;
	while (left > 0) {
		struct message_row *rows;
		size_t n;

		if (message_rows(
			db, m->id, from, UINT32_MAX, ROWS, &rows, &n, f) == -1)
			return -1;
		for (size_t i = 0; i < n; i++) {
			from = rows[i].uid + 1;
			if ((rows[i].flags & MESSAGE_DELETED) == 0)
				continue;
			*octets += rows[i].size;
			left -= left > 0;
		}
		free(rows);
		if (n < ROWS)
			break;
	}
	return 0;
}

int
box_figures(struct db *db, const struct mailbox *m, unsigned items,
    struct imap_box *out, struct fail *f)
{
	*out = (struct imap_box){
	    .id = m->id,
	    .uid_validity = m->uid_validity,
	    .uid_next = m->uid_next,
	    .modseq = m->modseq,
	    .messages = m->messages,
	    .unseen = m->unseen,
	    .deleted = m->deleted,
	    .bytes = m->bytes,
	    .special = m->special,
	};
	if ((items & IMAP_STATUS_RECENT) != 0 &&
	    count_recent(db, m, &out->recent, f) == -1)
		return -1;
	if ((items & IMAP_STATUS_DELETED_STORAGE) != 0 &&
	    count_deleted(db, m, &out->deleted_bytes, f) == -1)
		return -1;
	return 0;
}

int
box_find(
    struct db *db, struct imap_op *op, const char *name, struct mailbox *out)
{
	int got = mailbox_find(db, op->account, str_of(name), out, &op->fail);

	if (got == 1)
		return 0;
	if (got == 0) {
		op->code = IMAP_CODE_NONEXISTENT;
		fail(&op->fail, FAIL_PERM, "There is no such mailbox");
	}
	return -1;
}

int
imap_run_status(struct db *db, const struct ops_context *c, struct imap_op *op)
{
	struct imap_status_op *o = (struct imap_status_op *)op;
	struct mailbox m;

	(void)c;
	if (box_find(db, op, o->name, &m) == -1)
		return -1;
	return box_figures(db, &m, o->items, &o->box, &op->fail);
}

/* ---- changes ---- */

/* What the store would not do, as the client hears it (RFC 5530 s3). */
static int
refused(struct imap_op *op, enum mailbox_refusal refusal)
{
	static const enum imap_code codes[] = {
	    [MAILBOX_EXISTS] = IMAP_CODE_ALREADYEXISTS,
	    [MAILBOX_MISSING] = IMAP_CODE_NONEXISTENT,
	    [MAILBOX_CANNOT] = IMAP_CODE_CANNOT,
	    [MAILBOX_LIMIT] = IMAP_CODE_LIMIT,
	    [MAILBOX_USE] = IMAP_CODE_USEATTR,
	};

	assert(refusal != MAILBOX_DONE);
	op->code = codes[refusal];
	op->fail.kind = FAIL_PERM;
	return -1;
}

/* The name as it is stored; as it was given if it can be none. */
static char *
folded(const char *name)
{
	struct fail ignored;
	struct buf out;
	char *copy;

	buf_init(&out, NAME_ROOM);
	copy = mailbox_name_fold(str_of(name), &out, &ignored)
	           ? buf_take(&out)
	           : mem_dup(str_of(name));
	buf_release(&out);
	return copy;
}

/* A name, and which of the levels above it are no mailboxes yet. */
struct levels {
	char *name;
	bool missing[LEVELS_MAX];
	struct str at[LEVELS_MAX];
	size_t n;
};

static int
levels_look(
    struct db *db, struct imap_op *op, const char *name, struct levels *l)
{
	struct str whole;
	struct mailbox m;

	*l = (struct levels){.name = folded(name)};
	whole = str_of(l->name);
	for (size_t i = 0; i < whole.len && l->n < LEVELS_MAX; i++) {
		int got;

		if (whole.at[i] != '/')
			continue;
		l->at[l->n] = str_first(whole, i);
		got = mailbox_find(db, op->account, l->at[l->n], &m, &op->fail);
		if (got == -1)
			return -1;
		l->missing[l->n++] = got == 0;
	}
	return 0;
}

/* Those were made with it. */
static int
levels_tell(struct db *db, struct imap_op *op, const struct levels *l)
{
	struct mailbox m;

	for (size_t i = 0; i < l->n; i++) {
		if (!l->missing[i])
			continue;
		if (mailbox_find(db, op->account, l->at[i], &m, &op->fail) != 1)
			return -1;
		imap_op_news(op, IMAP_NEWS_NAME, m.id)->name = mem_dup(
		    l->at[i]);
	}
	return 0;
}

static int
create(struct db *db, const struct ops_context *c, struct imap_create_op *o,
    const struct levels *l)
{
	struct imap_op *op = &o->op;
	enum mailbox_refusal refusal;

	if (mailbox_add(db, op->account, str_of(o->name), o->special, c->now_ms,
		&o->mailbox, &refusal, &op->fail) == -1)
		return -1;
	if (refusal != MAILBOX_DONE)
		return refused(op, refusal);
	if (levels_tell(db, op, l) == -1)
		return -1;
	o->made = mem_dup(str_of(l->name));
	imap_op_news(op, IMAP_NEWS_NAME, o->mailbox)->name = mem_dup(
	    str_of(l->name));
	return 0;
}

int
imap_run_create(struct db *db, const struct ops_context *c, struct imap_op *op)
{
	struct imap_create_op *o = (struct imap_create_op *)op;
	struct levels l;
	int rc = levels_look(db, op, o->name, &l);

	if (rc == 0)
		rc = create(db, c, o, &l);
	free(l.name);
	return rc;
}

int
imap_run_delete(struct db *db, const struct ops_context *c, struct imap_op *op)
{
	struct imap_delete_op *o = (struct imap_delete_op *)op;
	struct hop who = {.at_ms = c->now_ms,
	    .daemon = HOP_POPD,
	    .kind = HOP_DELETED,
	    .recipient = c->login,
	    .peer = c->peer,
	    .detail = STR("IMAP DELETE")};
	enum mailbox_refusal refusal;
	struct mailbox m = {0};

	if (mailbox_find(db, op->account, str_of(o->name), &m, &op->fail) ==
		-1 ||
	    mailbox_remove(db, op->account, str_of(o->name), &who, &refusal,
		&op->fail) == -1)
		return -1;
	if (refusal != MAILBOX_DONE) {
		refused(op, refusal);
		/* no mailbox, and yet not MISSING: a level above others */
		if (m.id == 0 && refusal == MAILBOX_CANNOT)
			op->code = IMAP_CODE_HASCHILDREN;
		return -1;
	}
	op->gone = m.id;
	o->was = folded(o->name);
	imap_op_news(op, IMAP_NEWS_NAME, m.id)->old_name = mem_dup(
	    str_of(o->was));
	return 0;
}

/* ---- RENAME ---- */

/* The messages that went out of INBOX. */
static int
tell_emptied(struct db *db, struct imap_op *op, const struct mailbox *before,
    const struct message_state *states, size_t n)
{
	struct mirror_delta *d;
	struct seqset gone = {0};
	struct mailbox now;

	if (n == 0)
		return 0;
	if (mailbox_find_id(db, before->id, &now, &op->fail) != 1)
		return -1;
	for (size_t i = 0; i < n; i++)
		seqset_add(&gone, states[i].uid, states[i].uid);
	d = imap_op_delta(op, before->id);
	d->modseq = now.modseq;
	d->contiguous = now.modseq - before->modseq == 1;
	d->gone = gone.ranges;
	d->n_gone = gone.n;
	d->uid_next = now.uid_next;
	return 0;
}

static int
rename_box(struct db *db, const struct ops_context *c, struct imap_rename_op *o)
{
	struct imap_op *op = &o->op;
	enum mailbox_refusal refusal;

	if (mailbox_rename(db, op->account, str_of(o->from), str_of(o->to),
		c->now_ms, &refusal, &op->fail) == -1)
		return -1;
	return refusal == MAILBOX_DONE ? 0 : refused(op, refusal);
}

static int
rename_inbox(
    struct db *db, const struct ops_context *c, struct imap_rename_op *o)
{
	struct imap_op *op = &o->op;
	struct message_state *states;
	struct mailbox inbox;
	size_t n;
	int rc = -1;

	if (box_find(db, op, "INBOX", &inbox) == -1 ||
	    message_states(db, inbox.id, 0, 0, &states, &n, &op->fail) == -1)
		return -1;
	if (rename_box(db, c, o) == 0)
		rc = tell_emptied(db, op, &inbox, states, n);
	free(states);
	return rc;
}

/* RFC 9051 s6.3.6: nothing need be said of the mailboxes below it, and INBOX
 * has not gone. */
static int
tell_renamed(struct db *db, struct imap_rename_op *o, const struct levels *l)
{
	struct imap_op *op = &o->op;
	struct imap_news *news;
	struct mailbox m = {0};

	if (mailbox_find(db, op->account, str_of(o->made), &m, &op->fail) ==
		-1 ||
	    levels_tell(db, op, l) == -1)
		return -1;
	o->mailbox = m.id;
	o->special = m.special;
	news = imap_op_news(op, IMAP_NEWS_NAME, m.id);
	news->name = mem_dup(str_of(o->made));
	if (!str_eq(str_of(o->was), STR("INBOX")))
		news->old_name = mem_dup(str_of(o->was));
	return 0;
}

int
imap_run_rename(struct db *db, const struct ops_context *c, struct imap_op *op)
{
	struct imap_rename_op *o = (struct imap_rename_op *)op;
	struct levels l;
	int rc;

	o->was = folded(o->from);
	o->made = folded(o->to);
	rc = levels_look(db, op, o->made, &l);
	if (rc == 0)
		rc = str_eq(str_of(o->was), STR("INBOX"))
		         ? rename_inbox(db, c, o)
		         : rename_box(db, c, o);
	if (rc == 0)
		rc = tell_renamed(db, o, &l);
	free(l.name);
	return rc;
}

/* ---- SUBSCRIBE ---- */

int
imap_run_subscribe(
    struct db *db, const struct ops_context *c, struct imap_op *op)
{
	struct imap_subscribe_op *o = (struct imap_subscribe_op *)op;
	struct mailbox m = {0};

	(void)c;
	if (mailbox_subscribe(
		db, op->account, str_of(o->name), o->on, &op->fail) == -1) {
		if (op->fail.kind == FAIL_PERM)
			op->code = IMAP_CODE_LIMIT;
		return -1;
	}
	if (mailbox_find(db, op->account, str_of(o->name), &m, &op->fail) == -1)
		return -1;
	imap_op_news(op, IMAP_NEWS_SUBSCRIPTION, m.id)->name = folded(o->name);
	return 0;
}
