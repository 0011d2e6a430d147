/* SPDX-License-Identifier: MIT */
/* cte: content transfer encodings (RFC 2045 s6), pure. */
#ifndef MIME_CTE_H
#define MIME_CTE_H

#include "common/util/buf.h"

/* May it be sent as 7bit: no 8-bit octet or control, whole CRLFs only, no
 * line over 998 octets (RFC 2045 s2.7)? */
bool cte_is_7bit(struct str text);

/* Append text in quoted-printable; its CRLFs stay line ends, any other octet
 * comes back as it was (RFC 2045 s6.7). */
void cte_quote_printable(struct str text, struct buf *out);

#endif
