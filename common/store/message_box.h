/* SPDX-License-Identifier: MIT */
/*
 * message_box: a mailbox while one call changes it: what changes of its
 * counters is gathered and written once; for the files of this directory.
 *
 *	message_box_open -> (change its messages, message_box_count) ->
 *	    message_box_save
 */
#ifndef STORE_MESSAGE_BOX_H
#define STORE_MESSAGE_BOX_H

#include "common/store/db.h"
#include "common/store/message.h"

#define MESSAGE_UID_MAX UINT32_MAX /* RFC 9051 s2.3.1.1: 32 bits, not zero */

struct message_box {
	struct db *db;
	int64_t id, account;
	uint32_t uid_validity, uid_next;
	int64_t modseq;      /* as it was read */
	int64_t quota, used; /* of the account, octets; quota 0: none */
	bool pending;        /* store/pending.h: counts for no quota */
	bool added;          /* messages, at the end */
	bool changed;        /* anything else */
	int64_t messages, unseen, deleted, bytes; /* to be added */
};

/* 1, 0 there is no such mailbox, -1. */
int message_box_open(
    struct db *db, int64_t id, struct message_box *b, struct fail *f);

/* The modseq of what this call does: one more, as long as there is one. */
static inline int64_t
message_box_next(const struct message_box *b)
{
	return b->modseq < INT64_MAX ? b->modseq + 1 : INT64_MAX;
}

/* RFC 7162 s3.1: 63 bits.  No client can use them up, but a forged store can
 * have them so; then messages may only go. */
int message_box_may_change(const struct message_box *b, struct fail *f);

/* What the mailbox's modseq is after message_box_save(). */
int64_t message_box_modseq(const struct message_box *b);

/* A message comes (sign 1) or goes (-1). */
void message_box_count(
    struct message_box *b, uint64_t flags, uint64_t size, int sign);

/* FAIL_QUOTA unless there is room for so many octets and messages. */
int message_box_has_room(
    const struct message_box *b, uint64_t bytes, size_t n, struct fail *f);

/* Nothing is written if nothing changed. */
int message_box_save(const struct message_box *b, struct fail *f);

#endif
