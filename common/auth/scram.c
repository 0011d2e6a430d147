/* SPDX-License-Identifier: MIT */
#include "common/auth/scram.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#include "common/auth/sasl.h"
#include "common/util/enc.h"
#include "common/util/secret.h"
#include "common/util/utf8.h"

#define AUTH_MESSAGE_MAX (4 * SCRAM_MESSAGE_MAX)
#define BINDING_TYPE     "tls-exporter" /* RFC 9266 */

/* ---- H(), HMAC(), Hi() of RFC 5802 s2.2 ---- */

static struct str
octets(const uint8_t *at, size_t n)
{
	return (struct str){(const char *)at, n};
}

static void
hmac(struct str key, struct str text, uint8_t out[SCRAM_KEY_LEN])
{
	unsigned n = SCRAM_KEY_LEN;
	const unsigned char *done = HMAC(EVP_sha256(),
	    key.at != NULL ? key.at : "", (int)key.len,
	    (const unsigned char *)(text.at != NULL ? text.at : ""), text.len,
	    out, &n);

	assert(done != NULL && n == SCRAM_KEY_LEN);
}

static void
hash(struct str text, uint8_t out[SCRAM_KEY_LEN])
{
	int rc = EVP_Digest(text.at, text.len, out, NULL, EVP_sha256(), NULL);

	assert(rc == 1);
}

static bool
is_same(const uint8_t a[SCRAM_KEY_LEN], const uint8_t b[SCRAM_KEY_LEN])
{
	return CRYPTO_memcmp(a, b, SCRAM_KEY_LEN) == 0;
}

/* ---- keys ---- */

/* RFC 5802 s3 */
void
scram_keys_make(struct scram_keys *k, struct str password,
    const uint8_t salt[SCRAM_SALT_LEN], unsigned iterations)
{
	uint8_t salted[SCRAM_KEY_LEN], client[SCRAM_KEY_LEN];
	int rc = PKCS5_PBKDF2_HMAC(password.at != NULL ? password.at : "",
	    (int)password.len, salt, SCRAM_SALT_LEN, (int)iterations,
	    EVP_sha256(), SCRAM_KEY_LEN, salted);

	assert(rc == 1);
	memcpy(k->salt, salt, SCRAM_SALT_LEN);
	k->iterations = iterations;
	hmac(octets(salted, sizeof(salted)), STR("Client Key"), client);
	hash(octets(client, sizeof(client)), k->stored);
	hmac(octets(salted, sizeof(salted)), STR("Server Key"), k->server);
	OPENSSL_cleanse(salted, sizeof(salted));
	OPENSSL_cleanse(client, sizeof(client));
}

static void
fake(struct str what, struct str user, const uint8_t secret[SCRAM_KEY_LEN],
    uint8_t out[SCRAM_KEY_LEN])
{
	struct buf text;

	buf_init(&text, what.len + user.len + 1);
	buf_add(&text, what);
	buf_add_char(&text, '\0');
	buf_add(&text, user);
	hmac(octets(secret, SCRAM_KEY_LEN), buf_str(&text), out);
	buf_release(&text);
}

void
scram_keys_fake(
    struct scram_keys *k, struct str user, const uint8_t secret[SCRAM_KEY_LEN])
{
	uint8_t salt[SCRAM_KEY_LEN];

	fake(STR("salt"), user, secret, salt);
	memcpy(k->salt, salt, SCRAM_SALT_LEN);
	k->iterations = SCRAM_ITERATIONS;
	/* no password is known to hash to these */
	fake(STR("stored"), user, secret, k->stored);
	fake(STR("server"), user, secret, k->server);
}

/* ---- grammar (RFC 5802 s7) ---- */

/* value-char: UTF-8 without NUL and "," */
static bool
is_value(struct str s)
{
	return s.len > 0 && memchr(s.at, '\0', s.len) == NULL && utf8_valid(s);
}

/* printable: %x21-2B / %x2D-7E */
static bool
is_nonce(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.at[i] <= ' ' || s.at[i] > '~' || s.at[i] == ',')
			return false;
	return s.len > 0;
}

/* The value of the attribute at the front, which must be this one. */
static bool
take_attribute(struct str *in, char name, struct str *value)
{
	if (!str_take(in, name) || !str_take(in, '='))
		return false;
	*value = str_cut(in, ',');
	return true;
}

/* Optional attributes that we know nothing of.  RFC 5802 s5.1: "m" must fail,
 * and those that have a place of their own stand nowhere else. */
