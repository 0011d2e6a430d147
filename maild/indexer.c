/* SPDX-License-Identifier: MIT */
#include "maild/indexer.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "common/store/search.h"
#include "common/util/mem.h"

#define LOOK_MS        1000
#define SWEEP_EVERY_MS (60 * 1000)
#define RETRY_MOST_MS  (64 * 1000)
#define BATCH          100  /* bodies: about a tenth of a second */
#define SWEEP          1000 /* texts */
#define FAILURES_MOST  3    /* of search.db, then it begins anew */

struct indexer {
	struct worker_job job;  /* one look */
	struct maild *maild;    /* borrowed */
	struct workers *worker; /* one thread */
	struct timer *timer;
	struct db *mail, *search; /* search is NULL while it cannot be opened */
	bool stopping;
	atomic_bool running; /* the thread has a look in hand */
	int64_t sweep_at_ms; /* monotonic */
	unsigned failures;   /* in a row */

	/* of the look, in the hands of the thread while it runs */
	bool sweeping; /* it is time to */
	bool more;
	bool anew; /* search.db was discarded */
	int rc;
	struct fail fail, why; /* why: it was discarded */
};

/* ---- on the thread ---- */

/* Not ours, of a newer program, or no database: waiting mends nothing. */
static int
discard(struct indexer *x, struct fail *f)
{
	x->why = *f;
	db_close(x->search);
	x->search = NULL;
	if (db_discard(x->maild->conf->server_store, DB_SEARCH, f) == -1)
		return -1;
	x->anew = true;
	return 0;
}

static int
open_search(struct indexer *x, struct fail *f)
{
	const char *dir = x->maild->conf->server_store;

	if (x->search != NULL && !db_is_current(x->search)) {
		db_close(x->search);
		x->search = NULL;
	}
	if (x->search == NULL)
		x->search = db_open(dir, DB_SEARCH, DB_WRITER, f);
	if (x->search == NULL && f->kind == FAIL_PERM && discard(x, f) == 0)
		x->search = db_open(dir, DB_SEARCH, DB_WRITER, f);
	return x->search != NULL ? 0 : -1;
}

static int
work(struct indexer *x, struct fail *f)
{
	bool over;

	if (open_search(x, f) == -1 ||
	    search_index(x->mail, x->search, BATCH, &x->more, f) == -1)
		return -1;
	if (!x->sweeping)
		return 0;
	return search_sweep(x->mail, x->search, SWEEP, &over, f);
}

static void
run(struct worker_job *job)
{
	struct indexer *x = (struct indexer *)job;

	x->more = x->anew = false;
	x->rc = work(x, &x->fail);
	if (x->rc == -1 && x->fail.kind != FAIL_DISK &&
	    x->failures + 1 >= FAILURES_MOST &&
	    (x->search == NULL || x->fail.kind == FAIL_PERM)) {
		struct fail f = x->fail;

		if (discard(x, &f) == 0)
			x->rc = 0;
		else
			x->fail = f;
	}
	atomic_store(&x->running, false);
}

/* ---- on the loop ---- */

static void
look(void *arg)
{
	struct indexer *x = arg;
	int64_t now_ms = clock_mono_ms(x->maild->clock);

	if (x->stopping)
		return;
	x->sweeping = now_ms >= x->sweep_at_ms;
	atomic_store(&x->running, true);
	workers_submit(x->worker, &x->job);
}

static int64_t
note_failure(struct indexer *x)
{
	int64_t wait_ms = LOOK_MS;

	if (x->failures++ == 0)
		log_warn(&x->maild->log, "search index: %s", x->fail.text);
	for (unsigned i = 1; i < x->failures && wait_ms < RETRY_MOST_MS; i++)
		wait_ms *= 2;
	return wait_ms;
}

static void
done(struct worker_job *job)
{
	struct indexer *x = (struct indexer *)job;
	int64_t now_ms = clock_mono_ms(x->maild->clock);
	int64_t wait_ms = x->more ? 0 : LOOK_MS;

	if (x->anew)
		log_warn(&x->maild->log, "search index begins anew: %s",
		    x->why.text);
	if (x->rc == -1)
		wait_ms = note_failure(x);
	else if (!x->anew)
		x->failures = 0;
	if (x->sweeping && x->rc == 0)
		x->sweep_at_ms = now_ms + SWEEP_EVERY_MS;
	if (!x->stopping)
		timer_set(x->timer, wait_ms);
}

struct indexer *
indexer_new(struct maild *m, struct fail *f)
{
	struct indexer *x = MEM_NEW(struct indexer);
	const char *dir = m->conf->server_store;
	struct fail ignored;

	x->maild = m;
	x->job.run = run;
	x->job.done = done;
	/* deliveries come first */
	x->worker = workers_new_behind(m->loop, 1, 1);
	x->timer = timer_new(m->loop, look, x);
	x->sweep_at_ms = clock_mono_ms(m->clock) + SWEEP_EVERY_MS;
	x->mail = db_open(dir, DB_MAIL, DB_READER, f);
	if (x->mail == NULL) {
		indexer_free(x);
		return NULL;
	}
	/* what is wrong with it is seen to at the first look */
	x->search = db_open(dir, DB_SEARCH, DB_WRITER, &ignored);
	look(x);
	return x;
}

void
indexer_stop(struct indexer *x)
{
	x->stopping = true;
}

bool
indexer_is_busy(const struct indexer *x)
{
	return x != NULL && atomic_load(&x->running);
}

void
indexer_free(struct indexer *x)
{
	if (x == NULL)
		return;
	x->stopping = true;
	workers_free(x->worker);
	timer_free(x->timer);
	db_close(x->search);
	db_close(x->mail);
	free(x);
}
