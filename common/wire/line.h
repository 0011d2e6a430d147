/* SPDX-License-Identifier: MIT */
/*
 * line: cut a byte stream into CRLF-terminated lines of bounded length.
 *
 * Works on whatever pieces the network delivers; keeps a partial line
 * between calls, in a buffer that exists only while it holds something, and
 * wipes it: passwords are lines too.  A bare CR or bare LF is not a line end
 * (RFC 5321 s2.3.8); a line that has one, or a NUL, is LINE_BAD.
 */
#ifndef WIRE_LINE_H
#define WIRE_LINE_H

#include "common/util/buf.h"

struct line {
	struct buf held;
	size_t
	    max; /* longest line, without CRLF; may be changed between lines */
	bool too_long; /* skipping to the end of an oversized line */
	bool bare;     /* a bare CR, LF or NUL was seen in it */
	bool cr;       /* last byte seen was CR */
	size_t seen;   /* bytes of this line so far */
};

enum line_result {
	LINE_MORE,     /* *in is used up, no whole line yet */
	LINE_READY,    /* *out is the line, without its CRLF */
	LINE_BAD,      /* a whole line went by that had a bare CR, LF or NUL */
	LINE_TOO_LONG, /* a whole line went by and did not fit */
};

void line_init(struct line *l, size_t max);
void line_release(struct line *l);

/* Take bytes from the front of *in.  *out is valid until the next call or
 * until *in's bytes go. */
enum line_result line_take(struct line *l, struct str *in, struct str *out);

/* Bytes of the line that goes by now, skipped ones included: a host ends a
 * connection whose line never ends. */
size_t line_seen(const struct line *l);

#endif
