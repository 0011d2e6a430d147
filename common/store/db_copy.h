/* SPDX-License-Identifier: MIT */
/*
 * db_copy: one state of a database as a file of its own (sqlite3_backup).
 *
 * The caller sees to it that the state stays: within a read transaction of src
 * that has read something, or under the lock.  Otherwise it would begin anew
 * whenever somebody commits, and might never end.
 */
#ifndef STORE_DB_COPY_H
#define STORE_DB_COPY_H

#include <stdint.h>
#include <sys/types.h>

#include "common/store/db.h"

/* Called after every step with octets; -1 and *f: give up. */
typedef int db_copy_step(
    void *arg, uint64_t done, uint64_t total, struct fail *f);

/* Make path, which must not be there, mode 0600, not synced.  step may be
 * NULL.  On failure there is no file.  FAIL_DISK: no room. */
int db_copy(struct db *src, const char *path, db_copy_step *step, void *arg,
    struct fail *f);

/* How large it would be now. */
int db_copy_size(struct db *src, uint64_t *octets, struct fail *f);

#endif
