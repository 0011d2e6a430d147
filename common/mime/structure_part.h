/* SPDX-License-Identifier: MIT */
/*
 * structure_part: what the header of one MIME part says of it, and its text
 * for BODYSTRUCTURE without what only the end of the body tells (for
 * structure.c).
 */
#ifndef MIME_STRUCTURE_PART_H
#define MIME_STRUCTURE_PART_H

#include "common/mime/parts.h"
#include "common/util/buf.h"

/* RFC 2046 s5.1.1 has 70; of longer ones the first octets are compared. */
#define STRUCTURE_BOUNDARY_MAX 80
#define STRUCTURE_CHARSET_MAX  40

/* What the place of a part decides. */
struct structure_place {
	bool in_multipart; /* MIME without MIME-Version */
	bool in_digest;    /* message/rfc822 if it does not say (RFC 2046
	                    * s5.1.5) */
	bool leaf;         /* it may contain no parts: a limit is reached */
	bool brief;        /* without parameters and all that can be long */
};

struct structure_part {
	enum part_kind kind;
	enum part_encoding encoding;
	bool text;   /* BODYSTRUCTURE tells its lines */
	bool digest; /* multipart/digest */
	char boundary[STRUCTURE_BOUNDARY_MAX];
	size_t boundary_len; /* 0: it has none */

	/* for the preview */
	bool html, attachment;
	char charset[STRUCTURE_CHARSET_MAX];
	size_t charset_len;
};

/* Append to head what stands before the size (of a multipart nothing), to tail
 * what stands behind all, each with a space before what is not the first. */
void structure_part_read(struct str header, struct structure_place place,
    struct structure_part *out, struct buf *head, struct buf *tail);

#endif
