/* SPDX-License-Identifier: MIT */
/*
 * points: at which of the operations of which acts something happens.
 *
 *	[--all] [--stride N] [--seed N] [--act NAME]
 *
 * Without --all it is one in N, drawn by lot (--seed 1 unless told otherwise).
 */
#ifndef TESTS_FAULT_POINTS_H
#define TESTS_FAULT_POINTS_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/util/str.h"

struct points {
	uint64_t stride, seed;
	const char *act; /* only this one, or NULL */
};

static inline void
points_usage(const char *program)
{
	fprintf(stderr,
	    "usage: %s [--all] [--stride N] [--seed N] [--act NAME]\n",
	    program);
	exit(64);
}

static inline struct points
points_from(int argc, char **argv, uint64_t stride)
{
	struct points p = {stride, 1, NULL};

	for (int i = 1; i < argc; i++) {
		const char *value = i + 1 < argc ? argv[i + 1] : "";
		bool good = false;

		if (strcmp(argv[i], "--all") == 0) {
			p.stride = 1;
			continue;
		}
		if (strcmp(argv[i], "--stride") == 0)
			good = str_to_u64(str_of(value), 1000000, &p.stride) &&
			       p.stride > 0;
		else if (strcmp(argv[i], "--seed") == 0)
			good = str_to_u64(str_of(value), UINT64_MAX, &p.seed);
		else if (strcmp(argv[i], "--act") == 0)
			good = *(p.act = value) != '\0';
		if (!good)
			points_usage(argv[0]);
		i++;
	}
	printf("seed %llu, one in %llu\n", (unsigned long long)p.seed,
	    (unsigned long long)p.stride);
	fflush(stdout);
	return p;
}

static inline bool
points_want(const struct points *p, const char *act)
{
	return p->act == NULL || strcmp(p->act, act) == 0;
}

/* The point after n; the first is after 0. */
static inline int
points_after(struct points *p, int n)
{
	p->seed = p->seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return n + 1 + (int)((p->seed >> 33) % (2 * p->stride - 1));
}

#endif
