/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "common/store/message.h"
#include "popd/ops/gone.h"
#include "popd/ops/ops.h"
#include "popd/proto/imap_selected_op.h"

int
imap_run_expunge(struct db *db, const struct ops_context *c, struct imap_op *op)
{
	struct imap_expunge_op *expunge = (struct imap_expunge_op *)op;
	struct hop who = {.daemon = HOP_POPD,
	    .kind = HOP_DELETED,
	    .recipient = c->login,
	    .peer = c->peer,
	    .detail = STR("IMAP"),
	    .at_ms = c->now_ms};
	uint32_t *removed;

	if (expunge->uids.n == 0)
		return 0;
	if (message_expunge(db, expunge->mailbox, expunge->uids.uids,
		expunge->uids.n, true, &who, &removed, &expunge->n_removed,
		&expunge->modseq, &op->fail) == -1)
		return -1;
	ops_gone(
	    op, expunge->mailbox, removed, expunge->n_removed, expunge->modseq);
	free(removed);
	return 0;
}
