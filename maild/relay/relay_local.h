/* SPDX-License-Identifier: MIT */
/*
 * relay_local: recipients of ours that waited in the queue (FUTURERELEASE, RFC
 * 4865): where do they lead now?  Whoever has a mailbox with room is settled as
 * sent, which puts the message there; the others are given up.
 */
#ifndef MAILD_RELAY_RELAY_LOCAL_H
#define MAILD_RELAY_RELAY_LOCAL_H

#include "maild/relay/destination.h"

struct relay_local;

/* Look where the next message of a local destination is to go, unless one is
 * under way or none waits. */
void relay_local_start(struct destination *d);

/* The destination goes away.  l may be NULL. */
void relay_local_disown(struct relay_local *l);

#endif
