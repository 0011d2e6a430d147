/* SPDX-License-Identifier: MIT */
/* message_pick: rows of many messages in few reads; for the files of this
 * directory. */
#ifndef STORE_MESSAGE_PICK_H
#define STORE_MESSAGE_PICK_H

#include "common/store/message.h"

/* A message as it is on disk: email and pop3 0 where it is at home. */
struct message_picked {
	struct message_row row;
	bool joined; /* no message is between this one and the one before it,
	              * so one statement may name both by a range */
};

/* Those of these UIDs (rising) that are there, by rising UID; *out is malloc'd.
 */
int message_pick(struct db *db, int64_t mailbox, const uint32_t *uids, size_t n,
    struct message_picked **out, size_t *n_out, struct fail *f);

/* The same, of which only uid, flags, modseq and size are read. */
int message_pick_narrow(struct db *db, int64_t mailbox, const uint32_t *uids,
    size_t n, struct message_picked **out, size_t *n_out, struct fail *f);

/* (UIDVALIDITY << 32) + UID. */
static inline uint64_t
message_place(uint32_t uid_validity, uint32_t uid)
{
	return (uint64_t)uid_validity << 32 | uid;
}

#endif
