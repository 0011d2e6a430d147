/* SPDX-License-Identifier: MIT */
/*
 * rate: how often something may happen for each key (an address, a network),
 * as buckets that fill again with time.  Pure; bounded: RATE_KEYS keys, the
 * one longest full goes first.
 */
#ifndef POLICY_RATE_H
#define POLICY_RATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RATE_KEYS 65536

struct rate;

/* At most `most' at once, and as many again each period_ms. */
struct rate *rate_new(size_t most, int64_t period_ms);
void rate_free(struct rate *r);

/* Take one.  False: there is none left. */
bool rate_take(struct rate *r, uint64_t key, int64_t now_ms);

#endif
