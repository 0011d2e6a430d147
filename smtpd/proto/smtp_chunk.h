/* SPDX-License-Identifier: MIT */
/*
 * smtp_chunk: BDAT's argument, and what is held against the text that comes in
 * chunks (RFC 3030 s2), pure.  Where chunks begin and end means nothing to the
 * text: a CRLF may be cut in two.
 */
#ifndef SMTPD_PROTO_SMTP_CHUNK_H
#define SMTPD_PROTO_SMTP_CHUNK_H

#include "common/util/str.h"

/* "octets [LAST]".  False if it is not that, or no machine could count it. */
bool smtp_chunk_parse(struct str arg, uint64_t *octets, bool *last);

struct smtp_text {
	bool bare;     /* a bare CR or LF was seen */
	bool nul;      /* a NUL was seen */
	bool after_cr; /* the last octet was CR; bare, if it is the very last */
	size_t line;   /* octets of the current line */
	size_t longest; /* longest line seen, without CRLF */
};

/* The next octets of the text. */
void smtp_text_look(struct smtp_text *t, struct str octets);

#endif
