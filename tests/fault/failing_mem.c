/* SPDX-License-Identifier: MIT */
#include "tests/fault/failing_mem.h"

#include <stdatomic.h>
#include <stdlib.h>

static struct {
	atomic_bool armed;
	atomic_int seen, at, held;
	bool ever;
} failing;

bool
failing_now(void)
{
	int n, at;

	if (!atomic_load(&failing.armed))
		return false;
	n = atomic_fetch_add(&failing.seen, 1) + 1;
	at = atomic_load(&failing.at);
	return n == at || (failing.ever && n > at);
}

static void *
count(void *p)
{
	if (p != NULL)
		atomic_fetch_add(&failing.held, 1);
	return p;
}

void *
failing_malloc(size_t size)
{
	return failing_now() ? NULL : count(malloc(size));
}

void *
failing_calloc(size_t n, size_t size)
{
	return failing_now() ? NULL : count(calloc(n, size));
}

void *
failing_realloc(void *old, size_t size)
{
	if (old == NULL)
		return failing_malloc(size);
	if (size == 0) {
		failing_free(old);
		return NULL;
	}
	return failing_now() ? NULL : realloc(old, size);
}

void
failing_free(void *p)
{
	if (p != NULL)
		atomic_fetch_sub(&failing.held, 1);
	free(p);
}

void
failing_arm(int n, bool ever)
{
	atomic_store(&failing.armed, false);
	failing.ever = ever;
	atomic_store(&failing.at, n);
	atomic_store(&failing.seen, 0);
	atomic_store(&failing.armed, true);
}

int
failing_heal(void)
{
	atomic_store(&failing.armed, false);
	return atomic_load(&failing.seen);
}

int
failing_held(void)
{
	return atomic_load(&failing.held);
}
