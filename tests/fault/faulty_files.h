/* SPDX-License-Identifier: MIT */
/*
 * faulty_files: the system calls that change files, between a program and the C
 * library, for all of its code and SQLite's: linked in, they take the place of
 * the library's (and call it).
 *
 * Each asks faulty_meet() what is to become of it.  Somebody may watch what
 * becomes of files under one directory.
 */
#ifndef TESTS_FAULT_FAULTY_FILES_H
#define TESTS_FAULT_FAULTY_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Syncs do not wait for the disk, since no power will be cut in earnest. */
void faulty_files_hurry(void);

enum faulty_sync {
	FAULTY_SYNC_DONE,
	FAULTY_SYNC_SKIPPED, /* says it is done; the watcher knows better */
	FAULTY_SYNC_FAILED,  /* EIO */
};

/* Each is called when the call has succeeded. */
struct faulty_watcher {
	void *arg;
	void (*opened)(void *arg, const char *path, int fd, bool made);
	void (*wrote)(void *arg, int fd, const void *bytes, size_t n, off_t at);
	void (*truncated)(void *arg, int fd, off_t size);
	/* decides what it was */
	enum faulty_sync (*synced)(void *arg, int fd);
	void (*made_folder)(void *arg, const char *path);
	void (*linked)(void *arg, const char *from, const char *to);
	void (*renamed)(void *arg, const char *from, const char *to);
	void (*removed)(void *arg, const char *path);
};

/* NULL: nobody.  From one thread only. */
void faulty_files_watch(const struct faulty_watcher *w);

#endif