static bool
skip_extensions(struct str in)
{
	static const struct str taken = STR("acemnprsvi");
	size_t at;

	while (in.len > 0) {
		struct str one = str_cut(&in, ',');
		char name = one.len > 0 ? one.at[0] : '\0';

		if (!((name >= 'a' && name <= 'z') ||
			(name >= 'A' && name <= 'Z')) ||
		    str_find(taken, name, &at) ||
		    !str_starts(str_after(one, 1), STR("=")) ||
		    !is_value(str_after(one, 2)))
			return false;
	}
	return true;
}

/* saslname: "," and "=" are written =2C and =3D. */
static bool
decode_name(struct str in, struct buf *out)
{
	if (!is_value(in))
		return false;
	while (in.len > 0) {
		size_t at;
		struct str plain = str_find(in, '=', &at) ? str_first(in, at)
		                                          : in;

		buf_add(out, plain);
		in = str_after(in, plain.len);
		if (in.len == 0)
			break;
		if (str_starts(in, STR("=2C")))
			buf_add_char(out, ',');
		else if (str_starts(in, STR("=3D")))
			buf_add_char(out, '=');
		else
			return false;
		in = str_after(in, 3);
	}
	return true;
}

/* ---- the exchange ---- */

void
scram_init(struct scram *s)
{
	*s = (struct scram){.plus = false};
	buf_init(&s->user, SASL_NAME_MAX);
	buf_init(&s->first_bare, SCRAM_MESSAGE_MAX);
	buf_init(&s->server_first, SCRAM_MESSAGE_MAX);
	buf_init(&s->gs2, SCRAM_MESSAGE_MAX);
	buf_init(&s->nonce, 2 * SCRAM_NONCE_MAX);
}

void
scram_release(struct scram *s)
{
	buf_release(&s->user);
	buf_release(&s->first_bare);
	buf_release(&s->server_first);
	buf_release(&s->gs2);
	buf_release(&s->nonce);
	s->plus = false;
}

/* RFC 5802 s6: the flag says what the client can and chose. */
static bool
is_flag_allowed(struct str flag, enum scram_binding b)
{
	switch (b) {
	case SCRAM_NO_BINDING:
		return str_eq(flag, STR("n")) || str_eq(flag, STR("y"));
	case SCRAM_BINDING_OFFERED:
		/* "y": the client can and was told that we cannot: somebody
		 * took -PLUS out of our offer */
		return str_eq(flag, STR("n"));
	case SCRAM_BINDING_USED:
		return str_eq(flag, STR("p=" BINDING_TYPE));
	}
	return false;
}

static bool
has_control(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.at[i] < ' ' || s.at[i] == 0x7f)
			return true;
	return false;
}

/* Nobody is called so, or may act for another. */
static void
doubt_user(struct scram *s, struct str authzid)
{
	if (s->user.overrun || has_control(buf_str(&s->user)) ||
	    (authzid.len > 0 && !str_eq(authzid, buf_str(&s->user))))
		buf_clear(&s->user);
}

/* What follows the gs2 header. */
static bool
read_bare(struct scram *s, struct str bare)
{
	struct str name, nonce;

	if (str_ends_nocase(bare, STR(",")))
		return false;
	buf_add(&s->first_bare, bare);
	/* "m=" (RFC 5802 s5.1) would stand before the name */
	if (!take_attribute(&bare, 'n', &name) ||
	    !take_attribute(&bare, 'r', &nonce) || !decode_name(name, &s->user))
		return false;
	if (!is_nonce(nonce) || nonce.len > SCRAM_NONCE_MAX)
		return false;
	buf_add(&s->nonce, nonce);
	return skip_extensions(bare);
}

bool
scram_first(struct scram *s, struct str message, enum scram_binding b)
{
	struct str rest = message, flag, authzid;
	struct buf identity;
	bool good;

	assert(s->first_bare.len == 0);
	if (message.len > SCRAM_MESSAGE_MAX)
		return false;
	s->plus = b == SCRAM_BINDING_USED;
	flag = str_cut(&rest, ',');
	authzid = str_cut(&rest, ',');
	if (!is_flag_allowed(flag, b) || rest.len == 0)
		return false;
	buf_add(&s->gs2, str_first(message, message.len - rest.len));
	buf_init(&identity, SCRAM_MESSAGE_MAX);
	good = authzid.len == 0 ||
	       (str_take(&authzid, 'a') && str_take(&authzid, '=') &&
		   decode_name(authzid, &identity));
	good = good && read_bare(s, rest);
	if (good)
		doubt_user(s, buf_str(&identity));
	buf_release(&identity);
	return good;
}

