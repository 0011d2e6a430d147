/* SPDX-License-Identifier: MIT */
#include "common/util/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
out_of_memory(size_t n, size_t size)
{
	fprintf(stderr, "out of memory: %zu x %zu bytes\n", n, size);
	abort();
}

void *
mem_new(size_t n, size_t size)
{
	void *p = calloc(n > 0 ? n : 1, size > 0 ? size : 1);

	if (p == NULL)
		out_of_memory(n, size);
	return p;
}

void *
mem_grow(void *old, size_t n, size_t size)
{
	void *p = reallocarray(old, n > 0 ? n : 1, size);

	if (p == NULL)
		out_of_memory(n, size);
	return p;
}

void
mem_gone(const char *what)
{
	fprintf(stderr, "out of memory: %s\n", what);
	abort();
}

char *
mem_dup(struct str s)
{
	char *copy = mem_new(s.len + 1, 1);

	if (s.len > 0)
		memcpy(copy, s.at, s.len);
	return copy;
}
