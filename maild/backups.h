/* SPDX-License-Identifier: MIT */
/*
 * backups: snapshots of the store (common/store/backup.h) on schedule and on
 * order, and drills, on a thread of its own that leaves half of the time to
 * deliveries.
 *
 *	backup.every since the newest, or an order ──▶ a snapshot
 *	backup.drill since the last drill ───────────▶ the newest is restored,
 *	                                               checked and removed
 *
 * What fails is tried again in an hour, and postmaster is told, once a day as
 * long as it lasts.  After a drill that failed the next snapshot shares nothing
 * with those before, and is tried in its turn.
 */
#ifndef MAILD_BACKUPS_H
#define MAILD_BACKUPS_H

#include "common/control/backup_board.h"
#include "maild/maild.h"

struct backups;

/* Make backup.dir if its parent is there: before maild is confined to it. */
void backups_make_dir(const struct conf *conf);

/* Begins at once.  maild is borrowed.  Without backup.dir it does nothing. */
struct backups *backups_new(struct maild *m);

/* Where orders are given and progress is read; NULL without backup.dir. */
struct backup_board *backups_board(const struct backups *b);

/* There may be an order. */
void backups_kick(struct backups *b);

/* Append gauges for Prometheus, at most BACKUPS_GAUGES_ROOM. */
#define BACKUPS_GAUGES_ROOM ((size_t)1024)
void backups_print(const struct backups *b, struct buf *out);

/* Give up what is under way, begin nothing more. */
void backups_stop(struct backups *b);

/* Waits for the thread. */
void backups_free(struct backups *b);

#endif
