/* SPDX-License-Identifier: MIT */
/*
 * backup_drill: is a snapshot good for anything?  It is restored into a
 * temporary directory beside it, the store's checker reads every message of
 * it, and it is removed again.
 *
 * What was found is kept in the file `drill' of the directory of the snapshots.
 */
#ifndef STORE_BACKUP_DRILL_H
#define STORE_BACKUP_DRILL_H

#include "common/store/backup_restore.h"

struct drill_report {
	int64_t at_ms; /* when it ended; 0: never yet */
	bool good;
	char snapshot[BACKUP_NAME_MAX];
	char text[256]; /* if it is not good: why */
};

struct drill_options {
	const char *dir;  /* of the snapshots */
	const char *name; /* of one of them; NULL: the newest */
	bool damaged; /* restore what there is of it, and leave judging it to
	               * look() */
	bool gentle;
	int64_t now_ms;
	struct backup_watch watch;
	void (*say)(void *arg, const char *sentence); /* may be NULL */
	void (*checks)(void *arg, struct db *db);     /* may be NULL */
	/* While it is there, restored: look at it too; may be NULL. */
	int (*look)(void *arg, const char *store, struct fail *f);
	void *arg;
};

/* 0: done, and *out says what was found; -1: it could not be done (no room, no
 * snapshot, interrupted), which is not the snapshot's fault. */
int backup_drill(
    const struct drill_options *o, struct drill_report *out, struct fail *f);

/* Keep it, and read what was kept: at_ms is 0 if nothing was. */
int backup_drill_keep(
    const char *dir, const struct drill_report *r, struct fail *f);
void backup_drill_last(const char *dir, struct drill_report *out);

/* That, and the newest snapshot that is valid: name empty if there is none, or
 * the directory cannot be read. */
void backup_drill_newest(
    const char *dir, struct backup_info *newest, struct drill_report *last);

#endif
