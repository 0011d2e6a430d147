/* SPDX-License-Identifier: MIT */
#include "maild/relay/relay_look.h"

#include <stdlib.h>

#include "common/store/queue.h"
#include "common/util/mem.h"
#include "maild/relay/destination.h"
#include "maild/relay/relay_session.h"
#include "maild/relay/relay_set_back.h"

#define DOMAINS_AT_ONCE 64
#define LOOK_LEAST_MS   10
#define LOOK_BUSY_MS    1000  /* while something due is in hand */
#define LOOK_MOST_MS    60000 /* a notice may be lost, a clock may be set */
#define PATIENCE_MS     INT64_C(5000)
#define PATIENCE_TRIES  6 /* it doubles no more */

struct relay_look {           /* on a reader's thread */
	struct store_job job; /* first member */
	struct relay *owner;  /* NULL: freed meanwhile */
	int64_t now_ms;
	size_t max;
	struct buf after;
	struct queue_turn *turns;
	size_t n;
	int64_t next_ms;
};

static int
run_look(struct db *db, struct store_job *job, struct fail *f)
{
	struct relay_look *l = (struct relay_look *)job;

	if (queue_turns(
		db, l->now_ms, l->max, &l->after, &l->turns, &l->n, f) == -1)
		return -1;
	return queue_next_due(db, &l->next_ms, f);
}

/* ---- places ---- */

static struct destination **
chain_of(struct relay *r, const char *domain)
{
	struct slot slot = slots_for(&r->slots, str_of(domain), false);

	return &r->by_domain[slot.sender % RELAY_CHAINS];
}

static struct destination *
find(struct relay *r, const char *domain)
{
	struct destination *d = *chain_of(r, domain);

	while (d != NULL && !str_eq(str_of(d->domain), str_of(domain)))
		d = d->chain;
	return d;
}

static void
add_destination(struct relay *r, const char *domain, struct slot slot)
{
	struct destination *d = destination_new(r, domain);
	struct destination **chain = chain_of(r, domain);

	slots_take(&r->slots, slot);
	d->slot = slot;
	d->chain = *chain;
	*chain = d;
	d->next = r->destinations;
	r->destinations = d;
	r->n_destinations++;
}

void
relay_look_leave(struct relay *r, struct destination *d)
{
	struct destination **at = chain_of(r, d->domain);

	while (*at != d)
		at = &(*at)->chain;
	*at = d->chain;
	slots_give(&r->slots, d->slot);
	r->n_destinations--;
}

/* ---- room for others ---- */

static void
dismiss_idle(struct relay *r)
{
	struct relay_session *s = r->sessions;

	while (s != NULL) {
		struct relay_session *next = relay_session_next(s);

		if (relay_session_is_idle(s))
			relay_session_dismiss(s);
		s = next;
	}
}

static int64_t
patience_ms(const struct destination *d)
{
	int tries = destination_tries(d);

	return PATIENCE_MS << (tries < PATIENCE_TRIES ? tries : PATIENCE_TRIES);
}

static void
leave_for_later(struct relay *r, struct destination *d, int64_t silent_ms)
{
	const struct attempt nobody = {0};
	struct relay_session *s = r->sessions;
	struct smtp_outcome o;

	while (s != NULL) {
		struct relay_session *next = relay_session_next(s);

		if (relay_session_is_for(s, d))
			relay_session_free(s);
		s = next;
	}
	smtp_outcome_init(&o);
	smtp_outcome_say(&o, SMTP_TEMP, "4.4.1",
	    "no answer within %d seconds, while other mail waited",
	    (int)(silent_ms / 1000));
	destination_condemn(d, &o, &nobody);
	smtp_outcome_release(&o);
}

/* So many destinations found no place. */
static void
make_room(struct relay *r, size_t wanted)
{
	int64_t now_ms = clock_mono_ms(r->d.clock);

	dismiss_idle(r);
	for (struct destination *d = r->destinations; d != NULL && wanted > 0;
	     d = d->next) {
		int64_t silent_ms = destination_silence_ms(d, now_ms);

		if (silent_ms < PATIENCE_MS || slots_may(&r->slots, d->slot) ||
		    silent_ms < patience_ms(d))
			continue;
		leave_for_later(r, d, silent_ms);
		wanted--;
	}
}

/* ---- looking ---- */

static void
take_over(struct relay *r, const struct relay_look *l)
{
	size_t waiting = 0;

	for (size_t i = 0; i < l->n; i++) {
		const struct queue_turn *t = &l->turns[i];
		struct destination *d = find(r, t->domain);
		struct slot slot = slots_for(
		    &r->slots, str_of(t->who), t->tried);

		if (d != NULL)
			destination_more(d);
		else if (slots_may(&r->slots, slot))
			add_destination(r, t->domain, slot);
		else
			waiting++;
	}
	if (waiting > 0)
		make_room(r, waiting);
}

/* When to look again. */
static int64_t
next_look(const struct relay *r, const struct relay_look *l)
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
	struct relay_look *l = (struct relay_look *)job;
	struct relay *r = l->owner;

	if (r != NULL)
		r->look = NULL;
	if (r != NULL && !r->stopping) {
		buf_clear(&r->after);
		buf_add(&r->after, buf_str(&l->after));
		if (job->rc == -1) {
			log_warn(r->d.log, "relay: %s", job->fail.text);
			l->next_ms = l->now_ms;
		} else {
			take_over(r, l);
		}
		timer_set(r->next, next_look(r, l));
		if (r->look_again)
			relay_kick(r);
		relay_schedule(r);
	}
	buf_release(&l->after);
	free(l->turns);
	free(l);
}

void
relay_look_start(struct relay *r)
{
	struct relay_look *l = MEM_NEW(struct relay_look);

	relay_set_back_look(r->set_back);
	l->job.run = run_look;
	l->job.done = done_look;
	l->owner = r;
	l->now_ms = clock_wall_ms(r->d.clock);
	/* those in hand are due as well, as far as the store knows */
	l->max = 2 * r->n_destinations + DOMAINS_AT_ONCE;
	buf_init(&l->after, RELAY_DOMAIN_MAX);
	buf_add(&l->after, buf_str(&r->after));
	r->look = l;
	store_read(r->d.store, &l->job);
}

void
relay_look_disown(struct relay_look *l)
{
	if (l != NULL)
		l->owner = NULL;
}
