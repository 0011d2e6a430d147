/* SPDX-License-Identifier: MIT */
#include "common/store/store.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

#include "common/store/group.h"
#include "common/store/joblist.h"
#include "common/store/press.h"
#include "common/store/txn.h"
#include "common/util/mem.h"

#define GROUP_JOBS   128
#define GROUP_WEIGHT (2 * MB)
#define PREPARERS    4
#define READERS_MAX  4
#define PROOF_S      1 /* between verification writes while unsound */
#define PRESS_S      5 /* a press that nobody needed so long is given back */

struct reader {
	struct store *store;
	struct db *db;
	pthread_t thread;
};

/*
 * A write goes  raw -> (a preparer) -> ready -> (the writer) -> finished,
 * a read        asked -> (a reader) -> finished -> store_reap().
 *
 * A light write that comes alone, while the writer sleeps, is prepared by the
 * writer itself: one thread to wake instead of two.
 *
 * Nobody is woken while the mutex is held, or when nobody sleeps.  A thread
 * looks at its lines under the mutex before it sleeps, so who adds to a line
 * under the mutex and sees nobody asleep need not call.
 */
struct store {
	char *dir;
	struct store_options o; /* dir is not used again */
	struct db *writer_db;
	pthread_t writer, preparers[PREPARERS];
	struct reader readers[READERS_MAX];
	size_t n_preparers, n_readers; /* threads that run */
	bool writer_runs;
	atomic_bool sound;

	pthread_mutex_t mutex; /* of all below */
	pthread_cond_t work_raw, work_ready, work_asked;
	struct joblist raw, ready, asked, finished;
	size_t preparing; /* jobs in the hands of whoever prepares them */
	struct press *presses[PREPARERS + 1]; /* nobody needs them now */
	size_t n_presses;
	size_t preparers_asleep, readers_asleep;
	bool writer_asleep; /* and not called yet */
	bool closing;
};

static void
lock(struct store *s)
{
	int rc = pthread_mutex_lock(&s->mutex);

	assert(rc == 0);
}

static void
unlock(struct store *s)
{
	int rc = pthread_mutex_unlock(&s->mutex);

	assert(rc == 0);
}

/* Hand jobs to store_reap(), and tell the loop if it does not know yet. */
static void
finish(struct store *s, struct store_job **jobs, size_t n)
{
	bool first;

	if (n == 0)
		return;
	lock(s);
	first = s->finished.n == 0;
	for (size_t i = 0; i < n; i++)
		joblist_add(&s->finished, jobs[i]);
	unlock(s);
	if (first && s->o.wake != NULL)
		s->o.wake(s->o.wake_arg);
}

static void
finish_one(struct store *s, struct store_job *job, int rc)
{
	job->rc = rc;
	finish(s, &job, 1);
}

/* Take the next raw job and prepare it.  Called and left locked. */
static void
prepare_one(struct store *s)
{
	struct store_job *job = joblist_take(&s->raw);
	struct press *press;
	int rc;

	assert(job != NULL);
	s->preparing++;
	press = s->n_presses > 0 ? s->presses[--s->n_presses] : NULL;
	unlock(s);
	job->press = press = press != NULL ? press : press_new();
	rc = job->prepare(job, &job->fail);
	job->press = NULL;
	if (rc == -1)
		finish_one(s, job, -1);
	lock(s);
	s->preparing--;
	assert(s->n_presses < sizeof(s->presses) / sizeof(s->presses[0]));
	s->presses[s->n_presses++] = press;
	if (rc == 0)
		joblist_add(&s->ready, job);
}

/* True if the writer sleeps: then the caller, and nobody else, signals
 * work_ready as soon as it has unlocked. */
static bool
claim_writer(struct store *s)
{
	bool asleep = s->writer_asleep;

	s->writer_asleep = false;
	return asleep;
}

static void *
prepare_jobs(void *arg)
{
	struct store *s = arg;

	lock(s);
	for (;;) {
		if (s->raw.n > 0) {
			prepare_one(s);
			if (!claim_writer(s))
				continue;
			unlock(s);
			pthread_cond_signal(&s->work_ready);
			lock(s);
			continue;
		}
		if (s->closing)
			break;
		s->preparers_asleep++;
		pthread_cond_wait(&s->work_raw, &s->mutex);
		s->preparers_asleep--;
	}
	unlock(s);
	return NULL;
}

static int
run_job(struct db *db, void *arg, struct fail *f)
{
	struct store_job *job = arg;

	return job->run(db, job, f);
}

