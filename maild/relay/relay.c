/* SPDX-License-Identifier: MIT */
#include "maild/relay/relay.h"

#include <stdlib.h>

#include "common/util/mem.h"
#include "common/util/rand.h"
#include "maild/relay/destination.h"
#include "maild/relay/hosts.h"
#include "maild/relay/relay_internal.h"
#include "maild/relay/relay_look.h"
#include "maild/relay/relay_report.h"
#include "maild/relay/relay_session.h"
#include "maild/relay/relay_set_back.h"
#include "maild/relay/smarthosts.h"

#define AGAIN_MS 20 /* smarthosts are being read: a moment */

/* Should one more session be started for it? */
static bool
wants_session(const struct destination *d)
{
	const struct relay *r = d->relay;
	size_t most = r->d.conf->relay_connections;
	size_t enough = 2 * d->sessions; /* the first ones will do soon */

	if (r->stopping || d->local || d->condemned_ms != 0 ||
	    d->n_in[ITEM_WAITING] <= enough)
		return false;
	if (d->sessions == 0)
		return true;
	/* A second one only when the server is known to listen and to bear it,
	 * when there is more than that, and never out of the half that is kept
	 * for destinations without any. */
	return d->talking > 0 && d->sessions < flow_window(&d->flow) &&
	       r->n_sessions < most / 2 &&
	       destination_messages(d, enough + 1) > enough;
}

/* One that only lingers takes leave, unless as many as are wanted do so
 * already; at that smarthost, or NULL: anywhere. */
static void
make_room(struct relay *r, const struct smarthost_door *door, size_t wanted)
{
	struct relay_session *one = NULL;

	for (struct relay_session *s = r->sessions; s != NULL && wanted > 0;
	     s = relay_session_next(s)) {
		if (!relay_session_is_idle(s) ||
		    (door != NULL && !relay_session_is_at(s, door)))
			continue;
		if (relay_session_lingers(s))
			one = s;
		else
			wanted--;
	}
	if (one != NULL && wanted > 0)
		relay_session_dismiss(one);
}

/* Is there room for one more, among all and where its mail goes first?  wanted
 * counts those for whom there was none. */
static bool
has_room(const struct destination *d, size_t *wanted)
{
	struct relay *r = d->relay;
	const struct conf *conf = r->d.conf;
	const struct smarthost_door *door = NULL;
	bool full;

	if (r->d.smarthosts != NULL)
		door = smarthosts_door(r->d.smarthosts, str_of(d->domain));
	full = door != NULL && smarthosts_inside(door) >=
	                           conf->relay_connections_per_destination;
	if (!full && r->n_sessions < conf->relay_connections)
		return true;
	make_room(r, full ? door : NULL, ++*wanted);
	return false;
}

/* Nothing begins before it is known where it goes. */
static bool
is_ready(struct relay *r)
{
	if (r->d.smarthosts == NULL || smarthosts_are_known(r->d.smarthosts))
		return true;
	if (r->destinations != NULL && !r->stopping)
		timer_set(r->turn, AGAIN_MS);
	return false;
}

static void
turn(void *arg)
{
	struct relay *r = arg;
	struct destination **at = &r->destinations;
	struct relay_session *s = r->sessions;
	bool freed = false, ready = is_ready(r);
	size_t wanted = 0;

	while (s != NULL) {
		struct relay_session *next = relay_session_next(s);

		relay_session_turn(s);
		s = next;
	}
	while (*at != NULL) {
		struct destination *d = *at;

		destination_turn(d);
		while (ready && wants_session(d) && has_room(d, &wanted))
			relay_session_start(d);
		if (destination_is_done(d)) {
			*at = d->next;
			relay_look_leave(r, d);
			destination_free(d);
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
	r->hosts = hosts_new();
	slots_init(&r->slots, deps->conf->relay_connections, rand_u64());
	buf_init(&r->after, RELAY_DOMAIN_MAX);
	r->d.report = relay_report_new(deps, look_again, r);
	r->set_back = relay_set_back_new(deps, look_again, r);
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
	if (r->stopping)
		return;
	relay_report_kick(r->d.report);
	r->look_again = r->look != NULL;
	if (!r->look_again)
		relay_look_start(r);
}

void
relay_reload(struct relay *r)
{
	for (struct destination *d = r->destinations; d != NULL; d = d->next)
		destination_forget(d);
	relay_kick(r);
	relay_schedule(r);
}

void
relay_reroute(struct relay *r)
{
	struct relay_session *s = r->sessions;

	while (s != NULL) {
		struct relay_session *next = relay_session_next(s);

		relay_session_part(s);
		s = next;
	}
}

void
relay_stop(struct relay *r)
{
	r->stopping = true;
	relay_report_stop(r->d.report);
	relay_set_back_stop(r->set_back);
	timer_clear(r->next);
	timer_clear(r->turn);
	turn(r);
}

size_t
relay_active(const struct relay *r)
{
	return r->n_sessions - r->n_idle + r->n_records;
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
	relay_look_disown(r->look);
	timer_free(r->turn);
	timer_free(r->next);
	relay_report_free(r->d.report);
	relay_set_back_free(r->set_back);
	relay_self_free(r->self);
	hosts_free(r->hosts);
	buf_release(&r->after);
	free(r);
}
