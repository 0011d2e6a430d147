/* SPDX-License-Identifier: MIT */
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdlib.h>

#include "common/policy/key.h"
#include "common/util/enc.h"
#include "common/util/mem.h"

#define RSA_BITS     2048 /* RFC 8301 s3.2 */
#define RSA_BITS_MAX 8192
#define ED25519_LEN  32

struct key_private {
	enum key_algorithm algorithm;
	EVP_PKEY *pkey;
};

static int
fail_crypto(struct fail *f, const char *what)
{
	return fail(f, FAIL_TEMP, "libcrypto cannot %s", what);
}

/* Append what i2d gave, wipe and free it. */
static bool
add_der(struct buf *out, uint8_t *der, int len)
{
	if (len <= 0)
		return false;
	buf_add(out, (struct str){(const char *)der, (size_t)len});
	OPENSSL_clear_free(der, (size_t)len);
	return !out->overrun;
}

static bool
add_secret(EVP_PKEY *pkey, struct buf *secret)
{
	PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(pkey);
	uint8_t *der = NULL;
	int len = info != NULL ? i2d_PKCS8_PRIV_KEY_INFO(info, &der) : -1;

	PKCS8_PRIV_KEY_INFO_free(info); /* it wipes what it held */
	return add_der(secret, der, len);
}

static bool
add_record(EVP_PKEY *pkey, enum key_algorithm a, struct buf *record)
{
	uint8_t raw[ED25519_LEN], *der = NULL;
	size_t n = sizeof(raw);
	struct buf bytes;
	bool ok;

	buf_init(&bytes, 4 * KB);
	if (a == KEY_RSA) {
		int len = i2d_PUBKEY(pkey, &der);

		ok = add_der(&bytes, der, len);
	} else if ((ok = EVP_PKEY_get_raw_public_key(pkey, raw, &n) == 1))
		buf_add(&bytes, (struct str){(const char *)raw, n});
	buf_addf(record, "v=DKIM1; k=%s; p=", a == KEY_RSA ? "rsa" : "ed25519");
	enc_base64(buf_str(&bytes), record);
	buf_release(&bytes);
	return ok && !record->overrun;
}

int
key_make(enum key_algorithm a, struct buf *secret, struct buf *record,
    struct fail *f)
{
	EVP_PKEY *pkey = a == KEY_RSA
	                     ? EVP_PKEY_Q_keygen(
				   NULL, NULL, "RSA", (size_t)RSA_BITS)
	                     : EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	int rc = -1;

	if (pkey == NULL)
		return fail_crypto(f, "make a key");
	if (!add_secret(pkey, secret) || !add_record(pkey, a, record))
		fail_crypto(f, "write a key");
	else
		rc = 0;
	EVP_PKEY_free(pkey);
	return rc;
}

/* PKCS#8 and nothing behind it. */
static EVP_PKEY *
read_pkcs8(struct str secret)
{
	const uint8_t *p = (const uint8_t *)secret.at;
	PKCS8_PRIV_KEY_INFO *info;
	EVP_PKEY *pkey = NULL;

	if (secret.len == 0 || secret.len > 16 * KB)
		return NULL;
	info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &p, (long)secret.len);
	if (info != NULL && p == (const uint8_t *)secret.at + secret.len)
		pkey = EVP_PKCS82PKEY(info);
	PKCS8_PRIV_KEY_INFO_free(info);
	return pkey;
}

struct key_private *
key_private_read(struct str secret, struct fail *f)
{
	EVP_PKEY *pkey = read_pkcs8(secret);
	int id = pkey != NULL ? EVP_PKEY_get_base_id(pkey) : EVP_PKEY_NONE;
	int bits = id == EVP_PKEY_RSA ? EVP_PKEY_get_bits(pkey) : 0;
	struct key_private *k;

	if (id != EVP_PKEY_ED25519 && (bits < 1024 || bits > RSA_BITS_MAX)) {
		EVP_PKEY_free(pkey);
		fail(f, FAIL_PERM,
		    "not a private key (PKCS#8, RSA of 1024 to 8192 bits or "
		    "Ed25519)");
		return NULL;
	}
	k = MEM_NEW(struct key_private);
	k->algorithm = id == EVP_PKEY_RSA ? KEY_RSA : KEY_ED25519;
	k->pkey = pkey;
	return k;
}

void
key_private_free(struct key_private *k)
{
	if (k == NULL)
		return;
	EVP_PKEY_free(k->pkey); /* it wipes what is secret */
	free(k);
}

enum key_algorithm
key_private_algorithm(const struct key_private *k)
{
	return k->algorithm;
}

static bool
sign_rsa(EVP_PKEY *pkey, const uint8_t *digest, uint8_t *out, size_t *n)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(pkey, NULL);
	bool ok = ctx != NULL && EVP_PKEY_sign_init(ctx) == 1 &&
	          EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1 &&
	          EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) == 1 &&
	          EVP_PKEY_sign(ctx, out, n, digest, KEY_DIGEST_LEN) == 1;

	EVP_PKEY_CTX_free(ctx);
	return ok;
}

static bool
sign_ed25519(EVP_PKEY *pkey, const uint8_t *digest, uint8_t *out, size_t *n)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok = ctx != NULL &&
	          EVP_DigestSignInit(ctx, NULL, NULL, NULL, pkey) == 1 &&
	          EVP_DigestSign(ctx, out, n, digest, KEY_DIGEST_LEN) == 1;

	EVP_MD_CTX_free(ctx);
	return ok;
}

int
key_sign(const struct key_private *k, const uint8_t digest[KEY_DIGEST_LEN],
    struct buf *out, struct fail *f)
{
	uint8_t signature[KEY_SIGNATURE_MAX];
	size_t n = sizeof(signature);
	bool ok = k->algorithm == KEY_RSA
	              ? sign_rsa(k->pkey, digest, signature, &n)
	              : sign_ed25519(k->pkey, digest, signature, &n);

	if (!ok)
		return fail_crypto(f, "sign");
	buf_add(out, (struct str){(const char *)signature, n});
	return out->overrun ? fail(f, FAIL_TEMP, "no room for a signature") : 0;
}
