/* SPDX-License-Identifier: MIT */
/*
 * dkim_fields: the fields of a header that a signature covers, as it hashes
 * them (RFC 6376 s3.7, s5.4.2), pure.  DKIM-Signature and ARC-Message-Signature
 * say it in the same way.
 *
 * A header with 60,000 fields and a list of 100,000 names are cheap: fields are
 * sorted once, names are looked up.
 */
#ifndef POLICY_DKIM_FIELDS_H
#define POLICY_DKIM_FIELDS_H

#include "common/policy/canon.h"

struct dkim_fields;

/* block: as dkim.h; borrowed. */
struct dkim_fields *dkim_fields_new(struct str block);
void dkim_fields_free(struct dkim_fields *f);

/* Is it read in one way only?  No bare CR or LF, no NUL, nothing that is no
 * field, no line of white space alone, which some take for the end of the
 * header.  A message with another header is not to pass. */
bool dkim_fields_clear(const struct dkim_fields *f);

/* Take the next name off the front of h=: false if there is none, bad if it is
 * no field name. */
bool dkim_fields_name(struct str *names, struct str *name, bool *bad);

/* Append the fields that h= names, each name the next one from the bottom, and
 * nothing for those that are not there.  own: the signature's own field (its
 * whole), which is not among them. */
void dkim_fields_add(struct dkim_fields *f, enum canon how, struct str names,
    struct str own, struct buf *out);

/* Is there one of this name that was not taken by the last dkim_fields_add()?
 */
bool dkim_fields_left(const struct dkim_fields *f, struct str name);

/* Append that field itself: without what b= says, without the last CRLF
 * (RFC 6376 s3.7).  False: it has no b=. */
bool dkim_fields_add_own(enum canon how, struct str own, struct buf *out);

#endif
