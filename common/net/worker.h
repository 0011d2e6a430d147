/* SPDX-License-Identifier: MIT */
/*
 * worker: a few threads for what would block the loop (hashing, reading
 * bodies), with a queue that has an end.
 *
 * A job is embedded in the caller's own structure.  run() executes on a
 * worker thread and must touch only the job; done() executes on the loop.
 */
#ifndef NET_WORKER_H
#define NET_WORKER_H

#include <stdbool.h>
#include <stddef.h>

#include "common/net/loop.h"

struct workers;

struct worker_job {
	void (*run)(struct worker_job *job);
	void (*done)(struct worker_job *job);
	struct worker_job *next; /* the pool's own */
};

/* max_waiting counts jobs not yet begun. */
struct workers *workers_new(struct loop *l, size_t threads, size_t max_waiting);

/* False when the queue is full; then neither run nor done is called. */
bool workers_submit(struct workers *w, struct worker_job *job);

/* Jobs submitted whose done() has not been called. */
size_t workers_busy(const struct workers *w);

/* Waits for running jobs, calls done() for every one, ends the threads. */
void workers_free(struct workers *w);

#endif
