/* SPDX-License-Identifier: MIT */
/* clang-format off */
/*
 * relay_session: one connection after another to the hosts of a destination,
 * until its mail is gone or no host is left to try.
 *
 *	route --> host: TLSA? --> connect --> greeting, TLS --> message after
 *	            ^                |           message --> idle --> QUIT
 *	            +-next-----------+--no answer, refused, lost, not safe enough
 *	            +-same host------+--lost, but it has taken mail just now
 *	            +-in the clear---+--TLS failed, and no policy stands
 *
 * A recipient the host has judged is settled at once; one it has not is tried
 * at the next host.  When the last host has failed and none ever listened,
 * the whole destination is condemned to wait.
 *
 * Without more mail a connection stays open for relay.linger: such a session is
 * idle, and may be ended at any time.
 */
/* clang-format on */
#ifndef MAILD_RELAY_RELAY_SESSION_H
#define MAILD_RELAY_RELAY_SESSION_H

#include "maild/relay/destination.h"

struct relay_session;

/* Begin.  The session adds itself to the relay's list and its destination's
 * counts, and leaves both when it ends. */
void relay_session_start(struct destination *d);

/* More may wait now, or relay is stopping: only an idle session looks. */
void relay_session_turn(struct relay_session *s);

/* Has it nothing in hand, and waits for mail or for the end of its QUIT?  And
 * if so: QUIT, others need its place. */
bool relay_session_is_idle(const struct relay_session *s);
void relay_session_dismiss(struct relay_session *s);

/* The way there may be another now: no message more by this one. */
void relay_session_part(struct relay_session *s);

/* Is it idle, and has not said QUIT?  And does it talk to that smarthost? */
bool relay_session_lingers(const struct relay_session *s);
struct smarthost_door;
bool relay_session_is_at(
    const struct relay_session *s, const struct smarthost_door *door);

/* Is it one of that destination's? */
bool relay_session_is_for(
    const struct relay_session *s, const struct destination *d);

/* The next in the relay's list. */
struct relay_session *relay_session_next(const struct relay_session *s);

/* End without a word, giving items back untried. */
void relay_session_free(struct relay_session *s);

#endif
