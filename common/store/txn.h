/* SPDX-License-Identifier: MIT */
/*
 * txn: a write transaction in steps, for db_write() and the writer thread.
 *
 *	txn_lock -> txn_begin -> txn_run..., txn_try... -> txn_commit
 *	    -> txn_checkpoint -> txn_unlock            \-> txn_rollback
 *
 * Every step asserts that the lock is held, and SQLite's commit hook refuses
 * to commit without it.  A COMMIT that fails leaves the connection unsound:
 * what it wrote may come back after a crash.  txn_begin() then first commits
 * a write of its own, which takes the same place in the log.
 */
#ifndef STORE_TXN_H
#define STORE_TXN_H

#include "common/store/db.h"

int txn_lock(struct db *db, struct fail *f);
void txn_unlock(struct db *db);

int txn_begin(struct db *db, struct fail *f);

/* Run work in a savepoint: if it fails, what it did is undone. */
int txn_try(struct db *db, db_work *work, void *arg, struct fail *f);

/* Run work as it is: if it fails, *left tells whether rows were written, which
 * only txn_rollback() can undo. */
int txn_run(
    struct db *db, db_work *work, void *arg, bool *left, struct fail *f);

/* Has SQLite rolled everything back by itself (disk full, I/O error)?  Then
 * what txn_try() did before is gone too, and only txn_rollback() may follow. */
bool txn_is_lost(const struct db *db);

/* 0: on disk, and the doomed object files are gone.  -1: rolled back. */
int txn_commit(struct db *db, struct fail *f);
void txn_rollback(struct db *db);

/* No COMMIT has failed since the last proof. */
bool txn_is_sound(const struct db *db);

/* Commit something to see whether the disk can be trusted again. */
int txn_prove(struct db *db, struct fail *f);

/* Copy the log into the file if that is due: from 4 MB when idle, from 16 MB
 * always. */
int txn_checkpoint(struct db *db, bool idle, struct fail *f);

#endif
