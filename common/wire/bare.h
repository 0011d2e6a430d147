/* SPDX-License-Identifier: MIT */
/*
 * bare: octets that have no place in a line of SMTP or POP3: a CR or LF that
 * is not part of a CRLF (RFC 5321 s2.3.8), and NUL.
 */
#ifndef WIRE_BARE_H
#define WIRE_BARE_H

#include "common/util/str.h"

/* The bytes from the front of in up to and with its first LF, or all of it:
 * what the function below judges.  They may end in the middle of a CRLF. */
struct str bare_piece(struct str in);

/* Does such a piece end in a CRLF?  after_cr: the octet before it was CR. */
bool bare_ends_line(struct str piece, bool after_cr);

/* Is there a bare CR or LF in it?  A CR at its very end is not judged: it is
 * the after_cr of the next piece. */
bool bare_seen(struct str piece, bool after_cr);

#endif
