/* SPDX-License-Identifier: MIT */
#include "common/policy/key.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/policy/tags.h"
#include "common/util/enc.h"
#include "common/util/mem.h"

#define RSA_BITS_MIN    1024 /* RFC 8301 s3.2 */
#define RSA_BITS_MAX    8192
#define RSA_EXPONENT    8         /* octets: with more, checking is slow */
#define DER_MAX         (2 * KB)  /* an RSA key of 8,192 bits has 1,062 */
#define RECORD_MAX      (16 * KB) /* a longer one is no key */
#define ED25519_LEN     32
#define ED25519_SIG_LEN 64

struct key_public {
	EVP_PKEY *pkey;
	EVP_PKEY_CTX *rsa; /* ready to check with; NULL: Ed25519.  Making it
	                    * costs half of a check, copying it nothing */
};

bool
key_base64(struct str value, struct buf *out)
{
	struct buf text;
	bool ok;

	buf_init(&text, RECORD_MAX + 4);
	tags_squeeze(value, &text);
	for (int i = 0; i < 2 && text.len % 4 != 0; i++)
		buf_add_char(&text, '=');
	ok = !text.overrun && enc_base64_decode(buf_str(&text), out);
	buf_release(&text);
	return ok;
}

/* ---- the key itself ---- */

/* A DER element at the front of *s: definite, shortest length (X.690 s10.1).
 * RSA keys need so little of it that a reader for all of ASN.1, which makes
 * curves and what not of a stranger's octets, is not asked. */
static bool
der_take(struct str *s, uint8_t tag, struct str *out)
{
	const uint8_t *p = (const uint8_t *)s->at;
	size_t head = 2, n;

	if (s->len < 2 || p[0] != tag)
		return false;
	n = p[1];
	if (n == 0x81 && s->len >= 3 && p[2] >= 0x80) {
		n = p[2];
		head = 3;
	} else if (n == 0x82 && s->len >= 4 && p[2] != 0) {
		n = (size_t)p[2] << 8 | p[3];
		head = 4;
	} else if (n >= 0x80)
		return false;
	if (n > s->len - head)
		return false;
	*out = (struct str){s->at + head, n};
	*s = str_after(*s, head + n);
	return true;
}

/* A positive integer, without the zeros before it. */
static bool
der_take_number(struct str *s, struct str *out)
{
	if (!der_take(s, 0x02, out) || out->len == 0 ||
	    (unsigned char)out->at[0] >= 0x80)
		return false;
	while (out->len > 0 && out->at[0] == '\0')
		*out = str_after(*out, 1);
	return out->len > 0;
}

/* What is in a SubjectPublicKeyInfo (RFC 5280 s4.1) of an RSA key. */
static bool
unwrap(struct str der, struct str *out)
{
	static const struct str rsa = STR(
	    "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01");
	struct str all, algorithm;

	if (!der_take(&der, 0x30, &all) || der.len > 0 ||
	    !der_take(&all, 0x30, &algorithm) || !str_starts(algorithm, rsa) ||
	    !der_take(&all, 0x03, out) || all.len > 0 || out->len == 0 ||
	    out->at[0] != '\0')
		return false;
	*out = str_after(*out, 1);
	return true;
}

/* RFC 6376 s3.6.1: p= is an RSAPublicKey (RFC 8017 sA.1.1), by its words; by
 * its examples, and all the world, one in a SubjectPublicKeyInfo. */
static bool
read_rsa(struct str der, struct str *n, struct str *e)
{
	struct str inner = der, numbers;

	unwrap(der, &inner);
	return der_take(&inner, 0x30, &numbers) && inner.len == 0 &&
	       der_take_number(&numbers, n) && der_take_number(&numbers, e) &&
	       numbers.len == 0;
}

static unsigned
bits_of(struct str number)
{
	unsigned bits = (unsigned)number.len * 8;

	for (unsigned top = (unsigned char)number.at[0]; top < 0x80; top <<= 1)
		bits--;
	return bits;
}

static bool
is_odd(struct str number)
{
	return (number.at[number.len - 1] & 1) == 1;
}

