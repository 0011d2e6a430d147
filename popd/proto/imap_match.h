/* SPDX-License-Identifier: MIT */
/*
 * imap_match: does a mailbox name match one of the patterns of LIST
 * (RFC 9051 s6.3.9)?  `*' stands for anything, `%' for anything but '/'.
 *
 * All patterns together are one automaton, whose states are bits: a name costs
 * its length times IMAP_MATCH_STATES / 64 steps at most, whatever the patterns
 * are.
 */
#ifndef POPD_PROTO_IMAP_MATCH_H
#define POPD_PROTO_IMAP_MATCH_H

#include "common/util/str.h"

#define IMAP_MATCH_STATES 4096 /* octets of all patterns, about */
#define IMAP_MATCH_NAME   1000 /* a pattern that asks for more matches none */

struct imap_match;

struct imap_match *imap_match_new(void);
void imap_match_free(struct imap_match *m); /* NULL is fine */

/* A pattern more; the reference before it is taken as it is, wildcards too.
 * False when there are too many, and it was not added.  Not after the first
 * imap_match_name(). */
bool imap_match_add(
    struct imap_match *m, struct str reference, struct str pattern);

/* INBOX, as a whole first level, matches in any case. */
bool imap_match_name(struct imap_match *m, struct str name);

/* Has one of them a `%'? */
bool imap_match_has_percent(const struct imap_match *m);

#endif
