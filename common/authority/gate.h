/* SPDX-License-Identifier: MIT */
/*
 * gate: whom a daemon talks to at the doors where people log in, while
 * somebody guesses passwords.
 *
 * A guess costs a TLS handshake before it can be called wrong, which is more
 * than a message costs.  So this is asked before: when a connection is
 * accepted.
 *
 *	                 was good lately ---------------------------> in
 *	address --+--> shut: a stranger's, throttled again and again -> out
 *	          |
 *	          +--> siege: the authority has more to check than it can
 *	                  |
 *	                  +--> network failed lately: a trickle -----> in | out
 *	                  +--> others: a few a second ---------------> in | out
 *
 * An address is IPv4's, or the /64 of IPv6; a network is a /24 or a /48.  What
 * is known comes from the answers of the authority to those who were let in:
 * gate_learn().  An address that is shut is heard again after a minute; a siege
 * is over a minute after the authority was too busy for the last time, however
 * many are kept out meanwhile; and nobody is kept out at an address from which
 * somebody has got in.  Memory is bounded: GATE_KEYS addresses and as many
 * networks that were good, and GATE_KEYS each of the others, oldest out.  Only
 * who was let in is remembered, and what is learnt of him.
 */
#ifndef AUTHORITY_GATE_H
#define AUTHORITY_GATE_H

#include "common/authority/login.h"
#include "common/net/address.h"

#define GATE_KEYS          16384
#define GATE_GOOD_MS       (INT64_C(7) * 24 * 3600 * 1000)
#define GATE_BAD_MS        (INT64_C(10) * 60 * 1000)
#define GATE_SHUT_MS       60000
#define GATE_SHUT_AFTER    10 /* throttled answers, so that people read some */
#define GATE_SIEGE_MS      10000 /* after the last sign of one */
#define GATE_SIEGE_MOST_MS 60000 /* after the last that was "busy" */
#define GATE_NETWORK_RATE  1  /* strangers a second in a siege: of a network */
#define GATE_GOOD_RATE     5  /* ... if somebody of it was let in lately */
#define GATE_BAD_RATE      5  /* ... of all that failed lately */
#define GATE_RATE          20 /* ... of all others */
#define GATE_BURST         3  /* seconds' worth that may come at once */

struct gate;

/* log is borrowed: one line when an address is shut, one when a siege
 * begins. */
struct gate *gate_new(const struct log *log);
void gate_free(struct gate *g);

/* May this one in, to log in?  now_ms: of a clock that only grows. */
bool gate_admits(struct gate *g, const struct address *peer, int64_t now_ms);

/* What the authority said of a login from there; ip: the peer's, as text. */
void gate_learn(struct gate *g, const char *ip, const struct login_answer *a,
    int64_t now_ms);

#endif
