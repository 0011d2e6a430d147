/* SPDX-License-Identifier: MIT */
/* gone: the delta of messages that an op has removed. */
#ifndef POPD_OPS_GONE_H
#define POPD_OPS_GONE_H

#include "popd/proto/imap_op.h"

/* These UIDs (rising) left the mailbox with this modseq; none: no delta.  If
 * the last delta is of the same change they go in there. */
void ops_gone(struct imap_op *op, int64_t mailbox, const uint32_t *uids,
    size_t n, int64_t modseq);

#endif
