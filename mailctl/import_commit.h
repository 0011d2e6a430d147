/* SPDX-License-Identifier: MIT */
/* import_commit: a batch of messages and the place in their source, in one
 * transaction; for import_load. */
#ifndef MAILCTL_IMPORT_COMMIT_H
#define MAILCTL_IMPORT_COMMIT_H

#include "common/store/db.h"
#include "mailctl/import_load.h"

#define IMPORT_BATCH 200 /* messages */

struct import_entry {
	struct load_message message;
	struct load_place place;
};

/* Of one source.  The counters are import_load's. */
struct import_batch {
	int64_t mailbox, import;
	struct import_entry entries[IMPORT_BATCH];
	size_t n;
	uint64_t bytes;
	struct load_place place; /* what it reaches */
	size_t taken, sealed;
	bool closed;
	struct import_batch *next;
};
void import_batch_free(struct import_batch *b);

struct import_committed {
	uint64_t messages, bytes, keywords_lost;
};

/* Everything sealed.  -1: nothing of it; but FAIL_QUOTA: as many as had room
 * are in *done. */
int import_commit(struct db *db, struct import_batch *b, const char *login,
    bool ignore_quota, struct import_committed *done, struct fail *f);

#endif
