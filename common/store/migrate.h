/* SPDX-License-Identifier: MIT */
/*
 * migrate: which schema a file has, and bringing it to ours.
 *
 * A file says whose it is by PRAGMA application_id and how far it is by
 * PRAGMA user_version; steps are the numbered files of schema/.
 */
#ifndef STORE_MIGRATE_H
#define STORE_MIGRATE_H

#include "common/store/db.h"
#include "common/store/schema.h"

enum migrate_state {
	MIGRATE_EMPTY, /* nothing in it yet */
	MIGRATE_OLDER,
	MIGRATE_CURRENT,
	MIGRATE_FOREIGN, /* *f says: not ours, or newer than we know */
	MIGRATE_FAILED,  /* *f says why it could not be read */
};

/* Only reads. */
enum migrate_state migrate_look(
    struct db *db, const struct schema_step *steps, struct fail *f);

/* Apply what is missing, in one transaction; under the lock.  What mail.db or
 * auth.db was before is kept as mail.db.before-vN, N being what it becomes;
 * without room for that (FAIL_DISK) nothing is changed. */
int migrate_run(struct db *db, const struct schema_step *steps, struct fail *f);

#endif
