/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "common/util/enc.h"
#include "common/util/mem.h"
#include "common/util/rand.h"
#include "maild/auth/auth_internal.h"

#define EXCHANGES_MAX  1024
#define OF_ADDRESS_MAX 64 /* of one address: it pushes out its own alone */
#define LIFE_MS        (60 * 1000)
#define NONCE_LEN      18 /* octets: 24 in base64 */
#define ID_LEN         16
#define BINDING_MAX    64

/* What is kept between our message and the client's last one. */
struct exchange {
	char id[2 * ID_LEN + 1];
	uint64_t key; /* of the peer's address */
	int64_t until_ms;
	uint64_t round; /* when the keys were read: older than a change, they
	                 * count no more */
	struct scram scram;
	struct scram_keys keys;
	char user[321]; /* folded, with its domain */
	UT_hash_handle hh;
};

struct exchanges {
	struct exchange *all; /* oldest first */
};

/* ---- the table ---- */

static void
exchange_free(struct exchange *e)
{
	if (e == NULL)
		return;
	scram_release(&e->scram);
	explicit_bzero(&e->keys, sizeof(e->keys));
	free(e);
}

static void
take_out(struct exchanges *x, struct exchange *e)
{
	HASH_DEL(x->all, e);
}

static void
drop(struct exchanges *x, struct exchange *e)
{
	take_out(x, e);
	exchange_free(e);
}

static void
drop_expired(struct exchanges *x, int64_t now_ms)
{
	while (x->all != NULL && x->all->until_ms <= now_ms)
		drop(x, x->all);
}

/* Room for one more of this address. */
static void
make_room(struct exchanges *x, uint64_t key)
{
	struct exchange *e, *next, *oldest = NULL;
	size_t n = 0;

	HASH_ITER(hh, x->all, e, next)
	if (e->key == key) {
		if (oldest == NULL)
			oldest = e;
		n++;
	}
	if (n >= OF_ADDRESS_MAX)
		drop(x, oldest);
	else if (HASH_COUNT(x->all) >= EXCHANGES_MAX)
		drop(x, x->all);
}

static void
put_in(struct exchanges *x, int64_t now_ms, struct exchange *e)
{
	drop_expired(x, now_ms);
	make_room(x, e->key);
	e->until_ms = now_ms + LIFE_MS;
	HASH_ADD_STR(x->all, id, e);
}

/* The caller's from then on; NULL if there is none. */
static struct exchange *
find(struct exchanges *x, int64_t now_ms, struct str id)
{
	struct exchange *e = NULL;

	drop_expired(x, now_ms);
	if (id.len == 2 * ID_LEN)
		HASH_FIND(hh, x->all, id.at, id.len, e);
	if (e != NULL)
		take_out(x, e);
	return e;
}

struct exchanges *
exchanges_new(void)
{
	return MEM_NEW(struct exchanges);
}

void
exchanges_free(struct exchanges *x)
{
	if (x == NULL)
		return;
	while (x->all != NULL)
		drop(x, x->all);
	free(x);
}

/* ---- one message: the first or the last ---- */

struct turn {
	struct check check; /* first, so that it is its turn */
	struct exchange *exchange;
	struct buf message, binding; /* last: decoded */
	struct credential_scram stored;
	bool has_keys;
};

static void
forget(struct check *c)
{
	struct turn *t = (struct turn *)c;

	exchange_free(t->exchange);
	buf_release(&t->message);
	secret_wipe(&t->binding);
	explicit_bzero(&t->stored, sizeof(t->stored));
}

static struct turn *
turn_new(void)
{
	struct turn *t = MEM_NEW(struct turn);

	t->check.release = forget;
	buf_init(&t->message, SCRAM_MESSAGE_MAX + 2); /* whole groups */
	buf_init(&t->binding, BINDING_MAX);
	return t;
}

/* Before it was a check. */
static void
turn_free(struct turn *t)
{
	forget(&t->check);
	free(t);
}

static void
add_base64(json_t *reply, const char *name, struct str bytes)
{
	struct buf text;

	buf_init(&text, ENC_BASE64_LEN(SCRAM_MESSAGE_MAX) + 1);
	enc_base64(bytes, &text);
	json_object_set_new(reply, name, json_stringn(text.data, text.len));
	buf_release(&text);
}

static bool
take_base64(const json_t *question, const char *name, struct buf *out)
{
	struct str text;

	return auth_take_text(question, name, &text) &&
	       enc_base64_decode(text, out);
}

/* ---- the first ---- */

static int
find_keys(struct db *db, struct store_job *job, struct fail *f)
{
	struct turn *t = (struct turn *)job;
	int got = credential_find_scram(
	    db, buf_str(&t->check.user), &t->stored, f);

	t->has_keys = got == 1;
	return got == -1 ? -1 : 0;
}

static void
choose_keys(struct turn *t)
{
	struct scram_keys *k = &t->exchange->keys;

	if (!t->has_keys || !t->check.has_account) {
		scram_keys_fake(
		    k, buf_str(&t->check.user), t->check.auth->nobody);
		return;
	}
	memcpy(k->salt, t->stored.salt, sizeof(k->salt));
	k->iterations = t->stored.iterations;
	memcpy(k->stored, t->stored.stored, sizeof(k->stored));
	memcpy(k->server, t->stored.server, sizeof(k->server));
}

