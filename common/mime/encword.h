/* SPDX-License-Identifier: MIT */
/*
 * encword: encoded words in header fields (RFC 2047, RFC 2231 s5).
 */
#ifndef MIME_ENCWORD_H
#define MIME_ENCWORD_H

#include "common/util/buf.h"

/* Append a field's value as UTF-8 on one line: folds become what unfolding
 * makes of them, encoded words are decoded (white space between two of them is
 * none), raw octets are read as charset.h says, controls become spaces. */
void encword_decode(struct str value, struct buf *out);

#endif
