/* SPDX-License-Identifier: MIT */
/*
 * imapstring: octets of a message as IMAP strings (RFC 9051 s4.3): quoted if
 * they can be, else a literal, so that any client can read them.  NUL, which
 * no string can have, becomes U+FFFD.
 */
#ifndef MIME_IMAPSTRING_H
#define MIME_IMAPSTRING_H

#include "common/util/buf.h"

void imapstring_add(struct str s, struct buf *out);

/* The same for people to read: white space squeezed to single spaces, none at
 * the ends. */
void imapstring_add_squeezed(struct str s, struct buf *out);

/* Take one string, or NIL or a number, from the front of *s as it is written.
 * False if none is there. */
bool imapstring_take(struct str *s, struct str *written);

#endif
