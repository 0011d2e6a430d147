/* SPDX-License-Identifier: MIT */
/*
 * rand: unpredictable numbers (libsodium).
 *
 * A program calls rand_init() once before its first thread; it ends the
 * process when the system has no randomness.  Engines take no randomness of
 * their own: their hosts hand them what they need.
 */
#ifndef UTIL_RAND_H
#define UTIL_RAND_H

#include <stddef.h>
#include <stdint.h>

void rand_init(void);
void rand_bytes(void *out, size_t n);

/* All values equally likely; the second one below bound, which is not 0. */
uint64_t rand_u64(void);
uint32_t rand_below(uint32_t bound);

#endif
