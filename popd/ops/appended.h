/* SPDX-License-Identifier: MIT */
/* appended: putting the stages of an op at the end of its mailbox. */
#ifndef POPD_OPS_APPENDED_H
#define POPD_OPS_APPENDED_H

#include "common/store/mailbox.h"
#include "popd/ops/ops.h"
#include "popd/proto/imap_message_op.h"

/* The mailbox of this name: TRYCREATE if there is none. */
int ops_find_target(
    struct db *db, struct imap_op *op, const char *name, struct mailbox *out);

/* Answers the op, with its delta. */
int ops_append(struct db *db, const struct ops_context *c,
    struct imap_append_op *op, const struct mailbox *box);

#endif