static EVP_PKEY *
make_rsa(struct str n, struct str e)
{
	BIGNUM *bn = BN_bin2bn((const uint8_t *)n.at, (int)n.len, NULL);
	BIGNUM *be = BN_bin2bn((const uint8_t *)e.at, (int)e.len, NULL);
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	OSSL_PARAM *params = NULL;
	EVP_PKEY *pkey = NULL;

	if (bn != NULL && be != NULL && build != NULL && ctx != NULL &&
	    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, bn) == 1 &&
	    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, be) == 1 &&
	    (params = OSSL_PARAM_BLD_to_param(build)) != NULL &&
	    EVP_PKEY_fromdata_init(ctx) == 1 &&
	    EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)
		pkey = NULL;
	OSSL_PARAM_free(params);
	EVP_PKEY_CTX_free(ctx);
	OSSL_PARAM_BLD_free(build);
	BN_free(be);
	BN_free(bn);
	return pkey;
}

/* NULL if it can be read; else why not.  All is looked at before libcrypto
 * sees it. */
static const char *
open_rsa(struct str der, struct key_facts *facts, EVP_PKEY **out)
{
	struct str n, e;

	if (!read_rsa(der, &n, &e))
		return "p= is no RSA key";
	facts->bits = bits_of(n);
	if (facts->bits < RSA_BITS_MIN)
		return "the RSA key is under 1024 bits";
	if (facts->bits > RSA_BITS_MAX)
		return "the RSA key is over 8192 bits";
	if (!is_odd(n) || !is_odd(e) || bits_of(e) < 2 || e.len > RSA_EXPONENT)
		return "the RSA key is malformed";
	*out = make_rsa(n, e);
	return *out != NULL ? NULL : "p= is no RSA key";
}

/* RFC 8463 s4: the 32 octets as they are. */
static const char *
open_ed25519(struct str raw, struct key_facts *facts, EVP_PKEY **out)
{
	if (raw.len != ED25519_LEN)
		return "p= is no Ed25519 key";
	facts->bits = ED25519_LEN * 8;
	*out = EVP_PKEY_new_raw_public_key(
	    EVP_PKEY_ED25519, NULL, (const uint8_t *)raw.at, raw.len);
	return *out != NULL ? NULL : "p= is no Ed25519 key";
}

static const struct algorithm {
	struct str name;
	const char *(*open)(struct str, struct key_facts *, EVP_PKEY **);
} algorithms[] = {
    [KEY_RSA] = {STR("rsa"),     open_rsa    },
    [KEY_ED25519] = {STR("ed25519"), open_ed25519},
};

/* ---- the record (RFC 6376 s3.6.1) ---- */

/* Is the word in a list with colons?  Without a list, it is. */
static bool
listed(const struct tags *t, const char *tag, struct str word)
{
	struct str list;

	if (!tags_find(t, tag, &list))
		return true;
	while (list.len > 0) {
		struct buf one;
		bool found;

		buf_init(&one, RECORD_MAX);
		tags_squeeze(str_cut(&list, ':'), &one);
		found = str_eq(buf_str(&one), word);
		buf_release(&one);
		if (found)
			return true;
	}
	return false;
}

static bool
flag(const struct tags *t, struct str word)
{
	struct str ignored;

	return tags_find(t, "t", &ignored) && listed(t, "t", word);
}

/* NULL if it is a key record for mail that is signed with SHA-256. */
static const char *
judge(const struct tags *t, struct key_facts *facts)
{
	struct str value;
	size_t i = 0;

	if (tags_find(t, "v", &value) &&
	    (!str_eq(t->at[0].name, STR("v")) || !str_eq(value, STR("DKIM1"))))
		return "v= is not DKIM1, or not first";
	if (!tags_find(t, "k", &value))
		value = STR("rsa");
	while (!str_eq(algorithms[i].name, value))
		if (++i == sizeof(algorithms) / sizeof(algorithms[0]))
			return "k= is no kind of key we know";
	facts->algorithm = (enum key_algorithm)i;
	if (!listed(t, "h", STR("sha256")))
		return "h= does not allow sha256";
	if (!listed(t, "s", STR("*")) && !listed(t, "s", STR("email")))
		return "s= is not for email";
	facts->testing = flag(t, STR("y"));
	facts->strict = flag(t, STR("s"));
	return NULL;
}

