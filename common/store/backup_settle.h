/* SPDX-License-Identifier: MIT */
/* backup_settle: what a store must promise anew when it has gone back in time:
 * see backup_restore.h; only for that. */
#ifndef STORE_BACKUP_SETTLE_H
#define STORE_BACKUP_SETTLE_H

#include <stddef.h>
#include <stdint.h>

#include "common/store/db.h"

#define SETTLE_UIDS    (INT64_C(1) << 20) /* a mailbox skips so many */
#define SETTLE_MODSEQS (INT64_C(1) << 32)

/* In a write transaction of mail.db.  *held: recipients in the queue. */
int backup_settle(struct db *db, int64_t now_ms, size_t *held, struct fail *f);

#endif
