/* SPDX-License-Identifier: MIT */
#include "maild/relay/relay_set_back.h"

#include <stdlib.h>

#include "common/store/queue.h"
#include "common/util/mem.h"

#define STEP_MS 60000 /* less is a clock being kept right */

struct relay_set_back {
	struct store_job job; /* first member */
	struct relay_deps deps;
	void (*nearer)(void *arg);
	void *arg;
	int64_t ahead_ms; /* of the clock that only grows, when last seen */
	bool seen, busy, wanted, stopping;
	int64_t now_ms;
	size_t n;
};

static int
run(struct db *db, struct store_job *job, struct fail *f)
{
	struct relay_set_back *s = (struct relay_set_back *)job;

	return queue_bring_nearer(
	    db, s->now_ms, s->deps.conf->relay_retry_most, &s->n, f);
}

static void
done(struct store_job *job)
{
	struct relay_set_back *s = (struct relay_set_back *)job;

	s->busy = false;
	if (job->rc == -1) {
		s->wanted = true; /* at the next look */
		log_warn(s->deps.log, "relay: %s", job->fail.text);
	} else if (s->n > 0) {
		log_warn(s->deps.log,
		    "relay: the clock was set back: %zu recipients that "
		    "waited for a time too far away are tried sooner",
		    s->n);
		if (!s->stopping)
			s->nearer(s->arg);
	}
}

struct relay_set_back *
relay_set_back_new(
    const struct relay_deps *deps, void (*nearer)(void *arg), void *arg)
{
	struct relay_set_back *s = MEM_NEW(struct relay_set_back);

	s->deps = *deps;
	s->nearer = nearer;
	s->arg = arg;
	return s;
}

void
relay_set_back_look(struct relay_set_back *s)
{
	int64_t wall_ms = clock_wall_ms(s->deps.clock);
	int64_t ahead_ms = wall_ms - clock_lapse_ms(s->deps.clock);

	s->wanted |= !s->seen || ahead_ms < s->ahead_ms - STEP_MS;
	/* many small steps back are one, too */
	if (s->wanted || ahead_ms > s->ahead_ms)
		s->ahead_ms = ahead_ms;
	s->seen = true;
	if (!s->wanted || s->busy || s->stopping)
		return;
	s->wanted = false;
	s->busy = true;
	s->now_ms = wall_ms;
	s->job = (struct store_job){.run = run, .done = done};
	store_write(s->deps.store, &s->job);
}

void
relay_set_back_stop(struct relay_set_back *s)
{
	s->stopping = true;
}

void
relay_set_back_free(struct relay_set_back *s)
{
	free(s);
}
