/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "common/store/message.h"
#include "popd/ops/ops.h"
#include "popd/proto/imap_selected_op.h"

int
imap_run_vanished(
    struct db *db, const struct ops_context *c, struct imap_op *op)
{
	struct imap_vanished_op *vanished = (struct imap_vanished_op *)op;
	struct message_range *ranges;
	size_t n;

	(void)c;
	if (message_expunged(db, vanished->mailbox, vanished->since, &ranges,
		&n, &op->fail) == -1)
		return -1;
	for (size_t i = 0; i < n; i++)
		seqset_add(&vanished->gone, ranges[i].low, ranges[i].high);
	free(ranges);
	return 0;
}