static void
add_random(struct buf *out, size_t n,
    void (*encode)(struct str bytes, struct buf *out))
{
	char octets[ID_LEN + NONCE_LEN];

	assert(n <= sizeof(octets));
	rand_bytes(octets, n);
	encode((struct str){octets, n}, out);
}

static void
challenge(struct turn *t)
{
	struct check *c = &t->check;
	struct auth *a = c->auth;
	struct exchange *e = t->exchange;
	json_t *reply = json_pack("{s:b}", "ok", 1);
	struct buf text;

	t->exchange = NULL; /* the table's */
	buf_init(&text, SCRAM_MESSAGE_MAX);
	add_random(&text, ID_LEN, enc_hex);
	snprintf(e->id, sizeof(e->id), "%s", text.data);
	json_object_set_new(reply, "session", json_string(e->id));
	buf_clear(&text);
	add_random(&text, NONCE_LEN, enc_base64);
	scram_challenge(&e->scram, &e->keys, buf_str(&text), &t->message);
	add_base64(reply, "message", buf_str(&t->message));
	buf_release(&text);
	snprintf(e->user, sizeof(e->user), "%.*s", STR_FMT(buf_str(&c->user)));
	e->key = c->key;
	e->round = c->round;
	put_in(a->exchanges, auth_now_ms(a), e);
	check_answer(c, reply);
}

static void
found_keys(struct store_job *job)
{
	struct turn *t = (struct turn *)job;
	struct check *c = &t->check;

	if (job->rc == -1) {
		log_warn(&c->auth->maild->log, "auth: %s", job->fail.text);
		check_refuse(c, REASON_ERROR);
	} else if (c->auth->stopping) {
		check_refuse(c, REASON_ERROR);
	} else {
		choose_keys(t);
		challenge(t);
	}
}

static void
look_for_keys(struct check *c)
{
	if (!check_may(c))
		return;
	c->round = verified_round(c->auth->verified);
	c->job.run = find_keys;
	c->job.done = found_keys;
	store_read(c->auth->maild->passwords, &c->job);
}

static enum scram_binding
binding_of(const json_t *question)
{
	if (json_is_true(json_object_get(question, "plus")))
		return SCRAM_BINDING_USED;
	return json_is_true(json_object_get(question, "offered"))
	           ? SCRAM_BINDING_OFFERED
	           : SCRAM_NO_BINDING;
}

bool
auth_scram_first(
    struct auth *a, struct ipc_request *request, const json_t *question)
{
	struct turn *t = turn_new();
	struct str from, proto = STR("");
	struct buf message;
	bool good;

	t->exchange = MEM_NEW(struct exchange);
	scram_init(&t->exchange->scram);
	buf_init(&message, SCRAM_MESSAGE_MAX + 2); /* whole groups */
	auth_take_text(question, "proto", &proto);
	good = auth_take_text(question, "rip", &from) &&
	       take_base64(question, "message", &message);
	if (good) {
		bool fits = scram_first(&t->exchange->scram, buf_str(&message),
		    binding_of(question));

		good = check_init(&t->check, a, request,
		    buf_str(&t->exchange->scram.user), from, proto);
		t->check.prove = look_for_keys;
		if (good && fits)
			check_account(&t->check);
		else if (good)
			check_refuse(&t->check, REASON_MALFORMED);
	}
	buf_release(&message);
	if (!good)
		turn_free(t);
	return good;
}

/* ---- the last ---- */

static void
prove(struct check *c)
{
	struct turn *t = (struct turn *)c;
	struct exchange *e = t->exchange;
	struct auth *a = c->auth;
	bool malformed;
	struct buf proof;

	if (!check_may(c))
		return;
	/* no two proofs are alike, even of one password */
	c->guess = verified_guess(
	    a->verified, buf_str(&c->user), buf_str(&t->message));
	if (!check_begin(c))
		return;
	if (e->round != verified_round(a->verified)) {
		check_refuse(c, REASON_EXPIRED);
		return;
	}
	buf_init(&proof, SCRAM_MESSAGE_MAX);
	c->right = scram_final(&e->scram, &e->keys, buf_str(&t->message),
	    buf_str(&t->binding), &proof, &malformed);
	c->right = c->right && c->has_account;
	enc_base64(buf_str(&proof), &c->message);
	buf_release(&proof);
	if (malformed)
		check_refuse(c, REASON_MALFORMED);
	else
		check_conclude(c);
}

bool
auth_scram_final(
    struct auth *a, struct ipc_request *request, const json_t *question)
{
	struct turn *t = turn_new();
	struct str id, from, user, proto = STR("");

	auth_take_text(question, "proto", &proto);
	if (!auth_take_text(question, "session", &id) ||
	    !auth_take_text(question, "rip", &from) ||
	    !take_base64(question, "message", &t->message) ||
	    !take_base64(question, "binding", &t->binding)) {
		turn_free(t);
		return false;
	}
	t->exchange = find(a->exchanges, auth_now_ms(a), id);
	user = t->exchange != NULL ? str_of(t->exchange->user) : STR("");
	if (!check_init(&t->check, a, request, user, from, proto)) {
		turn_free(t);
		return false;
	}
	t->check.prove = prove;
	if (t->exchange == NULL)
		check_refuse(&t->check, REASON_EXPIRED);
	else
		check_account(&t->check);
	return true;
}
