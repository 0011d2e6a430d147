/* SPDX-License-Identifier: MIT */
/* backup_objects: the object files that one state of mail.db names, into a
 * snapshot; only for backup.c. */
#ifndef STORE_BACKUP_OBJECTS_H
#define STORE_BACKUP_OBJECTS_H

#include "common/store/backup_parts.h"

struct backup_objects;

/* Their names, kept in an unlinked file below dir; *octets: of all of them.
 * In a read transaction. */
struct backup_objects *backup_objects_gather(
    struct db *mail, const char *dir, uint64_t *octets, struct fail *f);

/* While nothing is swept.  One that is missing in the store is left out: the
 * rest of the mail is not to go without a copy for it.  db_check names it. */
int backup_objects_copy(struct backup_target *t, struct backup_objects *o,
    const char *store, struct fail *f);

void backup_objects_free(struct backup_objects *o); /* NULL is fine */

#endif
