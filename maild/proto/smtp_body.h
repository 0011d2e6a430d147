/* SPDX-License-Identifier: MIT */
/*
 * smtp_body: the octets between 354 and the final dot.
 *
 * Dots are stuffed; a CR or LF that is not part of a CRLF becomes a space,
 * so that no server that takes one for a line end sees an end of data, or
 * commands, inside a message (RFC 5321 s2.3.8, s4.5.2).
 */
#ifndef MAILD_PROTO_SMTP_BODY_H
#define MAILD_PROTO_SMTP_BODY_H

#include "common/wire/dot.h"

struct smtp_body {
	struct dot_writer dot;
	bool cr; /* a CR is held back until its LF is seen */
};

void smtp_body_init(struct smtp_body *b);

/* Append chunk to out as it is to be sent; out grows by at most twice the
 * chunk's length and 2. */
void smtp_body_add(struct smtp_body *b, struct str chunk, struct buf *out);

/* Append the end, with a CRLF before the dot if the last line lacks one. */
void smtp_body_end(struct smtp_body *b, struct buf *out);

#endif
