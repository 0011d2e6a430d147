/* SPDX-License-Identifier: MIT */
/*
 * relay_session: one connection after another to the hosts of a destination,
 * until its mail is gone or no host is left to try.
 *
 *	MX --> connect --> greeting, TLS --> message after message --> QUIT
 *	          ^   |                          |
 *	          |   +--no answer, refused------+--lost--> next host
 *	          +---TLS failed: same host, in the clear
 *
 * A recipient the host has judged is settled at once; one it has not is tried
 * at the next host.  When the last host has failed and none ever listened,
 * the whole destination is condemned to wait.
 */
#ifndef MAILD_RELAY_SESSION_H
#define MAILD_RELAY_SESSION_H

#include "maild/relay/destination.h"

struct relay_session;

/* Begin.  The session adds itself to the relay's list and its destination's
 * counts, and leaves both when it ends. */
void relay_session_start(struct destination *d);

/* More may wait now, or relay is stopping: only an idle session looks. */
void relay_session_turn(struct relay_session *s);

/* The next in the relay's list. */
struct relay_session *relay_session_next(const struct relay_session *s);

/* End without a word, giving items back untried. */
void relay_session_free(struct relay_session *s);

#endif
