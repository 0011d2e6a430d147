/* SPDX-License-Identifier: MIT */
/*
 * tally: how often each number is held, for limits and locks.  Sorted, so
 * that a count among ten thousand is found in fourteen looks.
 */
#ifndef UTIL_TALLY_H
#define UTIL_TALLY_H

#include <stddef.h>
#include <stdint.h>

struct tally {
	struct tally_entry *entries; /* by rising key; none has count 0 */
	size_t n, room;
};

/* All zero is an empty tally. */
void tally_release(struct tally *t);

uint64_t tally_count(const struct tally *t, uint64_t key);
void tally_add(struct tally *t, uint64_t key);
void tally_drop(struct tally *t, uint64_t key); /* it must be held */

#endif
