/* SPDX-License-Identifier: MIT */
/*
 * disk: files and directories of the store, made so that every daemon of the
 * group may use them whatever the umask of who makes them.
 */
#ifndef STORE_DISK_H
#define STORE_DISK_H

#include <sys/types.h>

#include "common/util/fail.h"
#include "common/util/str.h"

#define DISK_NAME_MAX 128 /* of a file inside the store, with NUL */

/* The path DIR/NAME, malloc'd. */
char *disk_path(const char *dir, const char *name);

/* Make a directory (2770) unless it is there, and sync its parent. */
int disk_make_dir(const char *path, struct fail *f);

/* The same, but the caller syncs the parent before the directory is used. */
int disk_make_dir_unsynced(const char *path, struct fail *f);

/* Make an empty file unless it is there, never opening one that is: closing
 * any descriptor of a database drops SQLite's locks on it. */
int disk_make_file(
    const char *dir, const char *name, mode_t mode, struct fail *f);

/* Give an open new file its mode, and when root made it the owner of dir. */
int disk_adopt(int fd, const char *dir, mode_t mode, struct fail *f);

/* Make the names in a directory durable. */
int disk_sync_dir(const char *path, struct fail *f);

/* flock() without waiting, through signals: 0, or -1 with errno (EWOULDBLOCK:
 * somebody else has it).  how: LOCK_SH or LOCK_EX of sys/file.h. */
int disk_try_lock(int fd, int how);

/* 16 random letters and a NUL; and could this be one? */
void disk_nonce(char out[17]);
bool disk_is_nonce(struct str s);

#endif
