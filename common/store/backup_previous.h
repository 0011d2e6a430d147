/* SPDX-License-Identifier: MIT */
/* backup_previous: the files of an earlier snapshot, asked for in the order of
 * their paths; only for backup.c. */
#ifndef STORE_BACKUP_PREVIOUS_H
#define STORE_BACKUP_PREVIOUS_H

#include "common/store/backup_manifest.h"

struct backup_previous;

/* Of this snapshot.  NULL, and nothing is shared, if it cannot be read. */
struct backup_previous *backup_previous_open(const char *dir);

/* The file of that path, or NULL.  Paths asked for rise. */
const struct manifest_file *backup_previous_find(
    struct backup_previous *p, const char *path);

/* Link its file of that path into the snapshot `into', under the same path: 1
 * done, 0 it has to be copied, -1. */
int backup_previous_link(struct backup_previous *p,
    const struct manifest_file *file, const char *into, struct fail *f);

void backup_previous_close(struct backup_previous *p); /* NULL is fine */

#endif
