/* SPDX-License-Identifier: MIT */
/* relay_retry: when to try again (RFC 5321 s4.5.4.1), pure. */
#ifndef MAILD_RELAY_RETRY_H
#define MAILD_RELAY_RETRY_H

#include <stdint.h>

struct relay_retry {
	int64_t first_ms; /* wait before the first retry; doubles each time */
	int64_t most_ms;  /* longest wait */
};

/* The time of the next attempt after one that failed at now_ms, with `tries'
 * attempts before that one.  A twentieth is added or taken away at random, so
 * that what failed together does not come back together.  An attempt beyond
 * expires_ms is made at expires_ms, to be the last. */
int64_t relay_retry_at(const struct relay_retry *r, int tries, int64_t now_ms,
    int64_t expires_ms, uint64_t random);

#endif
