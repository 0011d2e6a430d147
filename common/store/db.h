/* SPDX-License-Identifier: MIT */
/*
 * db: one connection to one database of the store, and its transactions.
 *
 * This is the layer that keeps the rules of docs/design.md s6: pragmas, the
 * lock around every commit and checkpoint, migration by user_version, no
 * checkpoint on close.  A struct db belongs to one thread at a time.
 *
 * Daemons use store.h, which puts connections on threads.  mailctl and tests
 * use db_read() and db_write() directly: they block.
 */
#ifndef STORE_DB_H
#define STORE_DB_H

#include <stdbool.h>

#include "common/util/fail.h"

struct db;

enum db_file {
	DB_MAIL,
	DB_AUTH,
	DB_SEARCH, /* can be built again: its last commits may be lost */
};

enum db_mode {
	DB_READER, /* refuses to write; the file must exist */
	DB_WRITER, /* makes and migrates the file as needed */
};

/* dir is the store's directory (made if need be by DB_WRITER, mode 2770).
 * Refuses a file of a newer schema than this program knows, or one that is
 * not ours, without touching it. */
struct db *db_open(
    const char *dir, enum db_file file, enum db_mode mode, struct fail *f);
void db_close(struct db *db);

/* Is its file still the one of that name?  db_discard(), or a person, may have
 * put another there since. */
bool db_is_current(const struct db *db);

/* Remove search.db under its lock, whatever it is: a writer makes it anew.  Its
 * folder stays: sandboxes have rules for it. */
int db_discard(const char *dir, enum db_file file, struct fail *f);

/* Work on the store: 0, or -1 with *f.  arg is the caller's. */
typedef int db_work(struct db *db, void *arg, struct fail *f);

/* Run work in one read transaction: it sees one state. */
int db_read(struct db *db, db_work *work, void *arg, struct fail *f);

/* Take the lock, run work in one transaction, commit to disk, checkpoint if
 * due, give the lock back.  0 means it is on disk.  If work fails, nothing
 * happened. */
int db_write(struct db *db, db_work *work, void *arg, struct fail *f);

/* The store's directory, borrowed. */
const char *db_dir(const struct db *db);

/* PRAGMA integrity_check and the store's own rules (no dead reference, every
 * counter exact, every object file present and whole): calls say for each
 * thing that is wrong; 0 if all is well, 1 if not, -1 when it could not look.
 */
int db_check(struct db *db, void (*say)(void *arg, const char *sentence),
    void *arg, struct fail *f);

/* From any thread: the check that runs, and each later one, fails at once. */
void db_interrupt(struct db *db);

#endif
