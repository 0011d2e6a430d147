/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "common/net/tlsa.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is usable is so for OpenSSL too. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rdata = {(const char *)data, size};
	struct tlsa t;
	SSL_CTX *ctx;
	SSL *ssl;

	if (!tlsa_parse(rdata, &t))
		return 0;
	assert(t.usage == TLSA_DANE_TA || t.usage == TLSA_DANE_EE);
	assert(t.data.len > 0 && t.data.len == size - 3);
	ctx = SSL_CTX_new(TLS_client_method());
	assert(SSL_CTX_dane_enable(ctx) > 0);
	ssl = SSL_new(ctx);
	assert(SSL_dane_enable(ssl, "mx.d.test") > 0);
	assert(SSL_dane_tlsa_add(ssl, t.usage, t.selector, t.matching,
		   (const unsigned char *)t.data.at, t.data.len) > 0);
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	assert(ERR_peek_error() == 0);
	return 0;
}
