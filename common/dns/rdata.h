/* SPDX-License-Identifier: MIT */
/* rdata: records of the DNS in the form that policy/facts.h promises, pure. */
#ifndef DNS_RDATA_H
#define DNS_RDATA_H

#include "common/policy/facts.h"
#include "common/util/buf.h"

/* Append a record, names in it uncompressed.  False if it is none of its type:
 * what was appended is then to be cut off. */
bool rdata_to_fact(struct str rdata, enum fact_type type, struct buf *out);

#endif
