/* SPDX-License-Identifier: MIT */
/*
 * rrtext: DNS records as people write them (RFC 1035 s5.1), one at a time.
 *
 * Of the types whose names are known here; and of any other as "TYPE65280", its
 * octets as "\# 3 a1b2c3" (RFC 3597 s5), which every type may be given in.
 */
#ifndef MAILCTL_RRTEXT_H
#define MAILCTL_RRTEXT_H

#include "common/util/buf.h"

/* "MX", "TYPE15" to 15.  False if it is no type of records. */
bool rrtext_type(struct str text, uint16_t *type);

/* What a record of the type looks like, for a sentence: "10 mx.example.org". */
const char *rrtext_form(uint16_t type);

/* Append the rdata.  False if the text is none of the type; out is then to be
 * cut off. */
bool rrtext_read(uint16_t type, struct str text, struct buf *out);

#endif