static void *
read_jobs(void *arg)
{
	struct reader *r = arg;
	struct store *s = r->store;

	lock(s);
	for (;;) {
		struct store_job *job = joblist_take(&s->asked);
		int rc = 0;

		if (job == NULL && s->closing)
			break;
		if (job == NULL) {
			s->readers_asleep++;
			pthread_cond_wait(&s->work_asked, &s->mutex);
			s->readers_asleep--;
			continue;
		}
		unlock(s);
		if (job->prepare != NULL)
			rc = job->prepare(job, &job->fail);
		if (rc == 0)
			rc = db_read(r->db, run_job, job, &job->fail);
		finish_one(s, job, rc);
		lock(s);
	}
	unlock(s);
	return NULL;
}

/* What has gathered while we waited for the lock. */
static size_t
drain(struct store *s, struct store_job *group[GROUP_JOBS])
{
	size_t n = 0, weight = 0;

	lock(s);
	while (n < GROUP_JOBS && s->ready.first != NULL &&
	       (n == 0 || weight + s->ready.first->weight <= GROUP_WEIGHT)) {
		weight += s->ready.first->weight;
		group[n++] = joblist_take(&s->ready);
	}
	unlock(s);
	return n;
}

static bool
is_idle(struct store *s)
{
	bool idle;

	lock(s);
	idle = s->ready.n == 0;
	unlock(s);
	return idle;
}

/* Commit a group; the jobs are done as soon as it is on disk, the checkpoint
 * comes after. */
static void
write_group(struct store *s)
{
	struct store_job *group[GROUP_JOBS];
	struct db *db = s->writer_db;
	struct fail why, ignored;
	size_t n;
	bool locked;

	locked = txn_lock(db, &why) == 0;
	n = drain(s, group);
	if (locked)
		group_commit(db, group, n);
	else
		group_refuse(group, n, &why);
	atomic_store(&s->sound, txn_is_sound(db));
	finish(s, group, n);
	if (!locked)
		return;
	txn_checkpoint(db, is_idle(s), &ignored);
	txn_unlock(db);
}

/* See whether the disk can be trusted again. */
static void
prove(struct store *s)
{
	struct db *db = s->writer_db;
	struct fail ignored;

	if (txn_lock(db, &ignored) == -1)
		return;
	txn_prove(db, &ignored);
	txn_unlock(db);
	atomic_store(&s->sound, txn_is_sound(db));
}

/* Nobody has sealed anything for a while.  Called and left locked. */
static void
drop_presses(struct store *s)
{
	while (s->n_presses > 0)
		press_free(s->presses[--s->n_presses]);
}

/* Wait for something to write.  False if nothing came for so long that
 * something else is due. */
static bool
wait_ready(struct store *s)
{
	bool sound = atomic_load(&s->sound);
	struct timespec until;
	int rc = 0;

	s->writer_asleep = true;
	if (sound && s->n_presses == 0) {
		pthread_cond_wait(&s->work_ready, &s->mutex);
	} else {
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_sec += sound ? PRESS_S : PROOF_S;
		rc = pthread_cond_timedwait(&s->work_ready, &s->mutex, &until);
	}
	s->writer_asleep = false;
	return rc != ETIMEDOUT;
}

/* Commit what is ready.  Called and left locked. */
static void
write_ready(struct store *s)
{
	/* a raw job the writer was called for is not to wait for the disk */
	bool others = s->raw.n > 0 && s->preparers_asleep > 0;

	unlock(s);
	if (others)
		pthread_cond_signal(&s->work_raw);
	write_group(s);
	lock(s);
}

static void *
write_jobs(void *arg)
{
	struct store *s = arg;

	lock(s);
	for (;;) {
		if (s->ready.n > 0) {
			write_ready(s);
			continue;
		}
		if (s->raw.n > 0 && s->raw.first->light && s->preparing == 0) {
			prepare_one(s);
			continue;
		}
		if (s->closing && s->raw.n == 0 && s->preparing == 0)
			break;
		if (wait_ready(s))
			continue;
		drop_presses(s);
		if (atomic_load(&s->sound))
			continue;
		unlock(s);
		prove(s);
		lock(s);
	}
	unlock(s);
	return NULL;
}

static int
start(pthread_t *thread, void *(*body)(void *), void *arg, struct fail *f)
{
	int rc = pthread_create(thread, NULL, body, arg);

	if (rc != 0)
		return fail(f, FAIL_TEMP, "store: thread: %s", strerror(rc));
	return 0;
}

