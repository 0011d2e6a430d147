/* SPDX-License-Identifier: MIT */
/* backup_file: files of snapshots, and how fast; only for the files of
 * backup.h and backup_restore.h. */
#ifndef STORE_BACKUP_FILE_H
#define STORE_BACKUP_FILE_H

#include <sys/types.h>

#include "common/store/backup.h"
#include "common/util/str.h"

#define BACKUP_HASH 32 /* octets of BLAKE2b-256 */

/* How far it has come, and how much of the time it takes. */
struct backup_pace {
	struct backup_watch watch;
	bool gentle;
	const char *what;
	uint64_t done, total;
	int64_t since_ns; /* when the work between two pauses began */
};

void backup_pace_start(struct backup_pace *p);

/* So many octets more are done: tell, pause if gentle; -1: it is to stop. */
int backup_pace_step(struct backup_pace *p, uint64_t octets, struct fail *f);

/* errno as a failure: FAIL_DISK if it is about room. */
int backup_fail(struct fail *f, const char *path);

/* A new file, mode 0600; of a store: 0660, as its other files.  -1. */
int backup_create(const char *path, const char *store, struct fail *f);
int backup_write(int fd, const char *path, struct str bytes, struct fail *f);

/* Sync and close, also after a failure; rc is what went before. */
int backup_finish_file(int fd, const char *path, int rc, struct fail *f);

/* Append from's octets to an open file, hashing them. */
int backup_pour(const char *from, int to, const char *to_path, uint64_t *octets,
    unsigned char hash[BACKUP_HASH], struct backup_pace *p, struct fail *f);

/* Link from as to: 1 done, 0 this file system cannot, -1. */
int backup_link(const char *from, const char *to, struct fail *f);

/* A directory (0700) unless it is there. */
int backup_mkdir(const char *path, struct fail *f);

/* A directory with all in it, never following a link.  What cannot be removed
 * stays. */
void backup_remove_tree(const char *path);

#endif
