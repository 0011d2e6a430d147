/* SPDX-License-Identifier: MIT */
/* snapshot: how the command line names a backup, and who watches over one that
 * is copied. */
#ifndef MAILCTL_SNAPSHOT_H
#define MAILCTL_SNAPSHOT_H

#include "common/conf/conf.h"
#include "common/store/backup.h"
#include "mailctl/progress.h"

/* Its path, malloc'd: `word' itself, or of that name in backup.dir, or the
 * newest there is.  NULL: *f. */
char *snapshot_path(const struct conf *conf, const char *word, struct fail *f);

/* Progress on the terminal; p outlives it. */
struct backup_watch snapshot_watch(struct progress *p);

#endif
