/* SPDX-License-Identifier: MIT */
#include "smtpd/sign.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/authority/signer.h"
#include "common/policy/dkim_sign.h"
#include "common/store/signing_key.h"
#include "common/util/mem.h"

#define KEYS_MAX   4 /* two algorithms, and two more while keys change */
#define FIELDS_MAX (128 * KB)

static_assert(SIGNER_DIGEST_LEN == KEY_DIGEST_LEN, "the same digest");

struct key {
	enum key_algorithm algorithm;
	char selector[64];
};

struct sign {
	struct store_job job; /* first: done() casts back */
	struct smtpd *d;
	struct sign_request request;
	sign_done *fn;
	void *arg;
	char domain[256];    /* our copy: read by a thread of the store */
	bool cancelled;      /* nobody waits any more; the request is gone */
	signer_signed *take; /* what the signature asked for goes to */

	struct key keys[KEYS_MAX];
	size_t n_keys;
	size_t at;        /* the key whose signature is asked for */
	struct buf field; /* DKIM: what that signature completes */
	struct buf fields;
	struct arc_seal seal;
};

static void
release(struct sign *s)
{
	buf_release(&s->field);
	buf_release(&s->fields);
	free(s);
}

static void
conclude(struct sign *s, bool ok, const char *text)
{
	if (ok && s->fields.overrun) {
		ok = false;
		text = "the signatures are too long";
	}
	s->fn(s->arg, ok, ok ? buf_str(&s->fields) : STR(""), text);
	release(s);
}

static void
ask(struct sign *s, const uint8_t digest[KEY_DIGEST_LEN])
{
	const struct key *k = &s->keys[s->at];

	signer_ask(s->d->authority, str_of(s->domain), str_of(k->selector),
	    digest, s->take, s);
}

/* ---- DKIM: one field for each key ---- */

static void
sign_next(struct sign *s)
{
	const struct sign_request *r = &s->request;
	const struct key *k = &s->keys[s->at];
	const struct dkim_sign how = {
	    .domain = str_of(s->domain),
	    .selector = str_of(k->selector),
	    .algorithm = k->algorithm,
	    .now_s = r->now_s,
	    .block = r->block,
	    .body_hash = r->body_hash,
	};
	uint8_t digest[KEY_DIGEST_LEN];

	if (s->at == s->n_keys) {
		conclude(s, true, "");
		return;
	}
	buf_clear(&s->field);
	dkim_sign_digest(&how, &s->field, digest);
	ask(s, digest);
}

static void
take_dkim(void *arg, bool ok, struct str signature, const char *text)
{
	struct sign *s = arg;

	if (s->cancelled) {
		release(s);
	} else if (!ok) {
		conclude(s, false, text);
	} else {
		dkim_sign_finish(&s->field, signature);
		s->fields.overrun |= s->field.overrun;
		buf_add(&s->fields, buf_str(&s->field));
		s->at++;
		sign_next(s);
	}
}

/* ---- ARC: two signatures with one key ---- */

static void
take_seal(void *arg, bool ok, struct str signature, const char *text)
{
	struct sign *s = arg;

	if (s->cancelled) {
		release(s);
	} else if (!ok) {
		conclude(s, false, text);
	} else {
		arc_seal_finish(&s->seal, &s->fields, signature);
		conclude(s, true, "");
	}
}

static void
take_arc(void *arg, bool ok, struct str signature, const char *text)
{
	struct sign *s = arg;
	uint8_t digest[KEY_DIGEST_LEN];

	if (s->cancelled) {
		release(s);
	} else if (!ok) {
		conclude(s, false, text);
	} else {
		arc_seal_signed(&s->seal, &s->fields, signature, digest);
		s->take = take_seal;
		ask(s, digest);
	}
}

static void
seal(struct sign *s)
{
	const struct sign_request *r = &s->request;
	uint8_t digest[KEY_DIGEST_LEN];

	/* RFC 8617 knows no other algorithm yet */
	while (s->at < s->n_keys && s->keys[s->at].algorithm != KEY_RSA)
		s->at++;
	if (s->at == s->n_keys) {
		conclude(s, true, "");
		return;
	}
	s->seal = (struct arc_seal){
	    .domain = str_of(s->domain),
	    .selector = str_of(s->keys[s->at].selector),
	    .algorithm = KEY_RSA,
	    .now_s = r->now_s,
	    .block = r->block,
	    .results = r->results,
	    .body_hash = r->body_hash,
	    .chain = r->chain,
	};
	if (!arc_seal_begin(&s->seal, &s->fields, digest)) {
		buf_clear(&s->fields); /* a chain that ended stays so */
		conclude(s, true, "");
		return;
	}
	ask(s, digest);
}

/* ---- the keys: mail.db ---- */

static bool
note_key(void *arg, const struct signing_key *k)
{
	struct sign *s = arg;
	struct key *key = &s->keys[s->n_keys];

	if (k->state != SIGNING_KEY_SIGNS)
		return true;
	key->algorithm = (enum key_algorithm)k->algorithm;
	memcpy(key->selector, k->selector, sizeof(key->selector));
	return ++s->n_keys < KEYS_MAX;
}

static int
find_keys(struct db *db, struct store_job *job, struct fail *f)
{
	struct sign *s = (struct sign *)job;

	return signing_key_each(db, str_of(s->domain), note_key, s, f);
}

static void
found_keys(struct store_job *job)
{
	struct sign *s = (struct sign *)job;

	if (s->cancelled)
		release(s);
	else if (job->rc == -1)
		conclude(s, false, job->fail.text);
	else if (s->request.seal)
		seal(s);
	else
		sign_next(s);
}

struct sign *
sign_begin(
    struct smtpd *d, const struct sign_request *r, sign_done *fn, void *arg)
{
	struct sign *s;

	/* no name of ours is empty or longer */
	if (r->domain.len == 0 || r->domain.len >= sizeof(s->domain)) {
		fn(arg, true, STR(""), "");
		return NULL;
	}
	s = MEM_NEW(struct sign);
	s->d = d;
	s->request = *r;
	s->fn = fn;
	s->arg = arg;
	s->take = r->seal ? take_arc : take_dkim;
	snprintf(s->domain, sizeof(s->domain), "%.*s", STR_FMT(r->domain));
	buf_init(&s->field, FIELDS_MAX);
	buf_init(&s->fields, FIELDS_MAX);
	s->job.run = find_keys;
	s->job.done = found_keys;
	store_read(d->store, &s->job);
	return s;
}

void
sign_cancel(struct sign *s)
{
	s->cancelled = true; /* what is under way frees it when it ends */
}
