/* SPDX-License-Identifier: MIT */
/* mutf7: mailbox names on IMAP4rev1's wire (RFC 3501 s5.1.3). */
#ifndef MIME_MUTF7_H
#define MIME_MUTF7_H

#include "common/util/buf.h"

/* Append the name in UTF-8.  False, and out is as it was, if it is no modified
 * UTF-7 in its one right form: unpaired surrogates, ASCII in base64, 8-bit. */
bool mutf7_decode(struct str name, struct buf *out);
void mutf7_encode(struct str utf8, struct buf *out);

#endif
