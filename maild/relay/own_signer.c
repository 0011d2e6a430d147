/* SPDX-License-Identifier: MIT */
#include "maild/relay/own_signer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/policy/dkim_sign.h"
#include "common/store/signing_key.h"
#include "common/util/mem.h"
#include "common/util/secret.h"
#include "maild/relay/own_domain.h"

#define KEYS_MAX   4
#define SECRET_MAX (8 * KB)

struct own_key {
	char selector[64];
	enum key_algorithm algorithm;
	struct key_private *key;
};

struct own_keys {
	size_t holders; /* the loop's */
	char domain[OWN_DOMAIN_MAX];
	struct own_key at[KEYS_MAX];
	size_t n;
};

/* One reading: names from mail.db, then secrets from auth.db. */
struct reading {
	struct store_job job;     /* first member */
	struct own_signer *owner; /* NULL: nobody waits for it any more */
	struct store *passwords;
	char hostname[OWN_DOMAIN_MAX];
	struct own_keys *keys;
};

struct own_signer {
	struct store *mail, *passwords;
	const char *hostname;
	const struct log *log;
	struct own_keys *keys; /* or NULL */
	struct reading *reading;
	bool again, stopping;
};

/* ---- reading ---- */

void
own_keys_release(struct own_keys *k)
{
	if (k == NULL || --k->holders > 0)
		return;
	for (size_t i = 0; i < k->n; i++)
		key_private_free(k->at[i].key);
	free(k);
}

static bool
note_key(void *arg, const struct signing_key *k)
{
	struct own_keys *keys = arg;
	struct own_key *key = &keys->at[keys->n];

	if (k->state != SIGNING_KEY_SIGNS)
		return true;
	key->algorithm = (enum key_algorithm)k->algorithm;
	memcpy(key->selector, k->selector, sizeof(key->selector));
	return ++keys->n < KEYS_MAX;
}

static int
find_names(struct db *db, struct store_job *job, struct fail *f)
{
	struct reading *r = (struct reading *)job;
	int ours = own_domain_find(db, str_of(r->hostname), r->keys->domain, f);

	if (ours != 1)
		return ours;
	return signing_key_each(
	    db, str_of(r->keys->domain), note_key, r->keys, f);
}

static int
find_secrets(struct db *db, struct store_job *job, struct fail *f)
{
	struct reading *r = (struct reading *)job;
	struct own_keys *k = r->keys;
	size_t kept = 0;
	int rc = 0;

	for (size_t i = 0; i < k->n && rc == 0; i++) {
		struct own_key key = k->at[i];
		struct buf secret;
		int got;

		buf_init(&secret, SECRET_MAX);
		got = signing_secret_get(
		    db, str_of(k->domain), str_of(key.selector), &secret, f);
		if (got == 1)
			key.key = key_private_read(buf_str(&secret), f);
		secret_wipe(&secret);
		if (got == -1 || (got == 1 && key.key == NULL))
			rc = -1;
		else if (got == 1)
			k->at[kept++] = key;
	}
	k->n = kept;
	return rc;
}

static void
end_reading(struct reading *r)
{
	struct own_signer *s = r->owner;

	if (s == NULL || r->job.rc == -1) {
		if (s != NULL)
			log_warn(
			    s->log, "own signatures: %s", r->job.fail.text);
		own_keys_release(r->keys);
	} else {
		own_keys_release(s->keys);
		s->keys = r->keys;
	}
	free(r);
	if (s == NULL)
		return;
	s->reading = NULL;
	if (s->again)
		own_signer_reload(s);
}

static void
found_secrets(struct store_job *job)
{
	end_reading((struct reading *)job);
}

static void
found_names(struct store_job *job)
{
	struct reading *r = (struct reading *)job;

	if (job->rc == -1 || r->owner == NULL || r->keys->n == 0) {
		end_reading(r);
		return;
	}
	r->job = (struct store_job){.run = find_secrets, .done = found_secrets};
	store_read(r->passwords, &r->job);
}

void
own_signer_reload(struct own_signer *s)
{
	struct reading *r;

	s->again = s->reading != NULL;
	if (s->again || s->stopping)
		return;
	r = MEM_NEW(struct reading);
	r->job.run = find_names;
	r->job.done = found_names;
	r->owner = s;
	r->passwords = s->passwords;
	r->keys = MEM_NEW(struct own_keys);
	r->keys->holders = 1;
	snprintf(r->hostname, sizeof(r->hostname), "%s", s->hostname);
	s->reading = r;
	store_read(s->mail, &r->job);
}

/* ---- life ---- */

struct own_signer *
own_signer_new(struct store *mail, struct store *passwords,
    const char *hostname, const struct log *log)
{
	struct own_signer *s = MEM_NEW(struct own_signer);

	s->mail = mail;
	s->passwords = passwords;
	s->hostname = hostname;
	s->log = log;
	own_signer_reload(s);
	return s;
}

/* A reading that is under way ends with the job it is in. */
void
own_signer_stop(struct own_signer *s)
{
	if (s == NULL)
		return;
	s->stopping = true;
	if (s->reading != NULL)
		s->reading->owner = NULL;
	s->reading = NULL;
}

void
own_signer_free(struct own_signer *s)
{
	if (s == NULL)
		return;
	own_signer_stop(s);
	own_keys_release(s->keys);
	free(s);
}

struct own_keys *
own_signer_hold(const struct own_signer *s)
{
	if (s == NULL || s->keys == NULL || s->keys->n == 0)
		return NULL;
	s->keys->holders++;
	return s->keys;
}

/* ---- signing ---- */

void
own_keys_sign(const struct own_keys *k, struct str block,
    const uint8_t *body_hash, int64_t now_s, struct buf *fields)
{
	for (size_t i = 0; k != NULL && i < k->n; i++) {
		const struct dkim_sign how = {
		    .domain = str_of(k->domain),
		    .selector = str_of(k->at[i].selector),
		    .algorithm = k->at[i].algorithm,
		    .now_s = now_s,
		    .block = block,
		    .body_hash = body_hash,
		};
		uint8_t digest[KEY_DIGEST_LEN];
		struct buf field, signature;
		struct fail ignored = {0};

		buf_init(&field, OWN_SIGNATURES_ROOM);
		buf_init(&signature, KEY_SIGNATURE_MAX);
		dkim_sign_digest(&how, &field, digest);
		if (key_sign(k->at[i].key, digest, &signature, &ignored) == 0) {
			dkim_sign_finish(&field, buf_str(&signature));
			buf_add(fields, buf_str(&field));
		}
		buf_release(&signature);
		buf_release(&field);
	}
}
