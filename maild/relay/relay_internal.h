/* SPDX-License-Identifier: MIT */
/*
 * relay_internal: what relay, destination and relay_session share.
 *
 *	relay --owns--> destinations --own--> items (recipients in hand)
 *	      --owns--> sessions, each for one destination
 *
 * The store does not know what is being tried, we do: an item exists from
 * when it was loaded until its outcome is on disk, and no second one is made
 * of the same recipient meanwhile.
 */
#ifndef MAILD_RELAY_RELAY_INTERNAL_H
#define MAILD_RELAY_RELAY_INTERNAL_H

#include "maild/relay/relay.h"
#include "maild/relay/relay_self.h"
#include "maild/relay/slots.h"

#define RELAY_CHAINS     1024
#define RELAY_DOMAIN_MAX (1 * KB) /* as a destination's key */

struct destination;
struct hosts;
struct relay_look;
struct relay_session;
struct relay_set_back;

struct relay {
	struct relay_deps d;
	struct relay_self *self;
	struct relay_set_back *set_back;
	struct hosts *hosts;              /* the breaker, for sessions */
	struct destination *destinations; /* list */
	size_t n_destinations;
	struct destination *by_domain[RELAY_CHAINS]; /* the same, hashed */
	struct slots slots;                          /* their places */
	struct relay_session *sessions;              /* list */
	size_t n_sessions;
	size_t n_idle;           /* of these, without mail: relay.linger */
	size_t n_records;        /* of all destinations */
	struct timer *turn;      /* relay_schedule() */
	struct timer *next;      /* when to look at the queue again */
	struct relay_look *look; /* under way, or NULL */
	bool look_again;
	struct buf after; /* queue_turns() goes on from here */
	bool stopping;
};

/* Look, at the next turn of the loop, who should have a session, and let go
 * of what is done.  May be called from anywhere. */
void relay_schedule(struct relay *r);

#endif
