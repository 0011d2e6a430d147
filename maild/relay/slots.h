/* SPDX-License-Identifier: MIT */
/*
 * slots: who may have one of the relay.connections places for destinations.
 * Pure.
 *
 * No sender has more than half of them, and no more than half are for what
 * failed before: a mailing to thousands of dead domains leaves room for a
 * letter, and what is new for what is dead.  One always may.
 *
 * Senders are counted by a hash: two that fall together share their half.
 */
#ifndef MAILD_RELAY_SLOTS_H
#define MAILD_RELAY_SLOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/util/str.h"

#define SLOTS_SENDERS 1024

struct slots {
	size_t most;
	uint64_t seed; /* so that nobody can fall together on purpose */
	size_t n, n_tried;
	uint32_t n_of[SLOTS_SENDERS];
};

/* most is at least 1. */
void slots_init(struct slots *s, size_t most, uint64_t seed);

struct slot {
	uint32_t sender;
	bool tried; /* it failed before */
};
struct slot slots_for(const struct slots *s, struct str sender, bool tried);

/* Is there one for it?  Then take it; and give it back. */
bool slots_may(const struct slots *s, struct slot slot);
void slots_take(struct slots *s, struct slot slot);
void slots_give(struct slots *s, struct slot slot);

#endif
