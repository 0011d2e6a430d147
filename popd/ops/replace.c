/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "common/store/message.h"
#include "popd/ops/appended.h"
#include "popd/ops/gone.h"

/* RFC 8508 s3.4: the room of the one that goes counts, so it goes first. */
static int
remove_old(
    struct db *db, const struct ops_context *c, struct imap_append_op *op)
{
	struct hop who = {.daemon = HOP_POPD,
	    .kind = HOP_DELETED,
	    .recipient = c->login,
	    .peer = c->peer,
	    .detail = STR("IMAP REPLACE"),
	    .at_ms = c->now_ms};
	uint32_t *removed;
	int64_t modseq;
	size_t n;

	if (message_expunge(db, op->from_mailbox, &op->replaced, 1, false, &who,
		&removed, &n, &modseq, &op->op.fail) == -1)
		return -1;
	ops_gone(&op->op, op->from_mailbox, removed, n, modseq);
	free(removed);
	if (n == 1)
		return 0;
	op->op.code = IMAP_CODE_EXPUNGEISSUED;
	return fail(
	    &op->op.fail, FAIL_PERM, "the message to be replaced is gone");
}

int
imap_run_replace(struct db *db, const struct ops_context *c, struct imap_op *op)
{
	struct imap_append_op *append = (struct imap_append_op *)op;
	struct mailbox box;

	if (ops_find_target(db, op, append->mailbox, &box) == -1 ||
	    remove_old(db, c, append) == -1)
		return -1;
	return ops_append(db, c, append, &box);
}
