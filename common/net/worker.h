/* SPDX-License-Identifier: MIT */
/*
 * worker: a few threads for what would block the loop (hashing, reading
 * bodies), with a queue that has an end.
 *
 * A job is embedded in the caller's own structure.  run() executes on a
 * worker thread and must touch only the job; done() executes on the loop.
 *
 * Jobs wait by rank: none is begun while one of a lower rank waits, and a full
 * queue of one rank keeps out no other.
 */
#ifndef NET_WORKER_H
#define NET_WORKER_H

#include <stdbool.h>
#include <stddef.h>

#include "common/net/loop.h"

#define WORKER_RANKS 2 /* 0 goes first */

struct workers;

struct worker_job {
	void (*run)(struct worker_job *job);
	void (*done)(struct worker_job *job);
	struct worker_job *next; /* the pool's own */
};

/* max_waiting counts jobs of one rank not yet begun. */
struct workers *workers_new(struct loop *l, size_t threads, size_t max_waiting);

/* The same, of threads that stand back: on a busy machine they get a third of
 * what the others get.  All have done so when it returns. */
struct workers *workers_new_behind(
    struct loop *l, size_t threads, size_t max_waiting);

/* Of rank 0.  False when its queue is full; then neither run nor done is
 * called. */
bool workers_submit(struct workers *w, struct worker_job *job);
bool workers_submit_ranked(
    struct workers *w, struct worker_job *job, size_t rank);

/* Jobs submitted whose done() has not been called. */
size_t workers_busy(const struct workers *w);

/* Waits for running jobs, calls done() for every one, ends the threads. */
void workers_free(struct workers *w);

#endif
