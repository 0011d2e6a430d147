/* SPDX-License-Identifier: MIT */
/*
 * trial: one act with something broken in it, and all the rules.
 *
 * What was acknowledged is there, at once and also after a crash right then;
 * what was not is there whole or, while nothing else was written, not at all
 * (world_judge()).  A connection whose COMMIT failed takes nothing until a
 * write of its own has succeeded, and after that nothing comes back.
 * Then the store works: it takes a message, whose UID is a new one.
 */
#ifndef TESTS_FAULT_TRIAL_H
#define TESTS_FAULT_TRIAL_H

#include "tests/fault/world.h"

struct trial {
	const struct act *act;
	const struct world *model;
	const struct world_history *history;
	/* From begin() on things break, from end() on nothing does. */
	void (*begin)(void *arg);
	void (*end)(void *arg);
	void *arg;
	/* Break everything, to see that nothing is taken then; or NULL. */
	void (*break_all)(void *arg);
	bool full; /* what breaks is the room on the disk */

	/* what became of it */
	int rc, said;
	struct fail fail;
	bool unsound;     /* a COMMIT failed */
	bool resurrected; /* what was refused would be there after a crash */
	char why[WORLD_WHY_MAX]; /* empty: all is well */
};

/* True if all is well. */
bool trial_run(struct trial *t);

#endif