static const char *
open_key(struct str p, struct key_facts *facts, EVP_PKEY **out)
{
	struct buf bytes;
	const char *why;

	buf_init(&bytes, DER_MAX);
	if (!key_base64(p, &bytes))
		why = "p= is not base64, or too long";
	else
		why = algorithms[facts->algorithm].open(
		    buf_str(&bytes), facts, out);
	buf_release(&bytes);
	return why;
}

/* NULL: it is none that can be checked with. */
static EVP_PKEY_CTX *
ready(EVP_PKEY *pkey)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(pkey, NULL);

	if (ctx != NULL && EVP_PKEY_verify_init(ctx) == 1 &&
	    EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1 &&
	    EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) == 1)
		return ctx;
	EVP_PKEY_CTX_free(ctx);
	return NULL;
}

enum key_record
key_record_parse(
    struct str record, struct key_facts *facts, struct key_public **out)
{
	struct tags tags;
	struct str p;
	EVP_PKEY *pkey = NULL;
	EVP_PKEY_CTX *rsa = NULL;
	const char *why;

	*facts = (struct key_facts){0};
	*out = NULL;
	if (record.len > RECORD_MAX || !tags_parse(record, &tags))
		why = "not a list of tags";
	else if ((why = judge(&tags, facts)) != NULL)
		;
	else if (!tags_find(&tags, "p", &p))
		why = "p= is missing";
	else if (p.len == 0)
		return KEY_RECORD_REVOKED;
	else
		why = open_key(p, facts, &pkey);
	if (why == NULL && facts->algorithm == KEY_RSA &&
	    (rsa = ready(pkey)) == NULL)
		why = "p= is no RSA key";
	if (why != NULL) {
		EVP_PKEY_free(pkey);
		snprintf(facts->why, sizeof(facts->why), "%s", why);
		return KEY_RECORD_BAD;
	}
	*out = MEM_NEW(struct key_public);
	(*out)->pkey = pkey;
	(*out)->rsa = rsa;
	return KEY_RECORD_OK;
}

void
key_public_free(struct key_public *k)
{
	if (k == NULL)
		return;
	EVP_PKEY_CTX_free(k->rsa);
	EVP_PKEY_free(k->pkey);
	free(k);
}

struct key_public *
key_public_dup(const struct key_public *k)
{
	struct key_public *out = MEM_NEW(struct key_public);

	out->pkey = k->pkey;
	if (EVP_PKEY_up_ref(out->pkey) != 1)
		abort(); /* cannot happen: k has it */
	if (k->rsa != NULL && (out->rsa = EVP_PKEY_CTX_dup(k->rsa)) == NULL)
		abort(); /* out of memory */
	return out;
}

/* ---- checking ---- */

/* RFC 8463 s3: PureEdDSA, of the digest. */
static bool
verify_ed25519(EVP_PKEY *pkey, const uint8_t *digest, struct str signature)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok = ctx != NULL && signature.len == ED25519_SIG_LEN &&
	          EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, pkey) == 1 &&
	          EVP_DigestVerify(ctx, (const uint8_t *)signature.at,
		      signature.len, digest, KEY_DIGEST_LEN) == 1;

	EVP_MD_CTX_free(ctx);
	return ok;
}

bool
key_verify(const struct key_public *k, const uint8_t digest[KEY_DIGEST_LEN],
    struct str signature)
{
	if (signature.len == 0)
		return false;
	if (k->rsa == NULL)
		return verify_ed25519(k->pkey, digest, signature);
	return EVP_PKEY_verify(k->rsa, (const uint8_t *)signature.at,
		   signature.len, digest, KEY_DIGEST_LEN) == 1;
}

void
key_sha256(struct str bytes, uint8_t out[KEY_DIGEST_LEN])
{
	if (EVP_Digest(bytes.len > 0 ? bytes.at : "", bytes.len, out, NULL,
		EVP_sha256(), NULL) != 1)
		abort(); /* out of memory, or no libcrypto to speak of */
}
