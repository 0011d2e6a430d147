/* SPDX-License-Identifier: MIT */
#include "common/net/tlsa.h"

#include <openssl/x509.h>
#include <stdlib.h>

#include "common/util/mem.h"
#include "tests/test.h"

#define D16 "0123456789abcdef"
#define D32 D16 D16
#define D64 D32 D32

static const struct {
	struct str rdata;
	bool usable;
} rows[] = {
    {STR("\3\1\1" D32),     true },
    {STR("\3\0\1" D32),     true },
    {STR("\3\1\2" D64),     true },
    {STR("\2\0\1" D32),     true },
    {STR("\2\1\2" D64),     true },
 /* kinds that mail does not know */
    {STR("\0\1\1" D32),     false},
    {STR("\1\1\1" D32),     false},
    {STR("\4\1\1" D32),     false},
    {STR("\377\1\1" D32),   false},
    {STR("\3\2\1" D32),     false},
    {STR("\3\377\1" D32),   false},
    {STR("\3\1\3" D32),     false},
    {STR("\3\1\377" D32),   false},
 /* of the wrong length */
    {STR(""),	       false},
    {STR("\3"),             false},
    {STR("\3\1"),           false},
    {STR("\3\1\1"),         false},
    {STR("\3\1\0"),         false},
    {STR("\3\1\1" D16),     false}, /* 19 octets */
    {STR("\3\1\1" D16 "x"), false}, /* 20 octets */
    {STR("\3\1\1" D32 "x"), false},
    {STR("\3\1\2" D32),     false},
    {STR("\3\1\1" D64),     false},
    {STR("\3\1\2" D64 "x"), false},
 /* said to be whole, and are nothing */
    {STR("\3\1\0" D32),     false},
    {STR("\3\0\0" D32),     false},
};

static void
test_rows(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct str rdata = rows[i].rdata;
		char *exact = malloc(rdata.len + 1); /* ASan sees its end */
		struct tlsa t;

		memcpy(exact, rdata.at, rdata.len);
		exact = mem_grow(exact, rdata.len > 0 ? rdata.len : 1, 1);
		if (tlsa_parse((struct str){exact, rdata.len}, &t) !=
		    rows[i].usable) {
			fprintf(stderr, "row %zu\n", i);
			test_failures++;
		} else if (rows[i].usable) {
			CHECK(t.usage == rdata.at[0]);
			CHECK(t.selector == rdata.at[1]);
			CHECK(t.matching == rdata.at[2]);
			CHECK(str_eq(t.data, str_after(rdata, 3)));
		}
		free(exact);
	}
}

/* ATTACKS A164 */
static void
test_sizes(void)
{
	char *octets = mem_new(65535, 1);
	struct tlsa t;

	for (int matching = 0; matching < 3; matching++)
		for (size_t len = 0; len <= 65535; len++) {
			bool digest = (matching == 1 && len == 35) ||
			              (matching == 2 && len == 67);

			octets[0] = 3;
			octets[1] = 1;
			octets[2] = (char)matching;
			CHECK(tlsa_parse((struct str){octets, len}, &t) ==
			      digest);
		}
	CHECK(!tlsa_parse((struct str){NULL, 0}, &t));
	free(octets);
}

/* A whole key or certificate, and what is not quite one. */
static void
test_whole(uint8_t selector, const unsigned char *der, size_t len)
{
	char octets[4096];
	struct tlsa t;

	CHECK(len + 4 < sizeof(octets));
	memcpy(octets, (char[]){3, (char)selector, 0}, 3);
	memcpy(octets + 3, der, len);
	octets[len + 3] = 0;
	CHECK(tlsa_parse((struct str){octets, len + 3}, &t));
	CHECK(t.matching == 0 && t.data.len == len);
	CHECK(!tlsa_parse((struct str){octets, len + 4}, &t));
	for (size_t n = 0; n < len + 3; n++)
		CHECK(!tlsa_parse((struct str){octets, n}, &t));
	octets[1] = selector == TLSA_KEY ? TLSA_CERTIFICATE : TLSA_KEY;
	CHECK(!tlsa_parse((struct str){octets, len + 3}, &t));
}

static void
test_whole_ones(void)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	unsigned char *der = NULL;
	X509 *cert = X509_new();
	int len;

	X509_set_pubkey(cert, key);
	X509_gmtime_adj(X509_getm_notBefore(cert), 0);
	X509_gmtime_adj(X509_getm_notAfter(cert), 60);
	CHECK(X509_sign(cert, key, EVP_sha256()) > 0);
	len = i2d_X509(cert, &der);
	test_whole(TLSA_CERTIFICATE, der, (size_t)len);
	OPENSSL_free(der);
	der = NULL;
	len = i2d_PUBKEY(key, &der);
	test_whole(TLSA_KEY, der, (size_t)len);
	OPENSSL_free(der);
	X509_free(cert);
	EVP_PKEY_free(key);
}

int
main(void)
{
	test_rows();
	test_sizes();
	test_whole_ones();
	return TEST_EXIT();
}
