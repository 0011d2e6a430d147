/* SPDX-License-Identifier: MIT */
/*
 * spf: may this address send mail for that domain?  (RFC 7208), pure.
 *
 * Limits (s4.6.4): 10 terms that ask DNS, 10 names of an MX or PTR, 2 void
 * lookups; the explanation of a fail is fetched outside of them.
 */
#ifndef POLICY_SPF_H
#define POLICY_SPF_H

#include "common/policy/facts.h"
#include "common/util/buf.h"

/* R(NAME, "word of RFC 8601 s2.7.2") */
#define SPF_RESULTS(R)                                                         \
	R(NONE, "none")                                                        \
	R(NEUTRAL, "neutral")                                                  \
	R(PASS, "pass")                                                        \
	R(FAIL, "fail")                                                        \
	R(SOFTFAIL, "softfail")                                                \
	R(TEMPERROR, "temperror")                                              \
	R(PERMERROR, "permerror")

enum spf_result {
#define R(name, word) SPF_##name,
	SPF_RESULTS(R)
#undef R
};

struct spf_input {
	const uint8_t
	    *ip; /* 4 or 16 octets; an IPv4-mapped one counts as IPv4 */
	size_t ip_len;
	struct str helo;     /* as said */
	struct str sender;   /* local@domain of MAIL, or empty for <>: then the
	                      * identity is postmaster@helo (s2.4) */
	struct str receiver; /* our host name, for macro r */
	int64_t now_s;       /* for macro t */
};

struct spf_output {
	enum spf_result result;
	char domain[256];  /* whose record it was; A-labels */
	char term[256];    /* that matched ("ip4:192.0.2.0/24"), empty: none */
	char explain[512]; /* fail: the domain's words, printable ASCII; may be
	                    * empty */
	char problem[256]; /* temperror, permerror: a sentence */
	bool by_helo;      /* the identity was HELO */
};

/* False: facts are wanted; call again.  in: the same each time. */
bool spf_check(
    struct facts *f, const struct spf_input *in, struct spf_output *out);

const char *spf_word(enum spf_result r);

#endif
