/* SPDX-License-Identifier: MIT */
/*
 * charset: text in any charset as UTF-8 (the system's iconv behind it).
 *
 * What cannot be read becomes U+FFFD; so does all that is not ASCII in a
 * charset nobody knows.  US-ASCII and no charset at all are read as UTF-8 if
 * they are, else as Windows-1252, which is what their senders mean.
 */
#ifndef MIME_CHARSET_H
#define MIME_CHARSET_H

#include "common/util/buf.h"

/* Do we know this charset's name?  (SEARCH CHARSET, RFC 9051 s6.4.4) */
bool charset_known(struct str name);

/* Append the text in UTF-8.  out's limit cuts it, at a whole character. */
void charset_to_utf8(struct str charset, struct str text, struct buf *out);

/* The system's tables are files, read when a charset is met first.  Who will
 * not be able to read files then reads all of them now, and keeps them until
 * charset_unload(). */
struct charset_tables;
struct charset_tables *charset_load(void);
void charset_unload(struct charset_tables *t); /* NULL is fine */

#endif
