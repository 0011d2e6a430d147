/* SPDX-License-Identifier: MIT */
#include "common/auth/password.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>
#include <utf8proc.h>

#include "common/util/utf8.h"

#define OPS 2
#define MEM (19 * 1024 * 1024)

static_assert(PASSWORD_VERIFIER_MAX == crypto_pwhash_STRBYTES,
    "libsodium writes that many");

/* Of a random password nobody kept.  Its cost is that of password_hash(). */
static const char nobody[] =
    "$argon2id$v=19$m=19456,t=2,p=1$vfsQ+OaVRvM19pdWXBgpVg"
    "$rnwJDhNevFyNkXYkEVPAO6RxpDbUmIGHM0DFJhfl2Ds";

/* RFC 8265 s4.2.2: spaces are one space, and composed as NFC has it, so that
 * a password typed on another system is the same bytes. */
static utf8proc_int32_t
map_space(utf8proc_int32_t code, void *arg)
{
	(void)arg;
	return utf8proc_category(code) == UTF8PROC_CATEGORY_ZS ? ' ' : code;
}

/* The caller wipes and frees *owned. */
static struct str
prepare(struct str password, utf8proc_uint8_t **owned)
{
	utf8proc_ssize_t n;

	*owned = NULL;
	if (!str_has_8bit(password) || !utf8_valid(password))
		return password;
	n = utf8proc_map_custom((const utf8proc_uint8_t *)password.at,
	    (utf8proc_ssize_t)password.len, owned,
	    UTF8PROC_STABLE | UTF8PROC_COMPOSE, map_space, NULL);
	if (n < 0) /* code points that are no characters: as they are */
		return password;
	return (struct str){(const char *)*owned, (size_t)n};
}

static void
forget(utf8proc_uint8_t *owned, struct str ready)
{
	if (owned != NULL)
		sodium_memzero(owned, ready.len);
	free(owned);
}

void
password_prepare(struct str password, struct secret *out)
{
	utf8proc_uint8_t *owned;
	struct str ready = prepare(password, &owned);

	secret_set(out, ready);
	forget(owned, ready);
}

void
password_hash(struct str password, char out[PASSWORD_VERIFIER_MAX])
{
	utf8proc_uint8_t *owned;
	struct str ready = prepare(password, &owned);
	int rc = sodium_init();

	assert(rc != -1);
	rc = crypto_pwhash_str_alg(out, ready.at != NULL ? ready.at : "",
	    ready.len, OPS, MEM, crypto_pwhash_ALG_ARGON2ID13);
	if (rc != 0) /* as util/mem: no memory is the only cause */
		abort();
	forget(owned, ready);
}

bool
password_verify(struct str password, const char *verifier)
{
	utf8proc_uint8_t *owned;
	struct str ready = prepare(password, &owned);
	bool fits, somebody;
	int rc = sodium_init();

	assert(rc != -1);
	/* a verifier that is none (a locked account) takes as long, too */
	somebody = verifier != NULL && password.len > 0 &&
	           crypto_pwhash_str_needs_rehash(verifier, OPS, MEM) != -1;
	fits = crypto_pwhash_str_verify(somebody ? verifier : nobody,
		   ready.at != NULL ? ready.at : "", ready.len) == 0;
	forget(owned, ready);
	return fits && somebody;
}
