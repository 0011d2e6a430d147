/* SPDX-License-Identifier: MIT */
/*
 * dmarc: does the author's domain stand behind this message?  (RFC 7489, with
 * the tree walk of its successor RFC 9989 in place of a public suffix list),
 * pure.
 */
#ifndef POLICY_DMARC_H
#define POLICY_DMARC_H

#include "common/policy/facts.h"

/* R(NAME, "word of RFC 8601 s2.7 / RFC 7489 s11.2") */
#define DMARC_RESULTS(R)                                                       \
	R(NONE, "none") /* no policy is published */                           \
	R(PASS, "pass")                                                        \
	R(FAIL, "fail")                                                        \
	R(TEMPERROR, "temperror")                                              \
	R(PERMERROR, "permerror") /* From names no domain that can be asked */

enum dmarc_result {
#define R(name, word) DMARC_##name,
	DMARC_RESULTS(R)
#undef R
};

enum dmarc_policy {
	DMARC_POLICY_NONE,
	DMARC_POLICY_QUARANTINE,
	DMARC_POLICY_REJECT
};

/* A domain that has been shown to have sent it: SPF pass of MAIL's domain, or
 * a DKIM pass over the whole body. */
struct dmarc_proof {
	struct str domain;
	bool dkim; /* adkim governs, else aspf */
};

struct dmarc_input {
	struct str author; /* domain of From, folded */
	const struct dmarc_proof *proofs;
	size_t n;
	bool unsure; /* SPF or a DKIM key had a temperror: a fail may be none */
};

struct dmarc_output {
	enum dmarc_result result;    /* TEMPERROR also: fail, and unsure */
	enum dmarc_policy policy;    /* what the domain asks for: p, sp or np;
	                              * for t=y one less (RFC 9989 s4.7),
	                              * and so for pct=0 (RFC 7489 s6.6.4);
	                              * another pct has no meaning */
	enum dmarc_policy published; /* before t=y and pct */
	char domain[256];            /* whose record it is; empty: none found */
	char organization[256];      /* the author's organizational domain */
	char record[512];            /* as published, printable; cut */
	char aligned[256];           /* pass: the proof's domain */
	bool by_dkim;                /* pass: and it was DKIM */
	char why[200];               /* a sentence for people */
};

/* False: facts are wanted; call again. */
bool dmarc_check(
    struct facts *f, const struct dmarc_input *in, struct dmarc_output *out);

/* The organizational domain of a name (RFC 9989 s4.10), at most 8 questions.
 * False: facts are wanted. */
bool dmarc_organization(struct facts *f, struct str name, char out[256]);

const char *dmarc_word(enum dmarc_result r);
const char *dmarc_policy_word(enum dmarc_policy p);

#endif
