/* SPDX-License-Identifier: MIT */
/*
 * backup_place: where a store is restored, and how it takes its place; only
 * for backup_restore.c and those who must not start meanwhile.
 */
#ifndef STORE_BACKUP_PLACE_H
#define STORE_BACKUP_PLACE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/store/backup_restore.h"

#define BACKUP_RESTORING "restoring"

/* Make `to' and an empty to/restoring, mode 2770.  FAIL_PERM if there is a
 * store (unless replace) or it is in use by a process, which is named. */
int backup_place_prepare(const char *to, bool replace, struct fail *f);

/* Move what is there aside, and what was restored in; mail.db last.  aside:
 * the name of where it is now, or empty.  If it fails half-way restoring/
 * stays, so that nobody takes the place for a new store. */
int backup_place_take(const char *to, int64_t now_ms,
    char aside[RESTORE_ASIDE_MAX], struct fail *f);

/* Is something being restored here, or was, and never finished? */
bool backup_place_is_restoring(const char *store);

/* Then whatever is here is no store to be opened: 0, or -1 and FAIL_PERM.
 * has_mail: there is a mail.db; it may still be the whole one of before. */
int backup_place_may_open(const char *store, bool has_mail, struct fail *f);

#endif
