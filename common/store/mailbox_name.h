/* SPDX-License-Identifier: MIT */
/* mailbox_name: the law of names of mailboxes; for the files of this
 * directory. */
#ifndef STORE_MAILBOX_NAME_H
#define STORE_MAILBOX_NAME_H

#include "common/store/mailbox.h"
#include "common/util/buf.h"

#define MAILBOX_NAME_MAX  1000 /* octets */
#define MAILBOX_LEVEL_MAX 255
#define MAILBOX_DEPTH_MAX 32
#define MAILBOX_COUNT_MAX 10000 /* of an account */

/* As mailbox_name_fold(), but says what a client is to be told. */
enum mailbox_refusal mailbox_name_judge(
    struct str name, struct buf *folded, struct fail *f);

/* The name of the level above; false if there is none. */
bool mailbox_name_parent(struct str name, struct str *parent);

/* Is it below the other one, at whatever depth? */
bool mailbox_name_is_below(struct str name, struct str above);

size_t mailbox_name_depth(struct str name); /* levels, 1 or more */

/* Order level by level, INBOX first: who is below comes right after. */
int mailbox_name_cmp(struct str a, struct str b);

#endif
