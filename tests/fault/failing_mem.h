/* SPDX-License-Identifier: MIT */
/*
 * failing_mem: an allocator for libraries, which fails when told to.
 *
 * Allocations of all threads are counted from failing_arm() on; the n-th
 * gives NULL, and those after it too if it shall be so for ever.
 */
#ifndef TESTS_FAULT_FAILING_MEM_H
#define TESTS_FAULT_FAILING_MEM_H

#include <stdbool.h>
#include <stddef.h>

void *failing_malloc(size_t size);
void *failing_calloc(size_t n, size_t size);
void *failing_realloc(void *old, size_t size);
void failing_free(void *p);

/* For an allocator of one's own: count one, is it to fail? */
bool failing_now(void);

void failing_arm(int n, bool ever);

/* All is well again.  How many allocations there were since. */
int failing_heal(void);

/* Blocks that are held: as many as before, if nothing was lost. */
int failing_held(void);

#endif
