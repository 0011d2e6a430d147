/* SPDX-License-Identifier: MIT */
/* cte: content transfer encodings (RFC 2045 s6), pure. */
#ifndef MIME_CTE_H
#define MIME_CTE_H

#include "common/mime/parts.h"
#include "common/util/buf.h"

/* May it be sent as 7bit: no 8-bit octet or control, whole CRLFs only, no
 * line over 998 octets (RFC 2045 s2.7)? */
bool cte_is_7bit(struct str text);

/* Append text in quoted-printable; its CRLFs stay line ends, any other octet
 * comes back as it was (RFC 2045 s6.7). */
void cte_quote_printable(struct str text, struct buf *out);

/* Decoding, in pieces cut anywhere, of what people really send: base64 with
 * stray octets in it, padding in the middle or none at the end; a `=' in
 * quoted-printable that begins no code stands for itself. */
struct cte_decoder {
	enum part_encoding encoding;
	uint32_t bits; /* base64: octets under way */
	unsigned n_bits;
	char held[1024]; /* quoted-printable: white space, or the begin of a
	                  * code, whose meaning the next octet decides */
	size_t n_held;
	bool damaged; /* something did not belong there */
};
void cte_decoder_init(struct cte_decoder *d, enum part_encoding encoding);

/* Append what the piece decodes to: never more octets than it has, and at most
 * sizeof(held) more.  PART_PLAIN and unknown encodings are copied. */
void cte_decode(struct cte_decoder *d, struct str piece, struct buf *out);
void cte_decode_end(struct cte_decoder *d, struct buf *out);

/* The same, counted: what cte_decode() would append of the piece. */
uint64_t cte_count(struct cte_decoder *d, struct str piece);
uint64_t cte_count_end(struct cte_decoder *d);

#endif
