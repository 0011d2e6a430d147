/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <stdlib.h>

#include "common/store/message.h"
#include "common/util/mem.h"
#include "popd/ops/appended.h"

#define KEYWORDS_MAX 64 /* names looked at: there is no room for more */

int
ops_find_target(
    struct db *db, struct imap_op *op, const char *name, struct mailbox *out)
{
	int found = mailbox_find(db, op->account, str_of(name), out, &op->fail);

	if (found == 0) {
		op->code = IMAP_CODE_TRYCREATE;
		return fail(&op->fail, FAIL_PERM, "there is no such mailbox");
	}
	if (found == 1 && (out->special & MAILBOX_PENDING) != 0) {
		op->code = IMAP_CODE_CANNOT;
		return fail(&op->fail, FAIL_PERM,
		    "only the server puts messages into this mailbox: it shows "
		    "what waits to be sent");
	}
	return found == 1 ? 0 : -1;
}

/* The flags of a message in that mailbox. */
static int
find_flags(struct db *db, struct imap_op *op, int64_t mailbox,
    const struct imap_append_message *m, uint64_t *flags)
{
	struct str names[KEYWORDS_MAX], rest = buf_str(&m->names);
	uint64_t bits = 0;
	size_t n = 0;
	int found = 1;

	for (; rest.len > 0 && n < KEYWORDS_MAX; n++)
		names[n] = str_cut(&rest, '\0');
	if (rest.len > 0)
		found = 0;
	else if (n > 0)
		found = message_keyword_bits(
		    db, mailbox, names, n, &bits, &op->fail);
	if (found == 0) {
		op->code = IMAP_CODE_LIMIT;
		return fail(&op->fail, FAIL_PERM,
		    "the mailbox has no room for another keyword");
	}
	*flags = m->flags | bits;
	return found == 1 ? 0 : -1;
}

static void
answer(struct imap_append_op *op, const struct mailbox *box,
    const struct message_new *messages, int64_t modseq)
{
	struct mirror_message *new = mem_new(op->n, sizeof(*new));
	struct mirror_delta *d = imap_op_delta(&op->op, box->id);

	for (size_t i = 0; i < op->n; i++)
		new[i] = (struct mirror_message){.uid = op->uids[i],
		    .flags = messages[i].flags,
		    .modseq = modseq};
	op->uid_validity = box->uid_validity;
	d->modseq = modseq;
	d->contiguous = true;
	d->messages = new;
	d->n_messages = op->n;
}

int
ops_append(struct db *db, const struct ops_context *c,
    struct imap_append_op *op, const struct mailbox *box)
{
	struct message_new *messages = mem_new(op->n, sizeof(*messages));
	struct hop hop = {.at_ms = c->now_ms,
	    .daemon = HOP_POPD,
	    .kind = HOP_RECEIVED,
	    .recipient = c->login,
	    .peer = c->peer,
	    .detail = STR("IMAP APPEND")};
	int64_t modseq;
	int rc = 0;

	assert(c->n_stages == op->n);
	op->uids = mem_new(op->n, sizeof(*op->uids));
	for (size_t i = 0; i < op->n && rc == 0; i++) {
		const struct imap_append_message *m = &op->messages[i];

		messages[i] = (struct message_new){.stage = c->stages[i],
		    .received_ms = m->dated ? m->received_s * 1000 : c->now_ms,
		    .hop = &hop};
		if (c->traces != NULL)
			messages[i].trace = hop_new_trace(c->traces);
		rc = find_flags(db, &op->op, box->id, m, &messages[i].flags);
	}
	if (rc == 0)
		rc = message_append(db, box->id, messages, op->n, c->now_ms,
		    op->uids, &modseq, &op->op.fail);
	if (rc == 0)
		answer(op, box, messages, modseq);
	free(messages);
	return rc;
}

int
imap_run_append(struct db *db, const struct ops_context *c, struct imap_op *op)
{
	struct imap_append_op *append = (struct imap_append_op *)op;
	struct mailbox box;

	if (ops_find_target(db, op, append->mailbox, &box) == -1)
		return -1;
	return ops_append(db, c, append, &box);
}
