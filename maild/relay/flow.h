/* SPDX-License-Identifier: MIT */
/*
 * flow: how many connections a destination's servers bear, as they let us
 * know: additive increase, multiplicative decrease.  Pure.
 *
 *	GOOD            +1 for as many good messages as the window is wide
 *	BUSY, REFUSED   half, and no more of either for a while
 *
 * A window is never less than one connection: what waits has to be tried.
 */
#ifndef MAILD_RELAY_FLOW_H
#define MAILD_RELAY_FLOW_H

#include <stddef.h>
#include <stdint.h>

#define FLOW_FIRST   2     /* connections to begin with */
#define FLOW_HOLD_MS 60000 /* after bad news: it does not grow */

/* What a session learned of how much the servers can take. */
enum pace_news {
	PACE_GOOD,    /* a message was taken */
	PACE_BUSY,    /* 421, or "too many connections" */
	PACE_REFUSED, /* a further connection did not come about */
};

struct flow {
	size_t most;      /* relay.connections_per_destination */
	uint64_t window;  /* thousandths of a connection */
	int64_t until_ms; /* it is held back */
};

/* most is at least 1. */
void flow_init(struct flow *f, size_t most);

/* now is how many connections there are as the news comes: of a window that
 * was never filled, half means half of these. */
void flow_news(
    struct flow *f, enum pace_news news, size_t now, int64_t mono_ms);

/* How many connections there may be: from 1 to most. */
size_t flow_window(const struct flow *f);

#endif
