/* SPDX-License-Identifier: MIT */
/*
 * lenient: small cursors over field values as people really write them, for
 * readers who must make something of everything (cfws.h is for those who may
 * refuse).  The values are unfolded (fields.h): folds are white space.
 *
 * Each takes from the front of *s and tells how it went on.
 */
#ifndef MIME_LENIENT_H
#define MIME_LENIENT_H

#include "common/util/buf.h"

enum lenient {
	LENIENT_BAD, /* a quote or bracket does not end, or nothing is there */
	LENIENT_END, /* taken, and the value is used up */
	LENIENT_MORE /* taken, and something follows */
};

/* White space and comments.  The text of the last comment, escapes resolved,
 * replaces what is in comment, which may be NULL. */
enum lenient lenient_skip(struct str *s, struct buf *comment);

/* The next are appended to out, which they share: an atom; atoms with dots
 * between, white space around the dots dropped; a quoted string without its
 * quotes; words one space apart.  White space and comments behind are taken
 * too (the comment goes to `comment' if it is not NULL). */
enum lenient lenient_atom(struct str *s, struct buf *out, struct buf *comment);
enum lenient lenient_dot_atom(
    struct str *s, struct buf *out, struct buf *comment);
enum lenient lenient_quoted(
    struct str *s, struct buf *out, struct buf *comment);
enum lenient lenient_phrase(
    struct str *s, struct buf *out, struct buf *comment);

/* A token (RFC 2045 s5.1), perhaps empty. */
enum lenient lenient_token(struct str *s, struct buf *out);

/* '@' and a domain, literal or not. */
enum lenient lenient_domain(
    struct str *s, struct buf *out, struct buf *comment);

#endif
