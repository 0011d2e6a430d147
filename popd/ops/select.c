/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "common/store/mailbox.h"
#include "popd/ops/ops.h"
#include "popd/proto/imap_selected_op.h"

int
imap_run_select(struct db *db, const struct ops_context *c, struct imap_op *op)
{
	struct imap_select_op *select = (struct imap_select_op *)op;
	struct mailbox box;
	int found = mailbox_find(
	    db, op->account, str_of(select->name), &box, &op->fail);

	(void)c;
	select->mailbox = found == 1 ? box.id : 0;
	free(select->stored);
	select->stored = NULL;
	if (found != 1)
		return found;
	return mailbox_name(db, box.id, &select->stored, &op->fail) == -1 ? -1
	                                                                  : 0;
}

/* What there is to be done is the host's. */
int
imap_run_poll(struct db *db, const struct ops_context *c, struct imap_op *op)
{
	(void)db, (void)c, (void)op;
	return 0;
}
