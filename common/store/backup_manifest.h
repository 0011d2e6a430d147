/* SPDX-License-Identifier: MIT */
/*
 * backup_manifest: what a snapshot holds, in a text that proves itself.
 *
 *	Penny Post backup 1
 *	number 12
 *	made 1795000005123 2026-11-22T17:30:05Z
 *	program 0.1.0
 *	schema mail 4 auth 3
 *	file SIZE HASH auth.db.parts/0000000
 *	...
 *	end FILES OCTETS HASH
 *
 * HASH is BLAKE2b-256 in hexadecimal: of a file its octets, of the last line
 * all octets before it.  Files rise by path, so that two manifests can be read
 * side by side.
 */
#ifndef STORE_BACKUP_MANIFEST_H
#define STORE_BACKUP_MANIFEST_H

#include "common/store/backup.h"
#include "common/store/backup_file.h"
#include "common/store/disk.h"

#define MANIFEST_NAME "MANIFEST"

struct manifest_head {
	int64_t number, made_ms;
	char program[32];
	int mail_schema, auth_schema;
};

struct manifest_file {
	uint64_t octets;
	unsigned char hash[BACKUP_HASH];
	char path[DISK_NAME_MAX]; /* in the snapshot: of a part or an object */
};

/* A part of a database or an object file, and nothing else. */
bool manifest_is_path(struct str path);

/* Of the snapshot in dir; closed by _end() or _abandon(). */
struct manifest_writer;
struct manifest_writer *manifest_begin(
    const char *dir, const struct manifest_head *head, struct fail *f);
int manifest_add(struct manifest_writer *w, const struct manifest_file *file,
    struct fail *f);
int manifest_end(struct manifest_writer *w, struct fail *f); /* synced */
void manifest_abandon(struct manifest_writer *w);            /* NULL is fine */

/* A file: 1; 0: there are no more, and all that was read is as it was written;
 * -1: it is damaged (FAIL_PERM) or cannot be read.  Until 0, what it says is
 * not proven; but a path never leads out of the snapshot. */
struct manifest_reader;
struct manifest_reader *manifest_open(
    const char *dir, struct manifest_head *head, struct fail *f);
int manifest_next(
    struct manifest_reader *r, struct manifest_file *file, struct fail *f);
void manifest_close(struct manifest_reader *r); /* NULL is fine */

#endif
