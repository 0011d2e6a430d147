/* SPDX-License-Identifier: MIT */
/*
 * iprev: does the name of an address lead back to it?  (RFC 8601 s3), pure.
 * At most five names are followed.
 */
#ifndef POLICY_IPREV_H
#define POLICY_IPREV_H

#include "common/policy/facts.h"

enum iprev_result {
	IPREV_PASS,
	IPREV_FAIL,      /* it has names, none leads back */
	IPREV_TEMPERROR, /* nothing is known */
	IPREV_PERMERROR, /* it has no name (RFC 8601 s2.7.3) */
};

struct iprev_output {
	enum iprev_result result;
	char
	    name[256]; /* pass: that leads back; else the first one, or empty */
};

/* False: facts are wanted; call again. */
bool iprev_check(struct facts *f, const uint8_t *ip, size_t ip_len,
    struct iprev_output *out);

const char *iprev_word(enum iprev_result r);

/* "1.2.0.192.in-addr.arpa" or the nibbles under ip6.arpa; with another zone
 * than NULL under that (RFC 5782 s2). */
void iprev_name(
    const uint8_t *ip, size_t ip_len, const char *zone, char out[256]);

#endif
