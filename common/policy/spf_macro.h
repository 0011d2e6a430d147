/* SPDX-License-Identifier: MIT */
/*
 * spf_macro: the macros of SPF records (RFC 7208 s7), pure.
 *
 * What was found to be of the grammar when a record was parsed always expands.
 */
#ifndef POLICY_SPF_MACRO_H
#define POLICY_SPF_MACRO_H

#include "common/util/buf.h"

/* What the letters stand for. */
struct spf_names {
	struct str local;     /* l; with @ and o it is s */
	struct str origin;    /* o: the sender's domain */
	struct str domain;    /* d: whose record it is */
	struct str helo;      /* h */
	struct str receiver;  /* r; empty: "unknown" */
	struct str validated; /* p; empty: "unknown" */
	const uint8_t *ip;    /* i, c, v */
	size_t ip_len;
	int64_t now_s; /* t */
};

/* Where a macro stands says which letters it may have. */
enum spf_place {
	SPF_IN_TERM,    /* not c, r, t (s7.2) */
	SPF_IN_UNKNOWN, /* a modifier that means nothing to us */
	SPF_IN_EXPLAIN, /* also has spaces */
};

/* Is it a macro-string, or an explain-string? */
bool spf_macro_is_string(struct str text, enum spf_place place);

/* Is it a domain-spec? */
bool spf_macro_is_domain(struct str text);

/* Has it a macro of one of these letters, in either case? */
bool spf_macro_uses(struct str text, const char *letters);

/* Expand text, appended to out.  What does not fit is left out; keep_end: of
 * the end as many octets stay as half of out's limit, and no more is worked
 * out. */
void spf_macro_expand(struct str text, const struct spf_names *names,
    bool keep_end, struct buf *out);

#endif
