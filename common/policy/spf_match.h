/* SPDX-License-Identifier: MIT */
/*
 * spf_match: does one mechanism of an SPF record match?  (RFC 7208 s5), pure.
 * And what more than one part of a check has to do: names, limits, errors.
 */
#ifndef POLICY_SPF_MATCH_H
#define POLICY_SPF_MATCH_H

#include "common/policy/spf.h"
#include "common/policy/spf_macro.h"
#include "common/policy/spf_record.h"

#define SPF_TERMS_MAX 10  /* that ask DNS (RFC 7208 s4.6.4) */
#define SPF_NAME_MAX  253 /* octets of a name, as text (s7.3) */

struct spf_name {
	char text[SPF_NAME_MAX + 1]; /* no NUL */
	size_t len;
};

static inline struct str
spf_name_str(const struct spf_name *n)
{
	return (struct str){n->text, n->len};
}

/* One go at a check, from its beginning to its end or to a fact that is not
 * known yet. */
struct spf_matcher {
	struct facts *facts;
	struct spf_output *out;
	struct spf_names names; /* domain and validated: of the term at hand */
	bool local_8bit;        /* the sender's local part is not ASCII */
	unsigned terms, voids;  /* so far, for the limits */
};

/* What one term says. */
enum spf_step {
	SPF_NO_MATCH, /* or, of other questions: go on */
	SPF_MATCH,
	SPF_END,  /* the check is over, with out->result */
	SPF_WAIT, /* facts are wanted */
};

/* Over, with a result and a sentence: SPF_END. */
enum spf_step spf_match_end(struct spf_matcher *m, enum spf_result r,
    const char *what, struct str about);

/* Count a term that asks DNS: SPF_NO_MATCH, or SPF_END beyond the limit. */
enum spf_step spf_match_count(
    struct spf_matcher *m, enum spf_kind kind, struct str domain);

/* The name a domain-spec stands for in a domain's record; the domain without
 * one.  SPF_NO_MATCH: nothing that DNS could have is so named (s4.8). */
enum spf_step spf_match_target(struct spf_matcher *m, struct str spec,
    struct str domain, struct spf_name *out);

/* Set what macro p stands for (s7.3).  False while facts are wanted. */
bool spf_match_validated(struct spf_matcher *m, struct str domain);

/* Any mechanism but include. */
enum spf_step spf_match_term(
    struct spf_matcher *m, const struct spf_term *t, struct str domain);

#endif
