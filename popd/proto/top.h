/* SPDX-License-Identifier: MIT */
/*
 * top: cuts a message after its header, the blank line, and n lines of the
 * body (TOP, RFC 1939 s7), whatever pieces it comes in.
 *
 * A line ends with CRLF.  A message without a blank line is all header.
 */
#ifndef POPD_PROTO_TOP_H
#define POPD_PROTO_TOP_H

#include "common/util/str.h"

struct top {
	uint64_t lines; /* of the body, still wanted */
	bool body;      /* the blank line has gone by */
	bool cr;        /* the last octet was a CR */
	size_t octets;  /* of the current line */
};

void top_init(struct top *t, uint64_t lines);

/* What of chunk belongs to the answer: a front part of it. */
struct str top_take(struct top *t, struct str chunk);

/* Is the rest of the message not wanted? */
bool top_is_full(const struct top *t);

#endif
