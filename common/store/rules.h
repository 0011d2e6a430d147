/* SPDX-License-Identifier: MIT */
/*
 * rules: what every connection of the store must have in effect, whatever
 * SQLite's compile-time defaults are (docs/design.md s6).
 *
 * SQLite 3.7.0 to 3.51.2 can corrupt a database when one connection resets
 * the write-ahead log while another checkpoints.  So nothing may checkpoint
 * or commit by itself: not a commit (wal_autocheckpoint), not the last close
 * (NO_CKPT_ON_CLOSE); only txn.h does, under the lock.
 */
#ifndef STORE_RULES_H
#define STORE_RULES_H

#include "common/store/db.h"

/* Put them into effect.  make: this may be a new, empty file. */
int rules_set(struct db *db, bool make, struct fail *f);

/* Ask SQLite for each: FAIL_PERM names the first that is not so. */
int rules_verify(struct db *db, struct fail *f);

#endif
