/* SPDX-License-Identifier: MIT */
/*
 * backup_board: where those meet who make backups and who ask about them: the
 * thread that works, the one that executes commands, and the loop.  Every
 * function may be called on any thread.
 *
 * An order is a number; it is done when `ended' has reached it.
 */
#ifndef CONTROL_BACKUP_BOARD_H
#define CONTROL_BACKUP_BOARD_H

#include "common/store/backup.h"
#include "common/store/backup_drill.h"

enum backup_work {
	BACKUP_IDLE,
	BACKUP_MAKES, /* a snapshot */
	BACKUP_TRIES, /* a drill */
};

struct backup_state {
	enum backup_work work;
	char what[16]; /* is being copied; empty: nothing yet */
	uint64_t done, total;
	uint64_t ordered, begun, ended;
	bool failed; /* the last backup that ended; then why */
	struct fail why;
	int64_t failed_ms; /* when the last failure of either was; 0: none since
	                    * what failed has worked again */
	struct backup_made made;   /* the last one that did not */
	struct backup_info newest; /* name empty: there is none */
	struct drill_report drill; /* at_ms 0: never */
};

struct backup_board;

struct backup_board *backup_board_new(void);
void backup_board_free(struct backup_board *b);

void backup_board_read(struct backup_board *b, struct backup_state *out);

/* Order a backup; whole: share nothing with the one before.  Its number. */
uint64_t backup_board_order(struct backup_board *b, bool whole);

/* Is there an order?  Those there are have then begun. */
bool backup_board_take(struct backup_board *b, bool *whole);

void backup_board_work(struct backup_board *b, enum backup_work work);
void backup_board_progress(
    struct backup_board *b, const char *what, uint64_t done, uint64_t total);

/* What the directory has: newest may be NULL. */
void backup_board_look(struct backup_board *b, const struct backup_info *newest,
    const struct drill_report *drill);

/* A backup ended: made, or why not (the other is NULL). */
void backup_board_made(struct backup_board *b, const struct backup_made *made,
    const struct fail *why, int64_t now_ms);
void backup_board_tried(struct backup_board *b, const struct drill_report *r,
    const struct fail *why, int64_t now_ms);

#endif
