/* SPDX-License-Identifier: MIT */
/*
 * world: a store that something is done to, and whether what is there
 * afterwards is what was promised.
 *
 * What is in a store is told by one digest over every row of every table
 * (but the octets of search.db, and names that are random).  A run without
 * faults says which digest there is after each step: world_learn().  After a
 * fault, a kill or a power cut in step n + 1 there must be the digest of n or
 * of n + 1: so nothing acknowledged is gone, what was not is there whole or
 * not at all, nothing is there twice, and counters, quotas, UIDs and MODSEQs
 * are those they were to be.
 *
 * Time and traces are fixed, so that runs are alike.
 */
#ifndef TESTS_FAULT_WORLD_H
#define TESTS_FAULT_WORLD_H

#include "tests/unit/store/fixture.h"

/* Otherwise it is the harness that is broken. */
#define ENSURE(cond)                                                           \
	do {                                                                   \
		if (!(cond)) {                                                 \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__,       \
			    __LINE__, #cond);                                  \
			exit(1);                                               \
		}                                                              \
	} while (0)

#define WORLD_STEPS_MAX 400
#define WORLD_WHY_MAX   300

struct world {
	struct fixture x; /* db NULL: closed */
	/* auth.db as maild has it, from the act on that opens it: a COMMIT that
	 * failed may come back when the last connection is closed, no sooner */
	struct db *auth;
	int said;        /* steps acknowledged so far */
	uint64_t marked; /* of what is acknowledged apart: an act's own bits */
	uint64_t seed;   /* of an act that leaves what it does to the lot */
	int steps;       /* of it; 0: a few */
	/* Told of each; or NULL. */
	void (*say)(void *arg, int said);
	void *say_arg;
};

/* One thing a store does, in steps that are acknowledged one by one. */
struct act {
	const char *name;
	/* On top of the people and mail that every world has; or NULL. */
	void (*prepare)(struct world *w);
	/* 0 when all was acknowledged.  The store is open, unless `opens'. */
	int (*run)(struct world *w, struct fail *f);
	bool opens;   /* opening the store is what it does */
	bool empty;   /* there is no store before */
	bool search;  /* search.db has a part in it */
	bool account; /* and auth.db */
	/* For states no run without faults has: is it one that may be?  Or
	 * NULL. */
	bool (*holds)(struct world *w, bool crashed);
	/* Is what it made beside the store as it is to be?  Or NULL. */
	bool (*beside)(struct world *w, char why[WORLD_WHY_MAX]);
	bool again; /* a restore: nothing may open until it was run again */
};

struct world_state {
	unsigned char digest[16];
};

/* What there is after 0, 1, 2 ... steps. */
struct world_history {
	struct world_state states[WORLD_STEPS_MAX + 1];
	int steps;
};

/* Worlds are made in memory from now on, if there is /dev/shm and TMPDIR is not
 * set: they are small and many, and no disk is asked to sync. */
void world_in_memory(void);

/* A message of size octets (over 100) that do not compress and are no text, to
 * be freed. */
char *world_octets(size_t size, uint64_t seed);

/* A step was acknowledged. */
void world_says(struct world *w);

/* The store in which an act begins; closed. */
void world_begin(struct world *w, const struct act *act);
/* A store like it in a directory of its own, as a crash at this moment would
 * leave it; closed.  Object files are shared by links. */
void world_copy(const struct world *from, struct world *to);
int world_open(struct world *w, struct fail *f);
/* After something broke: what may have to be run again before is. */
int world_open_again(struct world *w, const struct act *act, struct fail *f);
void world_close(struct world *w);
void world_remove(struct world *w); /* closes it too */

/* Of the open store. */
void world_look(struct world *w, const struct act *act, struct world_state *s);

/* Run it once without faults on a copy of model.  What it finds wrong with
 * that ends the program. */
void world_learn(
    const struct act *act, const struct world *model, struct world_history *h);

/*
 * Is what is there what may be there, after `said' acknowledged steps?  The
 * store is open.  crashed: the next step may be there too, and what
 * no row names is swept first, as a start does.  Beyond the digest: the store
 * checker finds nothing (SQLite's integrity, counters, quotas, each body's
 * hash), and no object file is too many.  True, or false and why.
 */
bool world_judge(struct world *w, const struct act *act,
    const struct world_history *h, int said, bool crashed,
    char why[WORLD_WHY_MAX]);

#endif
