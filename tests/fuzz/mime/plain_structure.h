/* SPDX-License-Identifier: MIT */
/*
 * plain_structure: the MIME tree of a message a second time, so plainly that
 * it can be compared with RFC 2045, 2046 and 2231 by eye: all of it in memory,
 * one function that calls itself, no state between pieces.  It shares no code
 * with common/mime/structure.c, of which it is the oracle.
 *
 * Where the RFCs leave a choice, or a message is none, these are the rules:
 *
 * - Lines end with LF; a CR before it belongs to the line end.  An empty line
 *   ends a header.
 * - A delimiter is a line that begins with "--" and a boundary whose multipart
 *   is open (RFC 2046 s5.1.1: it is sufficient that it begins so); of several
 *   the longest, of those the innermost (s5.1.2).  It also ends a header.  One
 *   that is the very end of the message, without a line end, begins no part.
 * - The line end before a delimiter belongs to it, also if that is the empty
 *   line behind a header; but nothing ends before it begins.
 * - Of a boundary the first 80 octets count.  A multipart without one has no
 *   parts.
 * - Content fields count in parts of a multipart, and in messages that have
 *   MIME-Version or Content-Type; of each the first.
 * - A Content-Type that is none is as if it said text/plain, also in a digest
 *   (RFC 2045 s5.2).  Behind "multipart/x" and "message/x" nothing but
 *   parameters may stand; behind others whatever is there is passed over.
 * - A parameter that is broken is passed over, with the octet that broke it;
 *   the next begins at the next semicolon.
 * - A container in the 100th level is a leaf, application/octet-stream.
 */
#ifndef FUZZ_MIME_PLAIN_STRUCTURE_H
#define FUZZ_MIME_PLAIN_STRUCTURE_H

#include "common/mime/parts.h"
#include "common/util/buf.h"

struct plain_param {
	struct buf name, value;
};

struct plain_part {
	struct part at; /* decoded_len is not filled in */
	struct buf type, subtype, encoding;
	struct plain_param *params;
	size_t n_params;
	bool text;     /* its lines are told */
	bool octets;   /* a container that had to become a leaf */
	bool embedded; /* it is the message in the part before it */
};

struct plain_structure {
	struct plain_part *parts;
	size_t n;
};

struct plain_structure *plain_structure_read(struct str message);
void plain_structure_free(struct plain_structure *s);

#endif
