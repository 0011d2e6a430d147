/* SPDX-License-Identifier: MIT */
/* message_remove: taking rows out of a mailbox; for the files of this
 * directory. */
#ifndef STORE_MESSAGE_REMOVE_H
#define STORE_MESSAGE_REMOVE_H

#include "common/store/message_box.h"
#include "common/store/message_pick.h"

/* Delete these rows, count them and remember their UIDs; who takes a note out
 * of Pending recalls its message.  What they held is the caller's to give
 * back. */
int message_remove(struct message_box *b, const struct message_picked *picked,
    size_t n, const struct hop *who, struct fail *f);

/* Give back the bodies, and tell the journeys. */
int message_let_go(struct db *db, const struct message_picked *picked, size_t n,
    const struct hop *who, struct fail *f);

/* sign more (1) or fewer (-1) hold the bodies of these messages. */
int message_hold(struct db *db, const struct message_picked *picked, size_t n,
    int sign, struct fail *f);

#endif
