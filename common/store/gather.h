/* SPDX-License-Identifier: MIT */
/*
 * gather: writes to the log that follow one another, made one.
 *
 * SQLite writes each page of a transaction with two calls, the head of its
 * frame and the page.  This is a VFS over the default one that keeps what a
 * writer's connection appends to its -wal file until the file is synced, or
 * anything else is asked of it, and then writes it with one call.
 *
 * Nothing is visible, or promised, earlier than it is written.  A reader uses
 * frames up to the last one that the head of the wal-index names, and SQLite
 * moves that head only behind the sync of the commit (synchronous=FULL, which
 * rules_verify() has seen before it is set on; note_log() of db.c asserts
 * it).  Frames of a transaction too large for the cache are read back by the
 * same connection only, through here.  A checkpoint syncs the log first, then
 * reads it through here.  What fails to be written fails at the sync, so
 * COMMIT fails as it does when a write does.
 *
 * What a transaction that was rolled back left here must not be written later,
 * over the frames of others: gather_forget() when it ends, in any case before
 * the lock is given back.
 */
#ifndef STORE_GATHER_H
#define STORE_GATHER_H

#include <stdbool.h>

#include "common/util/fail.h"

struct gather;

/* For one connection; NULL on failure. */
struct gather *gather_new(struct fail *f);

/* What to open the file with. */
const char *gather_vfs(const struct gather *g);

/* Not on, as it is at first, every write goes through at once. */
void gather_set(struct gather *g, bool on);
void gather_forget(struct gather *g);
bool gather_is_empty(const struct gather *g);

/* After the connection was closed.  NULL is fine for all of these. */
void gather_free(struct gather *g);

#endif
