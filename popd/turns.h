/* SPDX-License-Identifier: MIT */
/*
 * turns: who may keep a reader of the store busy for a while.
 *
 * Searches look at a mailbox slice by slice.  A few may have a slice under way
 * at once, fewer than the store has readers, and of an account one at a time:
 * so whoever asks for little is served at once, and whoever searches in a
 * hundred sessions waits for themselves.  On the loop's thread.
 */
#ifndef POPD_TURNS_H
#define POPD_TURNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Embedded in what waits; set account and go.  One is in use from turns_take()
 * until turns_give(). */
struct turn {
	int64_t account;
	void (*go)(struct turn *turn); /* may give the turn back at once */
	struct turn *next;             /* ours */
};

struct turns { /* zero: nobody */
	size_t max;
	struct turn *going, *waiting;
};

/* Call turn->go, now or when it is its turn. */
void turns_take(struct turns *t, struct turn *turn);

/* It is over: others go. */
void turns_give(struct turns *t, struct turn *turn);

#endif
