/* SPDX-License-Identifier: MIT */
/*
 * spf_record: the text of an SPF record (RFC 7208 s4.5, s4.6, s12), pure.
 * Everything borrows from it.
 */
#ifndef POLICY_SPF_RECORD_H
#define POLICY_SPF_RECORD_H

#include "common/util/str.h"

/* K(NAME, "word"): mechanisms, then modifiers. */
#define SPF_KINDS(K)                                                           \
	K(ALL, "all")                                                          \
	K(INCLUDE, "include")                                                  \
	K(A, "a")                                                              \
	K(MX, "mx")                                                            \
	K(PTR, "ptr")                                                          \
	K(IP4, "ip4")                                                          \
	K(IP6, "ip6")                                                          \
	K(EXISTS, "exists")                                                    \
	K(REDIRECT, "redirect")                                                \
	K(EXP, "exp")                                                          \
	K(UNKNOWN, "")

enum spf_kind {
#define K(name, word) SPF_TERM_##name,
	SPF_KINDS(K)
#undef K
};

struct spf_term {
	enum spf_kind kind;
	struct str text; /* all of it */
	char qualifier;  /* one of "+-~?" */
	struct str spec; /* its domain-spec; empty: none */
	unsigned bits4, bits6;
	uint8_t network[16]; /* ip4 (4 octets), ip6 */
};

struct spf_record {
	struct str terms;         /* for spf_term_next() */
	struct str redirect, exp; /* domain-specs; empty: none */
	struct str bad;           /* what is wrong, if it is */
	const char *why;
};

/* Is a TXT an SPF record at all? */
bool spf_record_is(struct str txt);

/* Check all of it.  False: a syntax error; then bad and why are set. */
bool spf_record_parse(struct str txt, struct spf_record *out);

/* The next term of a good record, or false. */
bool spf_term_next(struct str *terms, struct spf_term *out);

#endif
