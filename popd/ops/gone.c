/* SPDX-License-Identifier: MIT */
#include "popd/ops/gone.h"

#include <assert.h>

void
ops_gone(struct imap_op *op, int64_t mailbox, const uint32_t *uids, size_t n,
    int64_t modseq)
{
	struct seqset gone = {.ranges = NULL}; /* its ranges become the op's */
	struct mirror_delta *d;

	if (n == 0)
		return;
	for (size_t i = 0; i < n; i++)
		seqset_add(&gone, uids[i], uids[i]);
	d = op->n_deltas > 0 ? &op->deltas[op->n_deltas - 1] : NULL;
	if (d == NULL || d->mailbox != mailbox || d->modseq != modseq) {
		d = imap_op_delta(op, mailbox);
		d->modseq = modseq;
		d->contiguous = true;
	}
	assert(d->n_gone == 0);
	d->gone = gone.ranges;
	d->n_gone = gone.n;
}
