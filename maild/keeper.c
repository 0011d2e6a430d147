/* SPDX-License-Identifier: MIT */
#include "maild/keeper.h"

#include <stdlib.h>

#include "common/store/allowance.h"
#include "common/store/body.h"
#include "common/store/greylist.h"
#include "common/store/purge.h"
#include "common/store/suppression.h"
#include "common/util/mem.h"

#define SWEEP_BODIES   200 /* a transaction of about 20 ms */
#define SWEEP_EVERY_MS (60 * 1000)
#define PURGE_JOURNEYS 500
#define FORGET_ROWS    500
#define PURGE_EVERY_MS (60 * 60 * 1000)
#define KEEP_MS        (INT64_C(90) * 24 * 60 * 60 * 1000)
#define MORE_MS        50 /* lets deliveries in between */
#define JOB_WEIGHT     (64 * KB)

struct task {
	struct store_job job;
	struct keeper *keeper; /* borrowed */
	struct timer *timer;   /* when it is due again */
	const char *what;      /* for the log */
	size_t batch;          /* so many at once means there are more */
	int64_t every_ms;      /* 0: once */
	int64_t now_ms;        /* when submitted */
	size_t n;              /* done by the last run */
	size_t total;          /* since there was nothing to do */
};

struct keeper {
	struct maild *maild; /* borrowed */
	struct task files, bodies, journeys, greylist, sent, refused;
};

static int
sweep_files(struct db *db, struct store_job *job, struct fail *f)
{
	return body_sweep_files(db, &((struct task *)job)->n, f);
}

static int
sweep_bodies(struct db *db, struct store_job *job, struct fail *f)
{
	return body_sweep(db, SWEEP_BODIES, &((struct task *)job)->n, f);
}

static int
purge_journeys(struct db *db, struct store_job *job, struct fail *f)
{
	struct task *t = (struct task *)job;

	return purge_journeys_before(
	    db, t->now_ms - KEEP_MS, PURGE_JOURNEYS, &t->n, f);
}

static int
sweep_greylist(struct db *db, struct store_job *job, struct fail *f)
{
	struct task *t = (struct task *)job;

	return greylist_sweep(
	    db, t->now_ms, GREYLIST_LIFE_MS, FORGET_ROWS, &t->n, f);
}

static int
sweep_sent(struct db *db, struct store_job *job, struct fail *f)
{
	struct task *t = (struct task *)job;

	return allowance_sweep(db, t->now_ms, FORGET_ROWS, &t->n, f);
}

static int
sweep_refused(struct db *db, struct store_job *job, struct fail *f)
{
	struct task *t = (struct task *)job;
	int64_t remembered = t->keeper->maild->conf->relay_suppress_for;

	return suppression_sweep(
	    db, t->now_ms - remembered, FORGET_ROWS, &t->n, f);
}

static void
submit(void *arg)
{
	struct task *t = arg;

	t->n = 0;
	t->now_ms = clock_wall_ms(t->keeper->maild->clock);
	store_write(t->keeper->maild->mail, &t->job);
}

static void
done(struct store_job *job)
{
	struct task *t = (struct task *)job;
	const struct log *log = &t->keeper->maild->log;

	if (job->rc == -1) {
		log_warn(log, "%s: %s", t->what, job->fail.text);
		t->n = 0;
	}
	t->total += t->n;
	if (t->n > 0 && t->n == t->batch) {
		timer_set(t->timer, MORE_MS);
		return;
	}
	if (t->total > 0)
		log_info(log, "%s: %zu", t->what, t->total);
	t->total = 0;
	if (t->every_ms > 0)
		timer_set(t->timer, t->every_ms);
}

static void
begin(struct keeper *k, struct task *t, const char *what,
    int (*run)(struct db *db, struct store_job *job, struct fail *f))
{
	t->keeper = k;
	t->what = what;
	t->job.run = run;
	t->job.done = done;
	t->job.weight = JOB_WEIGHT;
	t->timer = timer_new(k->maild->loop, submit, t);
	submit(t);
}

struct keeper *
keeper_new(struct maild *m)
{
	struct keeper *k = MEM_NEW(struct keeper);

	k->maild = m;
	k->bodies.batch = SWEEP_BODIES;
	k->bodies.every_ms = SWEEP_EVERY_MS;
	k->journeys.batch = PURGE_JOURNEYS;
	k->journeys.every_ms = PURGE_EVERY_MS;
	k->greylist.batch = k->sent.batch = k->refused.batch = FORGET_ROWS;
	k->greylist.every_ms = k->sent.every_ms = PURGE_EVERY_MS;
	k->refused.every_ms = PURGE_EVERY_MS;
	begin(k, &k->files, "removed files that no message names", sweep_files);
	begin(
	    k, &k->bodies, "removed bodies of deleted messages", sweep_bodies);
	begin(k, &k->journeys, "forgot journeys older than 90 days",
	    purge_journeys);
	begin(k, &k->greylist, "forgot who was asked to come again",
	    sweep_greylist);
	begin(k, &k->sent, "forgot counts of what was sent", sweep_sent);
	begin(k, &k->refused, "forgot addresses that others had refused",
	    sweep_refused);
	return k;
}

void
keeper_free(struct keeper *k)
{
	if (k == NULL)
		return;
	timer_free(k->files.timer);
	timer_free(k->bodies.timer);
	timer_free(k->journeys.timer);
	timer_free(k->greylist.timer);
	timer_free(k->sent.timer);
	timer_free(k->refused.timer);
	free(k);
}
