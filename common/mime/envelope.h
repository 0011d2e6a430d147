/* SPDX-License-Identifier: MIT */
/*
 * envelope: ENVELOPE of a header block (RFC 9051 s7.5.2, RFC 5322).
 *
 * There is no malformed header: what does not parse as an address becomes one
 * with MISSING_MAILBOX, MISSING_DOMAIN, SYNTAX_ERROR or INVALID_ROUTE where
 * something is missing, as clients know it from Dovecot (NIL there would mean
 * the begin or end of a group).
 */
#ifndef MIME_ENVELOPE_H
#define MIME_ENVELOPE_H

#include "common/util/buf.h"

#define ENVELOPE_ADDRESSES_MAX 10000 /* of one field; the rest is left out */

/* Append "(...)" made of a header block, CRLF or LF. */
void envelope_write(struct str header, struct buf *out);

/* Message ids in a field's unfolded value: the next one from the front of
 * *rest, without brackets, quotes and white space (RFC 5256 s2, normalised),
 * appended to out.  False if there is none. */
bool envelope_next_id(struct str *rest, struct buf *out);

#endif
