/* SPDX-License-Identifier: MIT */
/*
 * dnsbl: is an address on lists of known senders of abuse?  (RFC 5782), pure.
 *
 * A list has a weight; an answer in 127.0.0.0/8 is a listing, but
 * 127.255.255.0/24 says that the list will not answer us (a public resolver,
 * too many questions), and anything else is no answer at all: both count
 * nothing and are told as problems.  A list that does not answer counts
 * nothing.
 */
#ifndef POLICY_DNSBL_H
#define POLICY_DNSBL_H

#include "common/policy/facts.h"
#include "common/util/buf.h"

#define DNSBL_LISTS_MAX 10

struct dnsbl_list {
	struct str zone;  /* borrowed */
	int weight;       /* -100 to 100; below 0 it is a list of good ones */
	uint8_t codes[4]; /* only answers 127.a.b.c with these; 0 is any.
	                   * codes[0] is unused */
};

/* "zen.spamhaus.org=10" or "list.example=127.0.0.4*3" or a zone alone (1).
 * False if it is none of these. */
bool dnsbl_parse(struct str word, struct dnsbl_list *out);

struct dnsbl_output {
	int weight;        /* sum over the lists it is on */
	char lists[512];   /* their zones, a space between */
	char reason[256];  /* the heaviest one's TXT, printable ASCII; may be
	                    * empty */
	char problem[256]; /* lists that refuse or err; may be empty */
};

/* False: facts are wanted; call again. */
bool dnsbl_check(struct facts *f, const uint8_t *ip, size_t ip_len,
    const struct dnsbl_list *lists, size_t n, struct dnsbl_output *out);

#endif
