/* SPDX-License-Identifier: MIT */
/*
 * parts: where each MIME part of a message is, packed into a few octets a part
 * by structure.h and kept beside the message.
 *
 * Every offset counts from the first octet of the message.  The parts come in
 * the order of the message, a container before what it contains.  The top is
 * the message itself: depth 0, its header is the message's.
 */
#ifndef MIME_PARTS_H
#define MIME_PARTS_H

#include "common/util/buf.h"

enum part_kind {
	PART_TEXT,      /* text/..., and what has no readable type */
	PART_OTHER,     /* any other leaf */
	PART_MULTIPART, /* contains parts */
	PART_MESSAGE,   /* message/rfc822 or message/global: contains one part,
	                 * the   message in it with its own header */
};

enum part_encoding { /* Content-Transfer-Encoding */
	PART_PLAIN,  /* 7bit, 8bit, binary, none */
	PART_BASE64,
	PART_QUOTED, /* quoted-printable */
	PART_UNKNOWN_ENCODING,
};

struct part {
	enum part_kind kind;
	enum part_encoding encoding;
	unsigned depth;
	uint64_t header_at, header_len; /* with the empty line that ends it */
	uint64_t body_at, body_len;     /* without the boundary's line end */
	uint64_t decoded_len;           /* of a leaf: BINARY.SIZE */
	uint32_t lines;                 /* of the body */
};

void parts_pack(const struct part *p, struct buf *out); /* append one */

/* The next part from the front of *packed.  False at the end, and when what
 * is there was not made by parts_pack(). */
bool parts_next(struct str *packed, struct part *out);

/* The part a section number means, "1.2" as {1, 2} (RFC 9051 s6.4.5): within a
 * multipart its n-th part; within a message/rfc822 what the message in it has
 * there; 1 of a leaf message is its body.  n 0: the message itself.  False if
 * there is no such part.  *inner, if the part is a PART_MESSAGE, is the message
 * in it: what HEADER and TEXT mean there. */
bool parts_find(struct str packed, const uint32_t *numbers, size_t n,
    struct part *out, struct part *inner);

#endif
