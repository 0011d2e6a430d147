/* SPDX-License-Identifier: MIT */
/*
 * dkim: checking the signatures of a message (RFC 6376, 8301, 8463, 8616),
 * pure but for libcrypto.
 *
 *	dkim_new(header) -> dkim_body(piece)... -> dkim_check() until true
 *
 * The first DKIM_SIGNATURES_MAX signatures are looked at.  A signature that
 * covers only part of the body (l=) is told as such and is not to be believed
 * by DMARC (RFC 6376 s8.2).
 */
#ifndef POLICY_DKIM_H
#define POLICY_DKIM_H

#include "common/policy/facts.h"
#include "common/policy/key.h"

#define DKIM_SIGNATURES_MAX 8

/* R(NAME, "word of RFC 8601 s2.7.1") */
#define DKIM_RESULTS(R)                                                        \
	R(NONE, "none")                                                        \
	R(PASS, "pass")                                                        \
	R(FAIL, "fail")       /* the signature or a hash is wrong */           \
	R(POLICY, "policy")   /* right, of a part of the body or of From */    \
	R(NEUTRAL, "neutral") /* cannot be read as a signature */              \
	R(TEMPERROR, "temperror") /* the key could not be asked for */         \
	R(PERMERROR, "permerror") /* no key, a revoked, a weak one, sha1 */

enum dkim_result {
#define R(name, word) DKIM_##name,
	DKIM_RESULTS(R)
#undef R
};

struct dkim_verdict {
	enum dkim_result result;
	char domain[256];   /* d=, folded to A-labels; empty if unreadable */
	char selector[256]; /* s= */
	char identity[320]; /* i=, or "@" and d= */
	char algorithm[32]; /* a= */
	char signature[16]; /* first octets of b= (header.b of RFC 6008) */
	bool partial;       /* l= leaves some of the body out */
	bool testing;
	unsigned bits; /* of the key, when it was read */
	char why[200]; /* not pass: a sentence for people */
};

struct dkim;

/* block: the header as it came, without the empty line; borrowed until
 * dkim_free().  now_s: for x=. */
struct dkim *dkim_new(struct str block, int64_t now_s);
void dkim_free(struct dkim *d);

/* The body as it came, in pieces; then its end. */
void dkim_body(struct dkim *d, struct str piece);
void dkim_body_end(struct dkim *d);

/* False: facts are wanted; call again.  Before the end of the body it only asks
 * for the keys, so that they are there in time, and is false. */
bool dkim_check(struct dkim *d, struct facts *f);

/* Signatures looked at, from the top; after dkim_check(). */
size_t dkim_count(const struct dkim *d);
const struct dkim_verdict *dkim_verdict(const struct dkim *d, size_t i);

/* How many there were in all. */
size_t dkim_signatures(const struct dkim *d);

const char *dkim_word(enum dkim_result r);

#endif
