/* SPDX-License-Identifier: MIT */
/*
 * relay_retry: when to try again (RFC 5321 s4.5.4.1), by what was said.  Pure.
 *
 *	class     with the default of 5 min           known by
 *	GREYLIST  the delay named, or 5 10 15 15 min  450, 451 and the words
 *	FULL      60 60 min                           4.2.2, 452
 *	BUSY      5 10 20 30 30 min, everything for   421, 4.3.2, 4.4.5, 4.7.28
 *	          that destination
 *	RATE      the same, this recipient alone      "too many", "rate limit"
 *	NETWORK   5 10 20 ... 240 min                 no answer, connection lost
 *	DNS       10 20 40 ... 240 min                4.4.3
 *	TLS       15 30 60 ... 240 min                a TLS
 *policy: 4.7.4, 4.7.5, or REQUIRETLS: 4.7.10 OTHER     5 10 20 ... 240 min
 */
#ifndef MAILD_RELAY_RELAY_RETRY_H
#define MAILD_RELAY_RELAY_RETRY_H

#include <stdbool.h>
#include <stdint.h>

#include "maild/proto/smtp_outcome.h"

enum relay_class {
	RELAY_OTHER,
	RELAY_GREYLIST,
	RELAY_FULL,
	RELAY_BUSY,
	RELAY_RATE,
	RELAY_NETWORK,
	RELAY_DNS,
	RELAY_TLS,
};

struct relay_reason {
	enum relay_class class;
	int64_t named_ms; /* RELAY_GREYLIST: the delay it names, or 0 */
};

/* What kind of "not now" (SMTP_TEMP) it is. */
struct relay_reason relay_retry_reason(const struct smtp_outcome *o);

struct relay_retry {
	int64_t first_ms; /* relay.retry_first: the unit of all delays */
	int64_t most_ms;  /* relay.retry_most: none is longer */
};

/* The time of the next attempt after one that failed at now_ms, with `tries'
 * attempts before that one.  A twentieth is added or taken away at random, so
 * that what failed together does not come back together; a delay that was
 * named is never shortened.  An attempt beyond expires_ms is made at
 * expires_ms, to be the last. */
int64_t relay_retry_at(const struct relay_retry *r,
    const struct relay_reason *why, int tries, int64_t now_ms,
    int64_t expires_ms, uint64_t random);

#endif
