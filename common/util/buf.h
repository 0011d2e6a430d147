/* SPDX-License-Identifier: MIT */
/*
 * buf: a byte buffer that grows, up to a limit set when it is born.
 *
 * Contents are always followed by a NUL that len does not count, so data can
 * be handed to printf.  Growing past the limit does not write anything and
 * marks the buffer `overrun'; the caller looks once, after the last append.
 * Memory exhaustion ends the process (util/mem.h).
 *
 * Bytes dropped from the front are not moved at once: the buffer keeps a
 * hole and closes it when it needs the room, so draining a large buffer in
 * small pieces costs no more than reading it.
 */
#ifndef UTIL_BUF_H
#define UTIL_BUF_H

#include <stdarg.h>

#include "common/util/str.h"

struct buf {
	char *data; /* first byte of the contents; NULL until used */
	size_t len;
	size_t hole;  /* dropped bytes before data */
	size_t room;  /* bytes allocated from data on */
	size_t limit; /* len never exceeds this */
	bool overrun; /* something did not fit */
};

void buf_init(struct buf *b, size_t limit);
void buf_release(struct buf *b); /* then as after buf_init() */
void buf_clear(struct buf *b);   /* empty, keeps its room, overrun forgotten */

void buf_add(struct buf *b, struct str s);
void buf_add_char(struct buf *b, char c);
void buf_addf(struct buf *b, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void buf_vaddf(struct buf *b, const char *fmt, va_list ap);

/* Room for n more bytes at the returned place, NULL if that passes the limit
 * (marked overrun).  What was written there becomes contents by buf_added(). */
char *buf_reserve(struct buf *b, size_t n);
void buf_added(struct buf *b, size_t n);

void buf_drop(struct buf *b, size_t n);  /* forget the first n bytes */
void buf_cut(struct buf *b, size_t len); /* keep the first len bytes only */

/* The contents as a C string the caller frees; b is then as after init. */
char *buf_take(struct buf *b);

/* The contents; stale after the next call that changes b. */
static inline struct str
buf_str(const struct buf *b)
{
	return (struct str){b->data, b->len};
}

#endif
