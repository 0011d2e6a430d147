/* SPDX-License-Identifier: MIT */
/* tlsa: one record of DANE (RFC 6698 s2.1), as mail uses it (RFC 7672 s3). */
#ifndef NET_TLSA_H
#define NET_TLSA_H

#include "common/util/str.h"

#define TLSA_MAX      16   /* records looked at */
#define TLSA_DATA_MAX 8192 /* longer ones are not usable */

enum tlsa_usage {         /* the two that mail knows */
	TLSA_DANE_TA = 2, /* a CA of the server's, who names it */
	TLSA_DANE_EE = 3, /* the server's own, whatever it names */
};

enum tlsa_selector {
	TLSA_CERTIFICATE = 0,
	TLSA_KEY = 1, /* its SubjectPublicKeyInfo */
};

struct tlsa {
	uint8_t usage;    /* enum tlsa_usage */
	uint8_t selector; /* enum tlsa_selector */
	uint8_t matching; /* 0 whole, 1 SHA-256, 2 SHA-512 */
	struct str data;  /* borrowed */
};

/* Of rdata.  False: malformed, or of a kind that mail does not know: PKIX-TA,
 * PKIX-EE (RFC 7672 s3.1.3), a digest of the wrong length, octets that are
 * said to be a certificate or a key and are not. */
bool tlsa_parse(struct str rdata, struct tlsa *out);

/* The same of any kind, as it is: false where it is malformed or too long. */
bool tlsa_read(struct str rdata, struct tlsa *out);

#endif
