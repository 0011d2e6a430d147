/* SPDX-License-Identifier: MIT */
#include "common/util/rand.h"

#include <assert.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

void
rand_init(void)
{
	if (sodium_init() == -1) {
		fprintf(stderr, "libsodium could not be started\n");
		abort();
	}
}

void
rand_bytes(void *out, size_t n)
{
	randombytes_buf(out, n);
}

uint64_t
rand_u64(void)
{
	uint64_t n;

	rand_bytes(&n, sizeof(n));
	return n;
}

uint32_t
rand_below(uint32_t bound)
{
	assert(bound > 0);
	return randombytes_uniform(bound);
}
