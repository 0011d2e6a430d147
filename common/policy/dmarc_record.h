/* SPDX-License-Identifier: MIT */
/*
 * dmarc_record: what a domain publishes at _dmarc (RFC 7489 s6.3, RFC 9989
 * s4.7, s4.8), pure.
 *
 * What is wrong in a record is left out, as RFC 9989 s4.8 says: a tag that is
 * there twice, has a control or 8-bit in it, or has a value it cannot have,
 * counts as one with a bad value.  pct is gone in RFC 9989; only pct=0, which
 * is how people say "we are testing" under RFC 7489, still means something: the
 * same as t=y.
 */
#ifndef POLICY_DMARC_RECORD_H
#define POLICY_DMARC_RECORD_H

#include "common/policy/dmarc.h"

enum dmarc_psd {
	DMARC_PSD_UNKNOWN,
	DMARC_PSD_YES, /* a public suffix: organizations are one label below */
	DMARC_PSD_NO,  /* an organization */
};

struct dmarc_record {
	struct str text; /* as published, borrowed */
	bool usable;     /* false: no policy can be read, nor a report address:
	                  * no DMARC (RFC 9989 s4.10.1) */
	enum dmarc_policy p;
	enum dmarc_policy sp; /* of subdomains: p if it has none */
	enum dmarc_policy
	    np; /* of those that do not exist: sp if it has none */
	bool has_np;
	bool strict_dkim, strict_spf;
	bool testing;
	enum dmarc_psd psd;
};

/* False: it is no DMARC record (it does not begin with v=DMARC1). */
bool dmarc_record_parse(struct str text, struct dmarc_record *out);

#endif