void
scram_challenge(struct scram *s, const struct scram_keys *k,
    struct str server_nonce, struct buf *out)
{
	assert(is_nonce(server_nonce) && s->server_first.len == 0);
	buf_add(&s->nonce, server_nonce);
	assert(!s->nonce.overrun);
	buf_add(&s->server_first, STR("r="));
	buf_add(&s->server_first, buf_str(&s->nonce));
	buf_add(&s->server_first, STR(",s="));
	enc_base64(octets(k->salt, SCRAM_SALT_LEN), &s->server_first);
	buf_addf(&s->server_first, ",i=%u", k->iterations);
	assert(!s->server_first.overrun);
	buf_add(out, buf_str(&s->server_first));
}

/* The parts of the client's last message. */
struct final {
	struct str without_proof, binding, nonce;
	uint8_t proof[SCRAM_KEY_LEN];
};

static bool
read_proof(struct str text, struct final *final)
{
	struct buf proof;
	bool good;

	buf_init(&proof, SCRAM_KEY_LEN + 2); /* whole groups */
	good = enc_base64_decode(text, &proof) && proof.len == SCRAM_KEY_LEN;
	if (good)
		memcpy(final->proof, proof.data, SCRAM_KEY_LEN);
	secret_wipe(&proof);
	return good;
}

static bool
read_final(struct str message, struct final *final)
{
	struct str rest = message;
	size_t at;

	if (message.len > SCRAM_MESSAGE_MAX ||
	    !str_find_last(message, ',', &at))
		return false;
	final->without_proof = rest = str_first(message, at);
	message = str_after(message, at + 1);
	return !str_ends_nocase(rest, STR(",")) &&
	       take_attribute(&rest, 'c', &final->binding) &&
	       take_attribute(&rest, 'r', &final->nonce) &&
	       is_nonce(final->nonce) && skip_extensions(rest) &&
	       str_take(&message, 'p') && str_take(&message, '=') &&
	       read_proof(message, final);
}

/* RFC 5802 s6: what the client says it was told, and over which channel. */
static bool
is_bound(const struct scram *s, struct str said, struct str binding)
{
	struct buf want, got;
	bool same;

	if (s->plus != (binding.len > 0))
		return false;
	buf_init(&want, 2 * SCRAM_MESSAGE_MAX);
	buf_init(&got, 2 * SCRAM_MESSAGE_MAX);
	buf_add(&want, buf_str(&s->gs2));
	buf_add(&want, binding);
	same = !want.overrun && enc_base64_decode(said, &got) &&
	       secret_eq(buf_str(&want), buf_str(&got));
	buf_release(&want);
	buf_release(&got);
	return same;
}

bool
scram_final(struct scram *s, const struct scram_keys *k, struct str message,
    struct str binding, struct buf *out, bool *malformed)
{
	uint8_t signature[SCRAM_KEY_LEN], client[SCRAM_KEY_LEN];
	struct buf all;
	struct final final;
	bool right;

	*malformed = !read_final(message, &final);
	if (*malformed)
		return false;
	buf_init(&all, AUTH_MESSAGE_MAX);
	buf_add(&all, buf_str(&s->first_bare));
	buf_add_char(&all, ',');
	buf_add(&all, buf_str(&s->server_first));
	buf_add_char(&all, ',');
	buf_add(&all, final.without_proof);
	assert(!all.overrun);
	hmac(octets(k->stored, SCRAM_KEY_LEN), buf_str(&all), signature);
	for (size_t i = 0; i < SCRAM_KEY_LEN; i++)
		client[i] = final.proof[i] ^ signature[i];
	hash(octets(client, sizeof(client)), client);
	right = is_same(client, k->stored);
	right &= str_eq(final.nonce, buf_str(&s->nonce));
	right &= is_bound(s, final.binding, binding);
	if (right) {
		hmac(
		    octets(k->server, SCRAM_KEY_LEN), buf_str(&all), signature);
		buf_add(out, STR("v="));
		enc_base64(octets(signature, sizeof(signature)), out);
	}
	buf_release(&all);
	OPENSSL_cleanse(&final, sizeof(final));
	OPENSSL_cleanse(client, sizeof(client));
	return right;
}
