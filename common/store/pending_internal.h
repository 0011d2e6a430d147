/* SPDX-License-Identifier: MIT */
/* pending_internal: what the other files of this directory must know of the
 * mailbox Pending. */
#ifndef STORE_PENDING_INTERNAL_H
#define STORE_PENDING_INTERNAL_H

#include "common/store/message_box.h"
#include "common/store/message_pick.h"
#include "common/store/pending.h"

/* Is this mailbox such a one?  1, 0, -1. */
int pending_is(struct db *db, int64_t mailbox, struct fail *f);

/* These notes leave their mailbox: recall what they are about.  who: daemon
 * and at_ms are used. */
int pending_recall(const struct message_box *b,
    const struct message_picked *picked, size_t n, const struct hop *who,
    struct fail *f);

/* Put a note at the end of its mailbox, whatever the quota. */
int message_append_note(struct db *db, int64_t mailbox,
    const struct message_new *note, int64_t now_ms, uint32_t *uid,
    struct fail *f);

/* Refuse what nobody but the server may do there. */
static inline int
pending_refuse(struct fail *f)
{
	return fail(f, FAIL_PERM,
	    "only the server puts messages into this mailbox: it shows what "
	    "waits to be sent");
}

#endif
