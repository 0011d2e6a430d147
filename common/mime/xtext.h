/* SPDX-License-Identifier: MIT */
/* xtext: how SMTP parameters carry any octet (RFC 3461 s4), pure. */
#ifndef MIME_XTEXT_H
#define MIME_XTEXT_H

#include "common/util/buf.h"

/* Append text, with "+XX" for what cannot stand for itself. */
void xtext_encode(struct str text, struct buf *out);

/* Append what it stands for.  False, and nothing is appended, if it is none:
 * then it may be shown as it is. */
bool xtext_decode(struct str xtext, struct buf *out);

#endif
