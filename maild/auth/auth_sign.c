/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "common/policy/key.h"
#include "common/store/signing_key.h"
#include "common/util/enc.h"
#include "common/util/mem.h"
#include "maild/auth/auth_internal.h"

#define SIGN_THREADS 1 /* some 1,500 RSA signatures a second */
#define SIGN_WAITING 256
#define KEYS_MAX     256
#define NAME_MAX_LEN 256
#define SECRET_MAX   (8 * KB)
#define REPLY_MAX    (2 * KB)

/* A secret key in memory: in the ring, or only until those who sign with it are
 * done. */
struct signer {
	char name[2 * NAME_MAX_LEN]; /* "selector domain" */
	struct key_private *key;
	size_t users;
	bool kept; /* in the ring */
	UT_hash_handle hh;
};

struct key_ring {
	struct workers *workers;
	struct signer *signers; /* oldest first */
	uint64_t round;         /* changes when all is forgotten */
};

/* One digest, from its question to its answer. */
struct signing {
	struct store_job job; /* first: done() casts back */
	struct worker_job work;
	struct auth *auth; /* borrowed */
	struct ipc_request *request;
	char domain[NAME_MAX_LEN], selector[NAME_MAX_LEN];
	uint8_t digest[KEY_DIGEST_LEN];
	struct buf secret; /* while it is read */
	int found;
	uint64_t round;
	struct signer *signer;
	struct buf signature;
	int rc; /* of the signing */
	struct fail fail;
};

/* ---- the ring ---- */

static void
free_unused(struct signer *s)
{
	if (s->users > 0 || s->kept)
		return;
	key_private_free(s->key);
	free(s);
}

static void
take_out(struct key_ring *r, struct signer *s)
{
	HASH_DEL(r->signers, s);
	s->kept = false;
	free_unused(s);
}

static void
put_in(struct key_ring *r, struct signer *s)
{
	struct signer *same;

	HASH_FIND_STR(r->signers, s->name, same);
	if (same != NULL)
		take_out(r, same);
	if (HASH_COUNT(r->signers) >= KEYS_MAX)
		take_out(r, r->signers);
	HASH_ADD_STR(r->signers, name, s);
	s->kept = true;
}

struct key_ring *
key_ring_new(struct loop *l)
{
	struct key_ring *r = MEM_NEW(struct key_ring);

	r->workers = workers_new(l, SIGN_THREADS, SIGN_WAITING);
	return r;
}

void
key_ring_forget(struct key_ring *r)
{
	struct signer *s, *next;

	r->round++;
	HASH_ITER(hh, r->signers, s, next)
	take_out(r, s);
}

void
key_ring_free(struct key_ring *r)
{
	if (r == NULL)
		return;
	workers_free(r->workers);
	key_ring_forget(r);
	free(r);
}

/* ---- a digest ---- */

static void
conclude(struct signing *g, json_t *reply)
{
	g->auth->pending--;
	auth_reply(g->request, reply);
	if (g->signer != NULL) {
		g->signer->users--;
		free_unused(g->signer);
	}
	secret_wipe(&g->secret);
	buf_release(&g->signature);
	free(g);
}

static void
refuse(struct signing *g, const char *text)
{
	log_warn(&g->auth->maild->log, "auth: cannot sign for %s: %s",
	    g->domain, text);
	conclude(g, json_pack("{s:b, s:s}", "ok", 0, "text", text));
}

static struct signing *
signing_of(struct worker_job *job)
{
	return (struct signing *)((char *)job - offsetof(struct signing, work));
}

static void
work(struct worker_job *job)
{
	struct signing *g = signing_of(job);

	g->rc = key_sign(g->signer->key, g->digest, &g->signature, &g->fail);
}

