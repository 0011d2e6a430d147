/* SPDX-License-Identifier: MIT */
/* test: the whole framework.  A test program is a main() of CHECKs. */
#ifndef TESTS_TEST_H
#define TESTS_TEST_H

#include <stdio.h>
#include <string.h>

/* not every file of a program need count */
static int test_failures __attribute__((unused));

#define CHECK(cond)                                                            \
	do {                                                                   \
		if (!(cond)) {                                                 \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__,       \
			    __LINE__, #cond);                                  \
			test_failures++;                                       \
		}                                                              \
	} while (0)

#define CHECK_STR(got, want)                                                   \
	do {                                                                   \
		const char *g_ = (got), *w_ = (want);                          \
		if (strcmp(g_, w_) != 0) {                                     \
			fprintf(stderr, "%s:%d: got \"%s\", want \"%s\"\n",    \
			    __FILE__, __LINE__, g_, w_);                       \
			test_failures++;                                       \
		}                                                              \
	} while (0)

#define TEST_EXIT() (test_failures > 0)

#endif