static int
start_threads(struct store *s, struct fail *f)
{
	sigset_t all, before;
	int rc;

	/* signals are the loop's */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = start(&s->writer, write_jobs, s, f);
	s->writer_runs = rc == 0;
	for (size_t i = 0; i < PREPARERS && rc == 0; i++) {
		rc = start(&s->preparers[i], prepare_jobs, s, f);
		s->n_preparers += rc == 0;
	}
	for (size_t i = 0; i < s->o.readers && rc == 0; i++) {
		rc = start(&s->readers[i].thread, read_jobs, &s->readers[i], f);
		s->n_readers += rc == 0;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return rc;
}

static int
open_connections(struct store *s, struct fail *f)
{
	s->writer_db = db_open(s->dir, s->o.file, DB_WRITER, f);
	if (s->writer_db == NULL)
		return -1;
	for (size_t i = 0; i < s->o.readers; i++) {
		s->readers[i].store = s;
		s->readers[i].db = db_open(s->dir, s->o.file, DB_READER, f);
		if (s->readers[i].db == NULL)
			return -1;
	}
	return 0;
}

static void
init_sync(struct store *s)
{
	pthread_condattr_t monotonic;

	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_mutex_init(&s->mutex, NULL);
	pthread_cond_init(&s->work_raw, NULL);
	pthread_cond_init(&s->work_ready, &monotonic);
	pthread_cond_init(&s->work_asked, NULL);
	pthread_condattr_destroy(&monotonic);
}

struct store *
store_open(const struct store_options *o, struct fail *f)
{
	struct store *s = MEM_NEW(struct store);

	assert(o->readers >= 1 && o->readers <= READERS_MAX);
	s->o = *o;
	s->dir = mem_dup(str_of(o->dir));
	if (s->o.max_waiting == 0)
		s->o.max_waiting = 4096;
	atomic_init(&s->sound, true);
	init_sync(s);
	joblist_init(&s->raw);
	joblist_init(&s->ready);
	joblist_init(&s->asked);
	joblist_init(&s->finished);
	if (open_connections(s, f) == -1 || start_threads(s, f) == -1) {
		store_close(s);
		return NULL;
	}
	return s;
}

/* Whom to wake for what was just added to a line; NULL: nobody sleeps. */
static pthread_cond_t *
whom_to_wake(struct store *s, const struct joblist *l)
{
	if (l == &s->asked)
		return s->readers_asleep > 0 ? &s->work_asked : NULL;
	if (l == &s->ready)
		return claim_writer(s) ? &s->work_ready : NULL;
	if (l->n == 1 && l->first->light && s->preparing == 0 &&
	    claim_writer(s))
		return &s->work_ready;
	return s->preparers_asleep > 0 ? &s->work_raw : NULL;
}

/* Take a job into a line, or refuse it. */
static void
submit(
    struct store *s, struct joblist *l, size_t waiting, struct store_job *job)
{
	const char *refusal = NULL;

	job->rc = 0;
	job->fail.kind = FAIL_NONE;
	if (s->closing)
		refusal = "the store is closing";
	else if (waiting >= s->o.max_waiting)
		refusal = "the store is busy";
	if (refusal == NULL) {
		pthread_cond_t *work;

		joblist_add(l, job);
		work = whom_to_wake(s, l);
		unlock(s);
		if (work != NULL)
			pthread_cond_signal(work);
		return;
	}
	unlock(s);
	fail(&job->fail, FAIL_TEMP, "%s", refusal);
	finish_one(s, job, -1);
}

void
store_write(struct store *s, struct store_job *job)
{
	lock(s);
	submit(s, job->prepare != NULL ? &s->raw : &s->ready,
	    s->raw.n + s->ready.n, job);
}

void
store_read(struct store *s, struct store_job *job)
{
	lock(s);
	submit(s, &s->asked, s->asked.n, job);
}

void
store_reap(struct store *s)
{
	struct store_job *job, *next;

	lock(s);
	job = s->finished.first;
	joblist_init(&s->finished);
	unlock(s);
	for (; job != NULL; job = next) {
		next = job->next; /* done() may free it */
		job->done(job);
	}
}

bool
store_is_sound(const struct store *s)
{
	return atomic_load(&s->sound);
}

const char *
store_dir(const struct store *s)
{
	return s->dir;
}

static void
stop_threads(struct store *s)
{
	lock(s);
	s->closing = true;
	pthread_cond_broadcast(&s->work_raw);
	pthread_cond_broadcast(&s->work_ready);
	pthread_cond_broadcast(&s->work_asked);
	unlock(s);
	for (size_t i = 0; i < s->n_preparers; i++)
		pthread_join(s->preparers[i], NULL);
	if (s->writer_runs)
		pthread_join(s->writer, NULL);
	for (size_t i = 0; i < s->n_readers; i++)
		pthread_join(s->readers[i].thread, NULL);
}

void
store_close(struct store *s)
{
	if (s == NULL)
		return;
	stop_threads(s);
	/* done() may submit: refused, and told so here */
	while (s->finished.n > 0)
		store_reap(s);
	for (size_t i = 0; i < s->o.readers; i++)
		db_close(s->readers[i].db);
	db_close(s->writer_db);
	drop_presses(s);
	pthread_cond_destroy(&s->work_raw);
	pthread_cond_destroy(&s->work_ready);
	pthread_cond_destroy(&s->work_asked);
	pthread_mutex_destroy(&s->mutex);
	free(s->dir);
	free(s);
}
