/* SPDX-License-Identifier: MIT */
/*
 * addr: addresses in header fields (RFC 5322 s3.4 with obs-forms, RFC 6532),
 * and the rules for comparing them, pure.
 *
 * The folding functions append to out, and leave it as it was on false; out
 * must have room for ADDR_MAX more.
 */
#ifndef MIME_ADDR_H
#define MIME_ADDR_H

#include "common/util/buf.h"

#define ADDR_MAX 1024 /* local@domain in UTF-8, longest we handle */

/* One mailbox of an address list. */
struct addr {
	struct str display;  /* raw phrase, may be empty, borrowed */
	char spec[ADDR_MAX]; /* local@domain without comments and folds */
};

/* Take the next mailbox from *list (a field's value); groups are flattened.
 * 1 found, 0 end, -1 syntax error (the list is then used up). */
int addr_next(struct str *list, struct addr *out);

/* Cut local@domain at the last @ outside quotes.  False without one. */
bool addr_split(struct str spec, struct str *local, struct str *domain);

/* A domain as we store and compare it: lower-case A-label, no final dot,
 * U-labels converted (IDNA 2008).  False if it is no domain name. */
bool addr_domain_fold(struct str domain, struct buf *out);

/* A local part as we compare ours: unquoted where the quotes are not needed,
 * ASCII lower case, NFC.  False if it is no local part (RFC 5321 s4.1.2,
 * RFC 6531) or over 64 octets. */
bool addr_local_fold(struct str local, struct buf *out);

/* Both: "Bob"@D.Test. -> bob@d.test.  False if it is no address. */
bool addr_fold(struct str spec, struct buf *out);

/* Cut the +detail off a folded local part. */
struct str addr_base(struct str folded_local);

#endif
