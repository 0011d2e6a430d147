/* SPDX-License-Identifier: MIT */
/* sandbox_calls: which system calls a profile may make.  One row allows one
 * call with such arguments; a call in several rows may be made in any of these
 * ways, a call in none is refused. */
#ifndef NET_SANDBOX_CALLS_H
#define NET_SANDBOX_CALLS_H

#include <seccomp.h>
#include <stddef.h>
#include <stdint.h>

/* An argument: (value & mask) == want; which is the place from 1 on, 0: none.
 * Arguments are int for all calls that are looked at this way: the upper half
 * of the register counts for nothing where mask leaves it out. */
struct sandbox_argument {
	unsigned which;
	uint64_t mask, want;
};

struct sandbox_call {
	int nr;
	unsigned may; /* any of these of enum sandbox_may */
	struct sandbox_argument args[3];
};

extern const struct sandbox_call sandbox_calls[];
extern const size_t sandbox_n_calls;

/* What builds of tests need besides: sanitizers, coverage.  Empty in others. */
extern const struct sandbox_call sandbox_build_calls[];
extern const size_t sandbox_n_build_calls;

#endif
