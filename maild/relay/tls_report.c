/* SPDX-License-Identifier: MIT */
#include "maild/relay/tls_report.h"

#include <stddef.h>
#include <stdlib.h>

#include "common/util/mem.h"
#include "common/util/rand.h"
#include "maild/relay/own_domain.h"
#include "maild/relay/tls_report_send.h"
#include "maild/relay/tls_results.h"

#define DAY_MS         (INT64_C(24) * 60 * 60 * 1000)
#define LOOK_MS        (60 * 1000)
#define LOOK_TEST_MS   200 /* where a test moves the clock */
#define WAIT_LEAST_MS  (5 * 60 * 1000)
#define WAIT_MOST_MS   (4 * 60 * 60 * 1000) /* s4.1 */
#define AGAIN_FIRST_MS (15 * 60 * 1000)
#define AGAIN_MOST_MS  (4 * 60 * 60 * 1000)
#define ROWS_MAX       2000 /* in a report */
#define OCTETS_MAX     (8 * MB)
#define TRIED_MS       DAY_MS /* what cannot be told, from the first try on */
#define DAYS_MAX       16     /* with tries at once */

/* A day whose reports are being told; first_ms 0: none. */
struct first_try {
	int64_t day, first_ms;
};

/*
 *	at rest --the day is over, or it is time to try again--> round:
 *	    what was counted is on disk, then domain by domain:
 *	    read --there is one--> send --> read
 *	         --no more--> at rest
 */
struct tls_report {
	struct relay_deps deps;
	void (*queued)(void *arg);
	void *arg;
	struct timer *timer;
	struct store_job job;
	int64_t today;
	int64_t begin_ms; /* the next round; INT64_MAX: not before tomorrow */
	int64_t again_ms; /* 0: no round of today has failed yet */
	bool in_round;
	bool failed; /* something of this round */
	struct first_try tries[DAYS_MAX];
	struct tls_report_task task;
	bool found;
	struct tls_report_send *send;
	bool stopping;
};

static struct tls_report *
of_job(struct store_job *job)
{
	return (struct tls_report *)((char *)job -
				     offsetof(struct tls_report, job));
}

static void
rest(struct tls_report *r)
{
	if (!r->stopping)
		timer_set(r->timer, r->deps.conf->test_clock[0] != '\0'
					? LOOK_TEST_MS
					: LOOK_MS);
}

/* In the loop's next turn. */
static void
next_domain(struct tls_report *r)
{
	if (!r->stopping)
		timer_set(r->timer, 0);
}

static void
end_round(struct tls_report *r)
{
	r->in_round = false;
	r->begin_ms = INT64_MAX;
	if (r->failed) {
		r->again_ms = r->again_ms == 0 ? AGAIN_FIRST_MS
		                               : 2 * r->again_ms;
		if (r->again_ms > AGAIN_MOST_MS)
			r->again_ms = AGAIN_MOST_MS;
		r->begin_ms = clock_wall_ms(r->deps.clock) + r->again_ms;
	}
	rest(r);
}

/* When was a report of that day tried for the first time?  Now, if not before.
 * Should there be more days than there is room for, one that is new is as old
 * as the oldest. */
static int64_t
first_tried_ms(struct tls_report *r, int64_t day, int64_t now_ms)
{
	struct first_try *oldest = &r->tries[0];

	for (size_t i = 0; i < DAYS_MAX; i++) {
		struct first_try *t = &r->tries[i];

		if (t->first_ms > now_ms)
			t->first_ms = now_ms; /* the clock went back */
		if (t->first_ms != 0 && t->day == day)
			return t->first_ms;
		if (t->first_ms < oldest->first_ms)
			oldest = t;
	}
	if (now_ms - oldest->first_ms >= 2 * TRIED_MS)
		*oldest = (struct first_try){day, now_ms};
	return oldest->first_ms;
}

/* The domain that signs. */
static int
find_submitter(struct tls_report *r, struct db *db, struct fail *f)
{
	struct str host = str_of(r->deps.conf->server_hostname);

	return own_domain_find(db, host, r->task.submitter, f) == -1 ? -1 : 0;
}

