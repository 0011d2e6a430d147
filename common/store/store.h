/* SPDX-License-Identifier: MIT */
/*
 * store: the connections of one daemon, on threads of their own.
 *
 * One writer thread with one connection, `readers' reader threads with
 * theirs; SQLite never runs on the loop.  A job is embedded in the caller's
 * structure; run() executes on one of these threads and touches only the job;
 * done() executes on the loop, from store_reap().
 *
 * Writes are committed in groups: the writer takes the lock, drains what has
 * gathered (at most 128 jobs or 2 MB), undoes what fails, commits
 * once, and only then are the jobs done.  job->rc is 0 only if the commit that
 * holds it is on disk: this is what `250' rests on.
 *
 * After an I/O error at COMMIT every write fails (FAIL_TEMP) until a
 * verification write has succeeded; store_is_sound() is false meanwhile.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stddef.h>

#include "common/store/db.h"

struct press;
struct store;

struct store_job {
	/* Before the lock is taken, outside any transaction, on a pool thread:
	 * slow work like compressing and syncing a body.  May be NULL. */
	int (*prepare)(struct store_job *job, struct fail *f);
	int (*run)(struct db *db, struct store_job *job, struct fail *f);
	void (*done)(struct store_job *job);
	size_t weight;   /* about how many bytes run() writes */
	bool repeatable; /* run() begins anew each time: it may be called
	                  * again when the first time was taken back, because
	                  * of another job.  Many jobs that are cost less */
	bool light;      /* prepare() is so short that the writer, when it has
	                  * nothing else to do, may run it itself */
	struct press *press; /* during prepare() of a write: for
	                      * stage_seal_with(), lent by the store */
	int rc;              /* for done(): 0 or -1 */
	struct fail fail;
	struct store_job *next; /* the store's own */
};

struct store_options {
	const char *dir; /* borrowed during the call */
	enum db_file file;
	size_t readers;     /* 1 to 4 */
	size_t max_waiting; /* jobs not begun, per queue; default 4096 */
	/* Called from any thread when store_reap() has something to do. */
	void (*wake)(void *arg);
	void *wake_arg;
};

struct store *store_open(const struct store_options *o, struct fail *f);

/* Submit.  When the queue is full or the store is closing, done() is called
 * from the next store_reap() with FAIL_TEMP.  Jobs of one queue begin in
 * order of submission. */
void store_write(struct store *s, struct store_job *job);
void store_read(struct store *s, struct store_job *job);

/* Call done() of everything that has finished.  On the loop. */
void store_reap(struct store *s);

bool store_is_sound(const struct store *s);
const char *store_dir(const struct store *s);

/* Finish every job, call every done(), end the threads, close. */
void store_close(struct store *s);

#endif