static void
worked(struct worker_job *job)
{
	struct signing *g = signing_of(job);
	struct buf base64;

	if (g->rc == -1) {
		refuse(g, g->fail.text);
		return;
	}
	buf_init(&base64, REPLY_MAX);
	enc_base64(buf_str(&g->signature), &base64);
	conclude(g, json_pack("{s:b, s:s}", "ok", 1, "signature", base64.data));
	buf_release(&base64);
}

static void
sign_with(struct signing *g, struct signer *s)
{
	g->signer = s;
	s->users++;
	g->work.run = work;
	g->work.done = worked;
	if (!workers_submit(g->auth->keys->workers, &g->work))
		refuse(g, "too many signatures at once: try again");
}

/* ---- the secret: auth.db ---- */

static int
find_secret(struct db *db, struct store_job *job, struct fail *f)
{
	struct signing *g = (struct signing *)job;

	g->found = signing_secret_get(
	    db, str_of(g->domain), str_of(g->selector), &g->secret, f);
	return g->found == -1 ? -1 : 0;
}

static void
name_key(const struct signing *g, char out[2 * NAME_MAX_LEN])
{
	snprintf(out, 2 * NAME_MAX_LEN, "%s %s", g->selector, g->domain);
}

static void
found_secret(struct store_job *job)
{
	struct signing *g = (struct signing *)job;
	struct key_ring *r = g->auth->keys;
	struct key_private *key;
	struct signer *s;
	struct fail f = {0};

	if (job->rc == -1 || g->auth->stopping) {
		refuse(g, job->rc == -1 ? job->fail.text : "maild stops");
		return;
	}
	if (g->found == 0) {
		refuse(g, "there is no such key");
		return;
	}
	key = key_private_read(buf_str(&g->secret), &f);
	secret_wipe(&g->secret);
	if (key == NULL) {
		refuse(g, f.text);
		return;
	}
	s = MEM_NEW(struct signer);
	s->key = key;
	name_key(g, s->name);
	if (g->round == r->round)
		put_in(r, s); /* nothing was forgotten meanwhile */
	sign_with(g, s);
}

/* ---- the question ---- */

static bool
take_name(const json_t *question, const char *name, char out[NAME_MAX_LEN])
{
	struct str text;
	size_t at;

	if (!auth_take_text(question, name, &text) || text.len == 0 ||
	    text.len >= NAME_MAX_LEN || str_find(text, ' ', &at) ||
	    str_find(text, '\0', &at))
		return false;
	snprintf(out, NAME_MAX_LEN, "%.*s", STR_FMT(text));
	return true;
}

static bool
take_digest(const json_t *question, uint8_t out[KEY_DIGEST_LEN])
{
	struct str text;
	struct buf digest;
	bool good;

	buf_init(&digest, KEY_DIGEST_LEN + 2); /* whole groups */
	good = auth_take_text(question, "digest", &text) &&
	       enc_base64_decode(text, &digest) && digest.len == KEY_DIGEST_LEN;
	if (good)
		memcpy(out, digest.data, KEY_DIGEST_LEN);
	buf_release(&digest);
	return good;
}

bool
auth_sign(struct auth *a, struct ipc_request *request, const json_t *question)
{
	struct signing *g = MEM_NEW(struct signing);
	char name[2 * NAME_MAX_LEN];
	struct signer *known;

	if (!take_name(question, "domain", g->domain) ||
	    !take_name(question, "selector", g->selector) ||
	    !take_digest(question, g->digest)) {
		free(g);
		return false;
	}
	g->auth = a;
	g->request = request;
	g->round = a->keys->round;
	buf_init(&g->secret, SECRET_MAX);
	buf_init(&g->signature, KEY_SIGNATURE_MAX);
	a->pending++;
	name_key(g, name);
	HASH_FIND_STR(a->keys->signers, name, known);
	if (known != NULL) {
		sign_with(g, known);
		return true;
	}
	g->job.run = find_secret;
	g->job.done = found_secret;
	store_read(a->maild->passwords, &g->job);
	return true;
}
