/* SPDX-License-Identifier: MIT */
/*
 * cfws: small cursors over structured field values (RFC 5322 s3.2, RFC 6532):
 * each takes something from the front of *s, or leaves *s as it was.
 */
#ifndef MIME_CFWS_H
#define MIME_CFWS_H

#include "common/util/str.h"

/* White space, folds and comments, if there are any.  False if a comment does
 * not end or a line break is not a fold.  Comments nest to any depth. */
bool cfws_skip(struct str *s);

/* Is it a character of an atom?  Everything over 127 is. */
bool cfws_is_atext(char c);

/* One or more characters of an atom; a quoted string with its quotes; a
 * domain literal with its brackets, of the kinds RFC 5321 s4.1.3 has (no @ or
 * quote in it, so that an address is cut in one way only).  All without what
 * surrounds them. */
bool cfws_atom(struct str *s, struct str *out);
bool cfws_quoted(struct str *s, struct str *out);
bool cfws_literal(struct str *s, struct str *out);

/* A number of min to max digits, followed by no further digit; max is at most
 * 9. */
bool cfws_number(struct str *s, size_t min, size_t max, int *out);

#endif
