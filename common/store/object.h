/* SPDX-License-Identifier: MIT */
/*
 * object: files of large bodies, objects/xx/<hash in hex>.<nonce>.
 *
 * A file is complete and durable before a row names it, and is unlinked under
 * the lock after its row is gone.  Each has a name of its own, also when
 * contents are equal (rows are shared by hash, not files), so unlinking one
 * never takes another's.  While a stage holds one that no row names yet, it
 * keeps an flock() on it: that is how the sweeper tells it from an orphan.
 */
#ifndef STORE_OBJECT_H
#define STORE_OBJECT_H

#include <stddef.h>
#include <stdint.h>

#include "common/store/db.h"
#include "common/store/disk.h"

/* Make objects/ and the 256 folders in it, what is missing of them, durable
 * when this returns: so no file ever goes into a folder that a crash may take
 * away.  Under the lock. */
int object_make_folders(const char *dir, struct fail *f);

/* Make an empty file, locked; name is filled in.  The descriptor, or -1. */
int object_new(const char *dir, char name[DISK_NAME_MAX], struct fail *f);

/* All is written: sync it, give it its final name (filled in), sync folders. */
int object_finish(const char *dir, int fd, const unsigned char hash[32],
    char name[DISK_NAME_MAX], struct fail *f);

/* Is it there, with so many octets in it? */
bool object_is_there(const char *dir, const char *name, uint64_t octets);

/* Rows name files, and three daemons write rows, but only one may read and
 * remove auth.db: could it be one of ours? */
bool object_is_name(const char *name);

int object_open(const char *dir, const char *name, struct fail *f);
void object_unlink(const char *dir, const char *name);

/* Call each with the name of every file under objects/ that no stage holds;
 * it is unlinked when each returns 1, and each may fail with -1. */
int object_each(const char *dir,
    int (*each)(void *arg, const char *name, struct fail *f), void *arg,
    struct fail *f);

#endif
