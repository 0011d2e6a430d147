/* SPDX-License-Identifier: MIT */
#include "common/net/worker.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "common/util/mem.h"

#define BEHIND 5 /* steps of nice(2): a weight of 335 against 1,024 */

struct job_list {
	struct worker_job *first;
	struct worker_job **last;
};

struct workers {
	pthread_mutex_t lock;
	pthread_cond_t work;
	pthread_cond_t started;
	struct job_list waiting[WORKER_RANKS]; /* under lock */
	size_t n_waiting[WORKER_RANKS];        /* under lock */
	struct job_list finished;              /* under lock */
	size_t n_started;                      /* threads, under lock */
	bool ending;                           /* under lock */
	bool behind;

	size_t max_waiting;
	size_t busy; /* the loop's thread only */
	struct waker *waker;
	pthread_t *threads;
	size_t n_threads;
};

static void
list_init(struct job_list *list)
{
	list->first = NULL;
	list->last = &list->first;
}

static void
list_add(struct job_list *list, struct worker_job *job)
{
	job->next = NULL;
	*list->last = job;
	list->last = &job->next;
}

static struct worker_job *
list_take(struct job_list *list)
{
	struct worker_job *job = list->first;

	if (job == NULL)
		return NULL;
	list->first = job->next;
	if (list->first == NULL)
		list->last = &list->first;
	return job;
}

/* The next by rank, or NULL. */
static struct worker_job *
take_waiting(struct workers *w)
{
	for (size_t rank = 0; rank < WORKER_RANKS; rank++) {
		struct worker_job *job = list_take(&w->waiting[rank]);

		if (job == NULL)
			continue;
		w->n_waiting[rank]--;
		return job;
	}
	return NULL;
}

/* Of this thread alone: Linux has a priority for each.  Nothing depends on
 * whether it may. */
static void
stand_back(void)
{
	setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) + BEHIND);
}

static void *
serve(void *arg)
{
	struct workers *w = arg;

	if (w->behind)
		stand_back();
	pthread_mutex_lock(&w->lock);
	w->n_started++;
	pthread_cond_signal(&w->started);
	for (;;) {
		struct worker_job *job = take_waiting(w);

		if (job == NULL) {
			if (w->ending)
				break;
			pthread_cond_wait(&w->work, &w->lock);
			continue;
		}
		pthread_mutex_unlock(&w->lock);
		job->run(job);
		pthread_mutex_lock(&w->lock);
		list_add(&w->finished, job);
		waker_wake(w->waker);
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

static void
call_done(void *arg)
{
	struct workers *w = arg;
	struct worker_job *job;

	pthread_mutex_lock(&w->lock);
	job = w->finished.first;
	list_init(&w->finished);
	pthread_mutex_unlock(&w->lock);
	while (job != NULL) {
		struct worker_job *next = job->next; /* done() may free job */

		w->busy--;
		job->done(job);
		job = next;
	}
}

/* A system call of theirs must not meet a filter that is set up meanwhile. */
static void
await_threads(struct workers *w)
{
	pthread_mutex_lock(&w->lock);
	while (w->n_started < w->n_threads)
		pthread_cond_wait(&w->started, &w->lock);
	pthread_mutex_unlock(&w->lock);
}

static struct workers *
make(struct loop *l, size_t threads, size_t max_waiting, bool behind)
{
	struct workers *w = MEM_NEW(struct workers);
	sigset_t all, old;

	assert(threads > 0);
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->work, NULL);
	pthread_cond_init(&w->started, NULL);
	for (size_t rank = 0; rank < WORKER_RANKS; rank++)
		list_init(&w->waiting[rank]);
	list_init(&w->finished);
	w->behind = behind;
	w->max_waiting = max_waiting;
	w->waker = waker_new(l, call_done, w);
	w->threads = mem_new(threads, sizeof(*w->threads));
	w->n_threads = threads;
	/* signals belong to the loop's thread */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	for (size_t i = 0; i < threads; i++) {
		int rc = pthread_create(&w->threads[i], NULL, serve, w);

		assert(rc == 0);
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	await_threads(w);
	return w;
}

struct workers *
workers_new(struct loop *l, size_t threads, size_t max_waiting)
{
	return make(l, threads, max_waiting, false);
}

struct workers *
workers_new_behind(struct loop *l, size_t threads, size_t max_waiting)
{
	return make(l, threads, max_waiting, true);
}

bool
workers_submit(struct workers *w, struct worker_job *job)
{
	return workers_submit_ranked(w, job, 0);
}

bool
workers_submit_ranked(struct workers *w, struct worker_job *job, size_t rank)
{
	bool room;

	assert(job->run != NULL && job->done != NULL);
	assert(rank < WORKER_RANKS);
	pthread_mutex_lock(&w->lock);
	assert(!w->ending);
	room = w->n_waiting[rank] < w->max_waiting;
	if (room) {
		list_add(&w->waiting[rank], job);
		w->n_waiting[rank]++;
		w->busy++;
		pthread_cond_signal(&w->work);
	}
	pthread_mutex_unlock(&w->lock);
	return room;
}

size_t
workers_busy(const struct workers *w)
{
	return w->busy;
}

void
workers_free(struct workers *w)
{
	if (w == NULL)
		return;
	pthread_mutex_lock(&w->lock);
	w->ending = true;
	pthread_cond_broadcast(&w->work);
	pthread_mutex_unlock(&w->lock);
	for (size_t i = 0; i < w->n_threads; i++)
		pthread_join(w->threads[i], NULL);
	call_done(w);
	assert(w->busy == 0);
	waker_free(w->waker);
	pthread_cond_destroy(&w->work);
	pthread_cond_destroy(&w->started);
	pthread_mutex_destroy(&w->lock);
	free(w->threads);
	free(w);
}
