/* SPDX-License-Identifier: MIT */
/*
 * mem: allocation that cannot fail.
 *
 * Out of memory ends the process with one line on standard error: nothing
 * has been acknowledged that is not committed, so dying is safe, and limits
 * on every buffer keep peers from causing it.
 */
#ifndef UTIL_MEM_H
#define UTIL_MEM_H

#include <stddef.h>

#include "common/util/str.h"

#define KB ((size_t)1024)
#define MB (1024 * KB)

/* n items of size bytes, zeroed.  Freed with free(). */
void *mem_new(size_t n, size_t size);

/* As realloc(), for n items of size bytes. */
void *mem_grow(void *old, size_t n, size_t size);

/* A NUL-terminated copy.  Freed with free(). */
char *mem_dup(struct str s);

/* A library had none for what we cannot do without: the same end. */
_Noreturn void mem_gone(const char *what);

/* Allocate one zeroed T. */
#define MEM_NEW(T) ((T *)mem_new(1, sizeof(T)))

#endif
