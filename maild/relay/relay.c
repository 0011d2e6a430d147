/* SPDX-License-Identifier: MIT */
#include "maild/relay/relay.h"

#include <stdlib.h>

#include "common/store/queue.h"
#include "common/util/mem.h"
#include "maild/relay/destination.h"
#include "maild/relay/relay_internal.h"
#include "maild/relay/relay_report.h"
#include "maild/relay/relay_session.h"

#define DOMAINS_AT_ONCE 64
#define LOOK_LEAST_MS   10
#define LOOK_BUSY_MS    1000  /* while something due is in hand */
#define LOOK_MOST_MS    60000 /* a notice may be lost, a clock may be set */

/* One look at the queue, on a reader's thread. */
struct look {
	struct store_job job; /* first member */
	struct relay *owner;  /* NULL: freed meanwhile */
	int64_t now_ms;
	size_t max;
	char **domains;
	size_t n;
	int64_t next_ms;
};

static int
run_look(struct db *db, struct store_job *job, struct fail *f)
{
	struct look *l = (struct look *)job;

	if (queue_due_domains(db, l->now_ms, l->max, &l->domains, &l->n, f) ==
	    -1)
		return -1;
	return queue_next_due(db, &l->next_ms, f);
}

static struct destination *
find(const struct relay *r, const char *domain)
{
	for (struct destination *d = r->destinations; d != NULL; d = d->next)
		if (str_eq(str_of(d->domain), str_of(domain)))
			return d;
	return NULL;
}

static void
add_destination(struct relay *r, const char *domain)
{
	struct destination *d;

	/* each has at least one connection, so more would only wait here */
	if (r->n_destinations >= r->d.conf->relay_connections)
		return;
	d = destination_new(r, domain);
	d->next = r->destinations;
	r->destinations = d;
	r->n_destinations++;
}

/* When to look again. */
static int64_t
next_look(const struct relay *r, const struct look *l)
{
	int64_t wait = LOOK_MOST_MS;

	if (l->next_ms <= l->now_ms)
		return LOOK_BUSY_MS;
	if (l->next_ms - l->now_ms < wait)
		wait = l->next_ms - l->now_ms;
	if (r->n_destinations > 0 && wait > LOOK_BUSY_MS)
		wait = LOOK_BUSY_MS;
	return wait < LOOK_LEAST_MS ? LOOK_LEAST_MS : wait;
}

static void
done_look(struct store_job *job)
{
	struct look *l = (struct look *)job;
	struct relay *r = l->owner;

	if (r != NULL && !r->stopping) {
		r->look = NULL;
		if (job->rc == -1) {
			log_warn(r->d.log, "relay: %s", job->fail.text);
			l->next_ms = l->now_ms;
		}
		for (size_t i = 0; job->rc == 0 && i < l->n; i++) {
			struct destination *d = find(r, l->domains[i]);

			if (d != NULL)
				destination_more(d);
			else
				add_destination(r, l->domains[i]);
		}
		timer_set(r->next, next_look(r, l));
		if (r->look_again)
			relay_kick(r);
		relay_schedule(r);
	} else if (r != NULL) {
		r->look = NULL;
	}
	free(l->domains);
	free(l);
}

/* Should one more session be started for it? */
static bool
wants_session(const struct destination *d)
{
	const struct relay *r = d->relay;
	size_t most = r->d.conf->relay_connections;
	size_t waiting = destination_messages(d, 2 * d->sessions + 1);

	if (r->stopping || d->local || d->condemned_ms != 0 || waiting == 0 ||
	    r->n_sessions >= most)
		return false;
	if (d->sessions == 0)
		return true;
	/* A second one only when the server is known to listen, when there is
	 * more than the first will do soon, and never out of the half that is
	 * kept for destinations without any. */
	return d->talking > 0 && waiting > 2 * d->sessions &&
	       d->sessions < r->d.conf->relay_connections_per_destination &&
	       r->n_sessions < most / 2;
}

static void
turn(void *arg)
{
	struct relay *r = arg;
	struct destination **at = &r->destinations;
	struct relay_session *s = r->sessions;
	bool freed = false;

	while (s != NULL) {
		struct relay_session *next = relay_session_next(s);

		relay_session_turn(s);
		s = next;
	}
	while (*at != NULL) {
		struct destination *d = *at;

		destination_turn(d);
		while (wants_session(d))
			relay_session_start(d);
		if (destination_is_done(d)) {
			*at = d->next;
			destination_free(d);
			r->n_destinations--;
			freed = true;
		} else {
			at = &d->next;
		}
	}
	if (freed)
		relay_kick(r); /* others may have waited for its place */
}

static void
look_again(void *arg)
{
	relay_kick(arg);
}

struct relay *
relay_new(const struct relay_deps *deps)
{
	struct relay *r = MEM_NEW(struct relay);

	r->d = *deps;
	r->self = relay_self_new(deps->conf);
	r->d.report = relay_report_new(deps, look_again, r);
	r->turn = timer_new(deps->loop, turn, r);
	r->next = timer_new(deps->loop, look_again, r);
	timer_set(r->next, 0);
	return r;
}

void
relay_schedule(struct relay *r)
{
	/* Nothing begins any more, and a session that ends sees to itself: no
	 * timer of ours is left to fire while the loop is closed down. */
	if (!r->stopping)
		timer_set(r->turn, 0);
}

void
relay_kick(struct relay *r)
{
	struct look *l;

	if (r->stopping)
		return;
	relay_report_kick(r->d.report);
	r->look_again = r->look != NULL;
	if (r->look_again)
		return;
	l = MEM_NEW(struct look);
	l->job.run = run_look;
	l->job.done = done_look;
	l->owner = r;
	l->now_ms = clock_wall_ms(r->d.clock);
	l->max = r->n_destinations + DOMAINS_AT_ONCE;
	r->look = l;
	store_read(r->d.store, &l->job);
}

void
relay_stop(struct relay *r)
{
	r->stopping = true;
	relay_report_stop(r->d.report);
	timer_clear(r->next);
	timer_clear(r->turn);
	turn(r);
}

size_t
relay_active(const struct relay *r)
{
	return r->n_sessions + r->n_records;
}

void
relay_free(struct relay *r)
{
	if (r == NULL)
		return;
	r->stopping = true;
	while (r->sessions != NULL)
		relay_session_free(r->sessions);
	while (r->destinations != NULL) {
		struct destination *d = r->destinations;

		r->destinations = d->next;
		destination_free(d);
	}
	if (r->look != NULL)
		r->look->owner = NULL;
	timer_free(r->turn);
	timer_free(r->next);
	relay_report_free(r->d.report);
	relay_self_free(r->self);
	free(r);
}
