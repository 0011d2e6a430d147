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
#ifndef MAILD_RELAY_INTERNAL_H
#define MAILD_RELAY_INTERNAL_H

#include "maild/relay/relay.h"
#include "maild/relay/relay_self.h"

struct destination;
struct relay_session;

struct relay {
	struct relay_deps d;
	struct relay_self *self;
	struct destination *destinations; /* list */
	size_t n_destinations;
	struct relay_session *sessions; /* list */
	size_t n_sessions;
	size_t n_records;   /* of all destinations */
	struct timer *turn; /* relay_schedule() */
	struct timer *next; /* when to look at the queue again */
	struct look *look;  /* under way, or NULL */
	bool look_again;
	bool stopping;
};

/* Look, at the next turn of the loop, who should have a session, and let go
 * of what is done.  May be called from anywhere. */
void relay_schedule(struct relay *r);

#endif
