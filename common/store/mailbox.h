/* SPDX-License-Identifier: MIT */
/*
 * mailbox: the messages of a mailbox.
 */
#ifndef STORE_MAILBOX_H
#define STORE_MAILBOX_H

#include <stdint.h>

#include "common/store/db.h"
#include "common/store/hop.h"
#include "common/util/str.h"

struct mailbox {
	int64_t id;
	int64_t account;
	uint32_t uid_validity;
	uint64_t messages, bytes;
};

struct message_entry {
	uint32_t uid;
	uint32_t flags;
	uint64_t size;
	int64_t body;
	int64_t trace;
};

/* 1 found, 0 not, -1. */
int mailbox_find(struct db *db, int64_t account, struct str name,
    struct mailbox *out, struct fail *f);

/* Make one, in a write transaction.  Its UIDVALIDITY is higher than any given
 * before in this store, and at least the Unix time in seconds. */
int mailbox_add(struct db *db, int64_t account, struct str name, int64_t now_ms,
    int64_t *id, struct fail *f);

/* All messages by rising UID: *out is a malloc'd array of *n, the caller's. */
int mailbox_list(struct db *db, int64_t mailbox, struct message_entry **out,
    size_t *n, struct fail *f);

/* Remove these UIDs (rising order, those already gone are skipped), with
 * counters, tombstones, quota and a DELETED hop each by `who' (daemon, peer,
 * at_ms of it are used).  Inside a write transaction.  *removed: how many. */
int mailbox_expunge(struct db *db, int64_t mailbox, const uint32_t *uids,
    size_t n, const struct hop *who, size_t *removed, struct fail *f);

#endif
