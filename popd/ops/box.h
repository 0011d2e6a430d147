/* SPDX-License-Identifier: MIT */
/* box: what the ops on mailboxes share. */
#ifndef POPD_OPS_BOX_H
#define POPD_OPS_BOX_H

#include "common/store/mailbox.h"
#include "popd/proto/imap_box_op.h"

/* The figures of a mailbox, with those of items (enum imap_status_item) that
 * have to be counted.  0, -1. */
int box_figures(struct db *db, const struct mailbox *m, unsigned items,
    struct imap_box *out, struct fail *f);

/* Find it by name: 0, or -1 and op->code says that there is none. */
int box_find(
    struct db *db, struct imap_op *op, const char *name, struct mailbox *out);

#endif
