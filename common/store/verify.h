/* SPDX-License-Identifier: MIT */
/*
 * verify: every message is read and compared with the hash that was made of it
 * when it came; each that is damaged is named by whom it belongs to.
 *
 * A live store may be written to meanwhile: it takes no lock, only short read
 * transactions.
 */
#ifndef STORE_VERIFY_H
#define STORE_VERIFY_H

#include <stdint.h>

#include "common/store/backup.h"
#include "common/store/db.h"
#include "common/util/str.h"

struct verify_damage {
	struct str login, mailbox; /* both empty: it waits in the queue */
	uint32_t uid;
	int64_t trace;         /* of its journey; 0: none is known */
	struct str message_id; /* with its angle brackets, or empty */
	const char *what;      /* is wrong with it */
};

struct verify_options {
	/* For each message whose body is damaged; valid during the call. */
	void (*damaged)(void *arg, const struct verify_damage *d);
	struct backup_watch watch; /* octets, as they were received */
	bool gentle;
	void *arg;
};

struct verify_done {
	uint64_t bodies, octets;
	uint64_t damaged; /* bodies */
};

/* -1: it could not look at all of them. */
int verify_bodies(struct db *mail, const struct verify_options *o,
    struct verify_done *out, struct fail *f);

#endif
