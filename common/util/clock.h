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

#include <stdbool.h>
#include <stdint.h>

#include "common/util/fail.h"

struct clock {
	int64_t (*wall_ms)(void *arg);
	int64_t (*mono_ms)(void *arg);
	void *arg; /* borrowed */
};

extern const struct clock clock_system;

int64_t clock_wall_ms(const struct clock *c);
int64_t clock_mono_ms(const struct clock *c);

/* A clock for whole servers under test: the system's, and to its wall time is
 * added what this file says (made if it is not there).  The file is shared: all
 * programs that have it open see the same time.  mono_ms stays the system's: a
 * peer's time to answer does not pass by decree.
 *
 * The file is two numbers of 64 bits in the machine's order, in milliseconds:
 * what is added to the wall time, which is less than nothing for a clock that
 * was set back, and how much of it has passed (clock_advance()).  A clock that
 * somebody sets has only the first change. */
int clock_moved(struct clock *out, const char *path, struct fail *f);
void clock_moved_release(struct clock *c); /* any other clock is let be */

/* Let so much time pass at once, for all.  False if c is no moved clock, or
 * time would run back or to over a hundred years from now. */
bool clock_advance(const struct clock *c, int64_t ms);

/* Only ever grows, as mono_ms does, and an advance is in it: for what waits
 * until it is worth trying again, not for a peer's answer. */
int64_t clock_lapse_ms(const struct clock *c);

#endif
