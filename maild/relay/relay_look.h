/* SPDX-License-Identifier: MIT */
/*
 * relay_look: who has something due, and who of them gets a place.
 *
 * When more want one than there are, sessions that only linger take leave, and
 * a server that has not said a word for a while (5 s for who was never tried;
 * twice as long for each time it was) is left for later.  So what is dead
 * costs what is alive a few seconds of a few places, not its timeouts.
 */
#ifndef MAILD_RELAY_RELAY_LOOK_H
#define MAILD_RELAY_RELAY_LOOK_H

#include "maild/relay/relay_internal.h"

struct relay_look;

/* Look now; r->look is set until it is done, which sets r->next. */
void relay_look_start(struct relay *r);

/* The relay goes away. */
void relay_look_disown(struct relay_look *l);

/* A destination gives its place back. */
void relay_look_leave(struct relay *r, struct destination *d);

#endif
