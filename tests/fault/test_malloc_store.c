/* SPDX-License-Identifier: MIT */
/*
 * SQLite's n-th allocation fails, once and from then on, for every n until an
 * act passes untouched: an error, no crash, no block is lost, and all the
 * rules of trial.h hold.
 *
 *	fault_malloc_store [--all] [--stride N] [--seed N] [--act NAME]
 */
#include <malloc.h>

#include "tests/fault/acts.h"
#include "tests/fault/failing_mem.h"
#include "tests/fault/points.h"
#include "tests/fault/trial.h"

#define STRIDE 100 /* unless told otherwise: what ctest has time for */

/* ---- what SQLite is given ---- */

static void *
x_malloc(int n)
{
	return failing_malloc((size_t)n);
}

static void *
x_realloc(void *old, int n)
{
	return failing_realloc(old, (size_t)n);
}

static int
x_size(void *p)
{
	return (int)malloc_usable_size(p);
}

static int
x_roundup(int n)
{
	return (n + 7) & ~7;
}

static int
x_init(void *arg)
{
	(void)arg;
	return SQLITE_OK;
}

static void
x_shutdown(void *arg)
{
	(void)arg;
}

static const sqlite3_mem_methods methods = {
    .xMalloc = x_malloc,
    .xFree = failing_free,
    .xRealloc = x_realloc,
    .xSize = x_size,
    .xRoundup = x_roundup,
    .xInit = x_init,
    .xShutdown = x_shutdown,
};

/* ---- the walk ---- */

struct point {
	int n, seen;
	bool ever;
};

static void
begin(void *arg)
{
	const struct point *p = arg;

	failing_arm(p->n, p->ever);
}

static void
end(void *arg)
{
	struct point *p = arg;
	int seen = failing_heal();

	if (p->seen == 0)
		p->seen = seen;
}

struct tally {
	int points, refused, most;
};

/* False when the act passed without reaching the point. */
static bool
fail_at(struct trial *t, struct point *p, struct tally *tally)
{
	int held = failing_held();
	bool fine;

	p->seen = 0;
	fine = trial_run(t);
	CHECK(failing_held() == held);
	CHECK(fine);
	tally->points++;
	tally->refused += t->rc == -1;
	if (test_failures > 0)
		fprintf(stderr, "%s, allocation %d%s: %s (%s)\n", t->act->name,
		    p->n, p->ever ? " and all after it" : "", t->why,
		    t->rc == -1 ? t->fail.text : "acknowledged");
	return p->seen >= p->n;
}

static void
walk(const struct act *act, struct points *points, struct tally *tally)
{
	struct world model;
	struct world_history *history = MEM_NEW(struct world_history);
	struct point p = {0};
	struct trial t = {.act = act,
	    .model = &model,
	    .history = history,
	    .begin = begin,
	    .end = end,
	    .arg = &p};

	world_begin(&model, act);
	world_learn(act, &model, history);
	/* where the schema is changed, nothing can be taken back without any
	 * memory: the process ends, as it does without memory of our own */
	for (int ever = 0; ever < (act->opens || act->search ? 1 : 2); ever++) {
		p.ever = ever == 1;
		p.n = points_after(points, 0);
		while (test_failures == 0 && fail_at(&t, &p, tally))
			p.n = points_after(points, p.n);
		if (p.seen > tally->most)
			tally->most = p.seen;
	}
	world_remove(&model);
	free(history);
	printf("%-28s %6d allocations, %d points so far\n", act->name, p.seen,
	    tally->points);
	fflush(stdout);
}

int
main(int argc, char **argv)
{
	struct points points = points_from(argc, argv, STRIDE);
	struct tally tally = {0};

	world_in_memory();
	CHECK(sqlite3_config(SQLITE_CONFIG_MALLOC, &methods) == SQLITE_OK);
	for (size_t i = 0; i < acts_n && test_failures == 0; i++)
		if (points_want(&points, acts[i].name))
			walk(&acts[i], &points, &tally);
	printf("%d points, %d refused, at most %d allocations in an act\n",
	    tally.points, tally.refused, tally.most);
	CHECK(tally.refused > 0);
	return TEST_EXIT();
}
