/* SPDX-License-Identifier: MIT */
/*
 * clock: what time it is, as something that can be handed in.
 *
 * Daemons pass &clock_system; tests pass their own and move it.  wall_ms is
 * Unix time for stamps and schedules, mono_ms only ever grows and serves
 * time-outs.
 */
#ifndef UTIL_CLOCK_H
#define UTIL_CLOCK_H

#include <stdint.h>

struct clock {
	int64_t (*wall_ms)(void *arg);
	int64_t (*mono_ms)(void *arg);
	void *arg; /* borrowed */
};

extern const struct clock clock_system;

int64_t clock_wall_ms(const struct clock *c);
int64_t clock_mono_ms(const struct clock *c);

#endif
