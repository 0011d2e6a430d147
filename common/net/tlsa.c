/* SPDX-License-Identifier: MIT */
#include "common/net/tlsa.h"

#include <openssl/err.h>
#include <openssl/x509.h>

#define HEAD 3 /* usage, selector, matching type */

static bool
is_certificate(struct str der)
{
	const unsigned char *at = (const unsigned char *)der.at;
	X509 *x = d2i_X509(NULL, &at, (long)der.len);
	bool good = x != NULL && (const char *)at == der.at + der.len &&
	            X509_get0_pubkey(x) != NULL;

	X509_free(x);
	ERR_clear_error();
	return good;
}

static bool
is_public_key(struct str der)
{
	const unsigned char *at = (const unsigned char *)der.at;
	EVP_PKEY *key = d2i_PUBKEY(NULL, &at, (long)der.len);
	bool good = key != NULL && (const char *)at == der.at + der.len;

	EVP_PKEY_free(key);
	ERR_clear_error();
	return good;
}

/* RFC 6698 s2.1.3: how long the data of each matching type is; whole: any. */
static const size_t lengths[] = {0, 32, 64};

#define N_LENGTHS (sizeof(lengths) / sizeof(lengths[0]))

bool
tlsa_read(struct str rdata, struct tlsa *out)
{
	if (rdata.len <= HEAD || rdata.len > HEAD + TLSA_DATA_MAX)
		return false;
	*out = (struct tlsa){
	    .usage = (uint8_t)rdata.at[0],
	    .selector = (uint8_t)rdata.at[1],
	    .matching = (uint8_t)rdata.at[2],
	    .data = str_after(rdata, HEAD),
	};
	return true;
}

bool
tlsa_parse(struct str rdata, struct tlsa *out)
{
	struct tlsa t;

	if (!tlsa_read(rdata, &t))
		return false;
	if (t.usage != TLSA_DANE_TA && t.usage != TLSA_DANE_EE)
		return false; /* RFC 7672 s3.1.3 */
	if (t.selector > TLSA_KEY || t.matching >= N_LENGTHS)
		return false;
	*out = t;
	if (lengths[t.matching] != 0)
		return t.data.len == lengths[t.matching];
	return t.selector == TLSA_KEY ? is_public_key(t.data)
	                              : is_certificate(t.data);
}
