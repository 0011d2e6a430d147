/* SPDX-License-Identifier: MIT */
/*
 * backup_parts: a database as files of a fixed size, so that of two snapshots
 * only what differs is there twice; only for the files of backup.h.
 *
 * Parts are of 64 KiB.  After a day in which 3 % of the mail came, 5 % of it
 * was deleted and the newest got flags, 4 % of all pages differ, 7 % of parts
 * of 16 KiB, 15 % of 64 KiB, 47 % of 256 KiB and all of 1 MiB (tests/bench/
 * backup.py); smaller ones would be four times as many files.
 */
#ifndef STORE_BACKUP_PARTS_H
#define STORE_BACKUP_PARTS_H

#include "common/store/backup_manifest.h"
#include "common/store/backup_previous.h"
#include "common/store/db.h"

#define BACKUP_PART ((size_t)64 * 1024)

/* A snapshot that is being made. */
struct backup_target {
	const char *dir; /* borrowed */
	struct manifest_writer *manifest;
	struct backup_previous *previous; /* NULL: share nothing */
	struct backup_pace pace;
	struct backup_made *made; /* counted here; borrowed */
};

/* Note a file that is in its place by now. */
int backup_target_add(struct backup_target *t, const struct manifest_file *file,
    bool copied, struct fail *f);

/* The state that db's transaction holds, as <name>.parts/.  Needs room for all
 * of it for a while. */
int backup_parts_make(
    struct backup_target *t, struct db *db, const char *name, struct fail *f);

#endif
