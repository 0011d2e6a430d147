/* SPDX-License-Identifier: MIT */
#include "common/util/buf.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/util/mem.h"

#define ROOM_LEAST 64 /* a line is put together of small pieces */

void
buf_init(struct buf *b, size_t limit)
{
	*b = (struct buf){.limit = limit};
}

void
buf_release(struct buf *b)
{
	if (b->data != NULL)
		free(b->data - b->hole);
	buf_init(b, b->limit);
}

static void
close_hole(struct buf *b)
{
	if (b->hole == 0)
		return;
	memmove(b->data - b->hole, b->data, b->len + 1);
	b->data -= b->hole;
	b->room += b->hole;
	b->hole = 0;
}

void
buf_clear(struct buf *b)
{
	b->len = 0;
	b->overrun = false;
	if (b->data != NULL) {
		b->data[0] = '\0';
		close_hole(b);
	}
}

/* Is there room already for n more bytes and a NUL? */
static inline bool
has_room(const struct buf *b, size_t n)
{
	return n < b->room && b->len < b->room - n && b->len <= b->limit &&
	       n <= b->limit - b->len;
}

/* Make room for n more bytes and a NUL.  False if that passes the limit. */
static bool
grow(struct buf *b, size_t n)
{
	assert(b->limit > 0);
	if (b->len > b->limit || n > b->limit - b->len) {
		b->overrun = true;
		return false;
	}
	if (b->len + n + 1 > b->room)
		close_hole(b);
	if (b->len + n + 1 > b->room) {
		size_t room = (b->len + n + 1) * 2;

		if (room < ROOM_LEAST)
			room = ROOM_LEAST;
		if (room > b->limit + 1)
			room = b->limit + 1;
		b->data = mem_grow(b->data, room, 1);
		b->room = room;
		b->data[b->len] = '\0';
	}
	return true;
}

void
buf_add(struct buf *b, struct str s)
{
	if (s.len == 0 || !grow(b, s.len))
		return;
	memcpy(b->data + b->len, s.at, s.len);
	b->len += s.len;
	b->data[b->len] = '\0';
}

void
buf_add_char(struct buf *b, char c)
{
	if (!has_room(b, 1) && !grow(b, 1))
		return;
	b->data[b->len++] = c;
	b->data[b->len] = '\0';
}

static char *
spare(struct buf *b)
{
	return b->data != NULL ? b->data + b->len : NULL;
}

void
buf_vaddf(struct buf *b, const char *fmt, va_list ap)
{
	va_list again;
	int n;

	va_copy(again, ap);
	n = vsnprintf(
	    spare(b), b->data != NULL ? b->room - b->len : 0, fmt, again);
	va_end(again);
	assert(n >= 0);
	if (n > 0 && has_room(b, (size_t)n)) {
		b->len += (size_t)n; /* it is there */
		return;
	}
	if (b->data != NULL)
		b->data[b->len] = '\0';
	if (n > 0 && grow(b, (size_t)n)) {
		vsnprintf(b->data + b->len, (size_t)n + 1, fmt, ap);
		b->len += (size_t)n;
	}
}

void
buf_addf(struct buf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(b, fmt, ap);
	va_end(ap);
}

char *
buf_reserve(struct buf *b, size_t n)
{
	return grow(b, n) ? b->data + b->len : NULL;
}

void
buf_added(struct buf *b, size_t n)
{
	assert(b->len + n < b->room);
	b->len += n;
	b->data[b->len] = '\0';
}

void
buf_drop(struct buf *b, size_t n)
{
	assert(n <= b->len);
	if (n == 0)
		return;
	b->data += n;
	b->hole += n;
	b->room -= n;
	b->len -= n;
	if (b->len == 0)
		close_hole(b);
}

void
buf_cut(struct buf *b, size_t len)
{
	assert(len <= b->len);
	if (b->data == NULL)
		return;
	b->len = len;
	b->data[len] = '\0';
}

char *
buf_take(struct buf *b)
{
	char *data;

	if (b->data == NULL)
		return mem_dup(STR(""));
	close_hole(b);
	data = b->data;
	buf_init(b, b->limit);
	return data;
}
