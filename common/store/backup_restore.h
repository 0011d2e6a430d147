/* SPDX-License-Identifier: MIT */
/*
 * backup_restore: a snapshot (backup.h) becomes a store again.
 *
 *	STORE/restoring/              made and checked here first; while it is
 *	                              there nobody makes a new mail.db
 *	STORE/before-restore-TIME/    what was there before (replace)
 *
 * Every file is compared with the manifest's hash as it is copied; the store
 * is migrated, settled and checked (db_check) before it takes its place, by
 * renaming, mail.db last.  Whenever it dies, there is the old store, the new
 * one, or none that a daemon would use; run again, it begins anew.
 *
 * Settling: clients may have seen what came after the snapshot, and the queue
 * may have been sent since.
 * - Each mailbox keeps its UIDVALIDITY, its UIDNEXT jumps over 2^20 UIDs, which
 *   count as expunged, and its HIGHESTMODSEQ by 2^32, at which every message
 *   has changed: no UID ever means another message (RFC 9051 s2.3.1.1), and
 *   clients with CONDSTORE or QRESYNC (RFC 7162) look at everything again
 *   without fetching it again.
 * - All that waits in the queue is held, with a hop that says so.
 *
 * The daemons must not run: the caller owns the store (control/owner.h).
 */
#ifndef STORE_BACKUP_RESTORE_H
#define STORE_BACKUP_RESTORE_H

#include "common/store/backup.h"
#include "common/store/db.h"

#define RESTORE_ASIDE_MAX 64

struct restore_options {
	const char *snapshot; /* its directory */
	const char *to;       /* the store's; made if its parent is there */
	bool replace;         /* there may be a store: keep it aside */
	bool damaged;         /* take also a snapshot some of whose object
	                       * files are damaged or missing */
	bool link;            /* for a drill: link object files, copy none */
	bool unchecked;       /* no db_check: the caller looks at it */
	bool gentle;
	int64_t now_ms;
	struct backup_watch watch;
	/* What a check found wrong; may be NULL. */
	void (*say)(void *arg, const char *sentence);
	/* The database that is checked from now on, then NULL: for
	 * db_interrupt(); may be NULL. */
	void (*checks)(void *arg, struct db *db);
	void *arg;
};

struct restore_done {
	uint64_t files, octets;
	uint64_t damaged;              /* object files */
	size_t held;                   /* recipients in the queue */
	char aside[RESTORE_ASIDE_MAX]; /* name in `to', or empty */
};

/* FAIL_PERM: not empty, in use, damaged, from a newer program; FAIL_DISK. */
int backup_restore(
    const struct restore_options *o, struct restore_done *out, struct fail *f);

#endif
