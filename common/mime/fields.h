/* SPDX-License-Identifier: MIT */
/*
 * fields: the fields of a header block as it came, with CRLF or bare LF line
 * ends, for readers who must make something of everything (header.h is for
 * those who may refuse).
 */
#ifndef MIME_FIELDS_H
#define MIME_FIELDS_H

#include "common/util/buf.h"

struct fields_line {
	struct str name;  /* without white space before the colon */
	struct str value; /* after the colon, folds in it, no final line end */
};

/* The next field at *rest, which is advanced; lines without a colon are passed
 * over.  False at the end. */
bool fields_next(struct str *rest, struct fields_line *out);

/* The value on one line: white space before it gone (all of it but one octet
 * if there is nothing else), the line ends of folds removed (RFC 5322 s2.2.3).
 * Appends to out. */
void fields_unfold(struct str value, struct buf *out);

#endif