static int
run_read(struct db *db, struct store_job *job, struct fail *f)
{
	static const struct tls_result_limits limits = {ROWS_MAX, OCTETS_MAX};
	struct tls_report *r = of_job(job);
	struct tls_report_task *t = &r->task;
	int got = tls_result_next(db, r->today, &t->day, t->domain, f);

	r->found = got == 1;
	if (got != 1)
		return got;
	if (find_submitter(r, db, f) == -1)
		return -1;
	return tls_result_read(
	    db, t->day, str_of(t->domain), &limits, &t->results, f);
}

/* What went before it in the store's queue is on disk then. */
static int
run_nothing(struct db *db, struct store_job *job, struct fail *f)
{
	(void)db;
	(void)job;
	(void)f;
	return 0;
}

static void
on_sent(void *arg, bool told, bool queued)
{
	struct tls_report *r = arg;

	r->send = NULL;
	r->failed |= !told;
	if (queued && !r->stopping)
		r->queued(r->arg);
	next_domain(r);
}

static void
done_read(struct store_job *job)
{
	struct tls_report *r = of_job(job);
	int64_t now_ms = clock_wall_ms(r->deps.clock);

	if (r->stopping)
		return;
	if (job->rc == -1) {
		log_warn(r->deps.log, "TLS reports: %s", job->fail.text);
		r->failed = true;
		r->found = false;
	}
	if (!r->found) {
		end_round(r);
		return;
	}
	if (r->task.results.more)
		log_warn(r->deps.log,
		    "TLS report for %s: some results were too many for it",
		    r->task.domain);
	r->task.last_try = now_ms - first_tried_ms(r, r->task.day, now_ms) >=
	                   TRIED_MS;
	r->send = tls_report_send(&r->deps, &r->task, on_sent, r);
}

static void
done_nothing(struct store_job *job)
{
	struct tls_report *r = of_job(job);

	r->task.day = -1;
	r->task.domain[0] = '\0';
	r->in_round = job->rc == 0;
	if (r->in_round)
		next_domain(r);
	else
		rest(r);
}

static bool
is_time(struct tls_report *r)
{
	int64_t now_ms = clock_wall_ms(r->deps.clock);

	if (now_ms / DAY_MS != r->today) {
		r->today = now_ms / DAY_MS;
		r->again_ms = 0;
		r->begin_ms = r->today * DAY_MS + WAIT_LEAST_MS +
		              rand_below(WAIT_MOST_MS - WAIT_LEAST_MS);
	}
	return now_ms >= r->begin_ms;
}

static void
on_timer(void *arg)
{
	struct tls_report *r = arg;

	if (r->in_round) {
		tls_result_list_release(&r->task.results);
		r->job = (struct store_job){.run = run_read, .done = done_read};
		store_read(r->deps.store, &r->job);
	} else if (is_time(r)) {
		r->failed = false;
		tls_results_close(r->deps.results, r->today - 1);
		r->job = (struct store_job){
		    .run = run_nothing, .done = done_nothing};
		store_write(r->deps.store, &r->job);
	} else {
		rest(r);
	}
}

struct tls_report *
tls_report_new(
    const struct relay_deps *deps, void (*queued)(void *arg), void *arg)
{
	struct tls_report *r = MEM_NEW(struct tls_report);

	r->deps = *deps;
	r->queued = queued;
	r->arg = arg;
	r->today = -1;
	r->timer = timer_new(deps->loop, on_timer, r);
	timer_set(r->timer, 0);
	return r;
}

void
tls_report_stop(struct tls_report *r)
{
	if (r == NULL)
		return;
	r->stopping = true;
	timer_clear(r->timer);
	tls_report_send_stop(r->send);
}

void
tls_report_free(struct tls_report *r)
{
	if (r == NULL)
		return;
	tls_report_stop(r);
	tls_report_send_free(r->send);
	tls_result_list_release(&r->task.results);
	timer_free(r->timer);
	free(r);
}
