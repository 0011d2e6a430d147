/* SPDX-License-Identifier: MIT */
#include "maild/relay/sts_tidy.h"

#include <stdlib.h>
#include <string.h>

#include "common/store/sts_policy.h"
#include "common/util/mem.h"

#define EVERY_MS   (60 * 60 * 1000)
#define NEXT_MS    100
#define DAY_MS     (INT64_C(24) * 60 * 60 * 1000)
#define USED_MS    (90 * DAY_MS) /* others may expire */
#define MOST       500           /* policies in a round, of each kind */
#define AT_ONCE    4             /* that are fetched */
#define DOMAIN_MAX 256
#define JOB_WEIGHT (64 * KB)

struct refresh {
	struct sts_tidy *tidy; /* borrowed */
	struct sts_question *question;
	sts_found *fresh;
};

struct sts_tidy {
	struct store_job job; /* first: cast back */
	struct relay_deps deps;
	struct timer *timer;
	int64_t now_ms;
	size_t swept;
	struct buf old; /* domains, a NUL after each: still to refresh */
	struct refresh refreshes[AT_ONCE];
	bool round; /* they, or some of old, are of this round */
	bool stopping;
};

static int
run(struct db *db, struct store_job *job, struct fail *f)
{
	struct sts_tidy *t = (struct sts_tidy *)job;

	buf_clear(&t->old);
	if (sts_policy_sweep(db, t->now_ms, MOST, &t->swept, f) == -1)
		return -1;
	return sts_policy_old(
	    db, t->now_ms - DAY_MS, t->now_ms - USED_MS, MOST, &t->old, f);
}

/* What is still to be refreshed goes one by one; the next round begins when the
 * last one is. */
static void
look(void *arg)
{
	struct sts_tidy *t = arg;
	bool busy = false;

	for (size_t i = 0; i < AT_ONCE; i++) {
		struct refresh *r = &t->refreshes[i];
		size_t len;

		if (r->question == NULL && t->old.len > 0) {
			len = strlen(t->old.data);
			r->question = sts_refresh(t->deps.sts,
			    (struct str){t->old.data, len}, r->fresh, r);
			buf_drop(&t->old, len + 1);
		}
		busy |= r->question != NULL;
	}
	if (busy)
		return;
	if (t->round) {
		t->round = false;
		timer_set(t->timer, EVERY_MS);
		return;
	}
	t->now_ms = clock_wall_ms(t->deps.clock);
	store_write(t->deps.store, &t->job);
}

static void
on_fresh(void *arg, const struct sts_answer *a)
{
	struct refresh *r = arg;

	(void)a; /* it was logged */
	r->question = NULL;
	if (!r->tidy->stopping)
		timer_set(r->tidy->timer, NEXT_MS);
}

static void
done(struct store_job *job)
{
	struct sts_tidy *t = (struct sts_tidy *)job;

	if (job->rc == -1)
		log_warn(t->deps.log, "MTA-STS policies: %s", job->fail.text);
	if (t->swept > 0)
		log_info(t->deps.log, "forgot MTA-STS policies: %zu", t->swept);
	t->round = t->old.len > 0;
	if (!t->stopping)
		timer_set(t->timer, t->round ? NEXT_MS : EVERY_MS);
}

struct sts_tidy *
sts_tidy_new(const struct relay_deps *deps, int64_t first_ms)
{
	struct sts_tidy *t = MEM_NEW(struct sts_tidy);

	t->deps = *deps;
	t->timer = timer_new(deps->loop, look, t);
	t->job.run = run;
	t->job.done = done;
	t->job.weight = JOB_WEIGHT;
	buf_init(&t->old, MOST * DOMAIN_MAX);
	for (size_t i = 0; i < AT_ONCE; i++) {
		t->refreshes[i].tidy = t;
		t->refreshes[i].fresh = on_fresh;
	}
	timer_set(t->timer, first_ms);
	return t;
}

void
sts_tidy_stop(struct sts_tidy *t)
{
	if (t == NULL)
		return;
	t->stopping = true;
	timer_clear(t->timer);
	for (size_t i = 0; i < AT_ONCE; i++) {
		sts_cancel(t->refreshes[i].question);
		t->refreshes[i].question = NULL;
	}
}

void
sts_tidy_free(struct sts_tidy *t)
{
	if (t == NULL)
		return;
	sts_tidy_stop(t);
	buf_release(&t->old);
	timer_free(t->timer);
	free(t);
}
