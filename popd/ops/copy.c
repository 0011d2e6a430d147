/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "common/store/mailbox.h"
#include "common/store/message.h"
#include "common/util/mem.h"
#include "popd/ops/gone.h"
#include "popd/ops/learn.h"
#include "popd/ops/ops.h"
#include "popd/proto/imap_selected_op.h"

static int
find_target(struct db *db, struct imap_copy_op *op, struct mailbox *box)
{
	int found = mailbox_find(
	    db, op->op.account, str_of(op->to), box, &op->op.fail);

	if (found == 0) {
		op->op.code = IMAP_CODE_TRYCREATE;
		return fail(
		    &op->op.fail, FAIL_PERM, "there is no such mailbox");
	}
	op->to_mailbox = box->id;
	op->uid_validity = box->uid_validity;
	return found == 1 ? 0 : -1;
}

/* The new messages, as they are now in their mailbox. */
static int
add_new(struct db *db, struct imap_copy_op *op, int64_t modseq)
{
	struct message_state *states;
	struct mirror_message *messages;
	struct mirror_delta *d;
	size_t n;

	if (message_states(db, op->to_mailbox, op->pairs[0].to, INT64_MAX,
		&states, &n, &op->op.fail) == -1)
		return -1;
	messages = mem_new(n, sizeof(*messages));
	for (size_t i = 0; i < n; i++)
		messages[i] = (struct mirror_message){.uid = states[i].uid,
		    .flags = states[i].flags,
		    .modseq = states[i].modseq};
	free(states);
	d = imap_op_delta(&op->op, op->to_mailbox);
	d->modseq = modseq;
	d->contiguous = true;
	d->messages = messages;
	d->n_messages = n;
	return 0;
}

static void
add_moved(struct imap_copy_op *op, const struct message_pair *pairs)
{
	uint32_t *uids = mem_new(op->n_pairs, sizeof(*uids));

	for (size_t i = 0; i < op->n_pairs; i++)
		uids[i] = pairs[i].from;
	ops_gone(&op->op, op->mailbox, uids, op->n_pairs, op->modseq);
	free(uids);
}

int
imap_run_copy(struct db *db, const struct ops_context *c, struct imap_op *op)
{
	struct imap_copy_op *copy = (struct imap_copy_op *)op;
	struct message_pair *pairs;
	struct mailbox to;
	int64_t to_modseq;
	int rc = 0;

	if (find_target(db, copy, &to) == -1)
		return -1;
	if (copy->uids.n == 0)
		return 0;
	if (message_copy(db, copy->mailbox, copy->uids.uids, copy->uids.n,
		copy->to_mailbox, copy->move, c->now_ms, &pairs, &copy->n_pairs,
		&copy->modseq, &to_modseq, &op->fail) == -1)
		return -1;
	copy->pairs = mem_new(copy->n_pairs, sizeof(*copy->pairs));
	for (size_t i = 0; i < copy->n_pairs; i++)
		copy->pairs[i] = (struct imap_uid_pair){
		    pairs[i].from, pairs[i].to};
	/* deltas of one mailbox in the order of their modseqs */
	if (copy->move && copy->modseq < to_modseq)
		add_moved(copy, pairs);
	if (copy->n_pairs > 0)
		rc = add_new(db, copy, to_modseq);
	if (copy->move && copy->modseq >= to_modseq)
		add_moved(copy, pairs);
	free(pairs);
	return rc == 0 ? learn_copied(db, c, copy, &to) : rc;
}
