/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/auth/password.h"
#include "common/util/mem.h"
#include "common/util/rand.h"
#include "maild/auth/auth_internal.h"

#define NOTE_WEIGHT 512 /* octets of a row that is written on the side */

static_assert(SCRAM_SALT_LEN == CREDENTIAL_SALT_LEN &&
		  SCRAM_KEY_LEN == CREDENTIAL_KEY_LEN &&
		  GENERATED_KEY_LEN == CREDENTIAL_KEY_LEN &&
		  GENERATED_HASH_LEN == APP_PASSWORD_HASH_LEN,
    "what is stored is what is used");

struct attempt {
	struct check check; /* first, so that it is its attempt */
	struct secret password;
	bool has_verifier;
	char verifier[CREDENTIAL_VERIFIER_MAX];

	bool generated; /* it has the form of an app password, with this hash */
	uint8_t hash[GENERATED_HASH_LEN];
	bool has_app; /* and is one: this */
	struct app_password app;

	bool has_scram;
	bool made_scram; /* these are to be kept */
	struct scram_keys scram;
};

/* ---- what is written on the side: nobody waits for it ---- */

struct note {
	struct store_job job; /* first: done() casts back */
	const struct log *log;
	char login[321], from[ADDRESS_TEXT_MAX], proto[16];
	int64_t app, now_ms;
	char verifier[CREDENTIAL_VERIFIER_MAX];
	struct credential_scram scram;
};

static int
write_used(struct db *db, struct store_job *job, struct fail *f)
{
	const struct note *n = (struct note *)job;

	return app_password_used(
	    db, n->app, n->now_ms, str_of(n->from), str_of(n->proto), f);
}

static int
write_scram(struct db *db, struct store_job *job, struct fail *f)
{
	const struct note *n = (struct note *)job;

	return credential_add_scram(
	    db, str_of(n->login), n->verifier, &n->scram, f);
}

static void
noted(struct store_job *job)
{
	struct note *n = (struct note *)job;

	if (job->rc == -1)
		log_warn(n->log, "auth: %s", job->fail.text);
	explicit_bzero(n, sizeof(*n));
	free(n);
}

static struct note *
note_new(const struct attempt *t,
    int (*run)(struct db *db, struct store_job *job, struct fail *f))
{
	struct note *n = MEM_NEW(struct note);

	n->job.run = run;
	n->job.done = noted;
	n->job.weight = NOTE_WEIGHT;
	n->log = &t->check.auth->maild->log;
	return n;
}

static void
note_use(const struct attempt *t)
{
	const struct check *c = &t->check;
	const struct maild *m = c->auth->maild;
	int64_t now_ms = clock_wall_ms(m->clock);
	struct note *n;

	if (c->auth->stopping || c->account.disabled ||
	    !app_password_is_news(&t->app, now_ms))
		return;
	n = note_new(t, write_used);
	n->app = t->app.id;
	n->now_ms = now_ms;
	snprintf(n->from, sizeof(n->from), "%s", c->from);
	snprintf(n->proto, sizeof(n->proto), "%s", c->proto);
	store_write(m->passwords, &n->job);
}

static void
note_scram(const struct attempt *t)
{
	const struct check *c = &t->check;
	struct note *n;

	if (c->auth->stopping)
		return;
	n = note_new(t, write_scram);
	snprintf(
	    n->login, sizeof(n->login), "%.*s", STR_FMT(buf_str(&c->user)));
	memcpy(n->verifier, t->verifier, sizeof(n->verifier));
	memcpy(n->scram.salt, t->scram.salt, sizeof(n->scram.salt));
	n->scram.iterations = t->scram.iterations;
	memcpy(n->scram.stored, t->scram.stored, sizeof(n->scram.stored));
	memcpy(n->scram.server, t->scram.server, sizeof(n->scram.server));
	store_write(c->auth->maild->passwords, &n->job);
}

/* ---- argon2id, on a thread ---- */

static struct attempt *
attempt_of(struct worker_job *job)
{
	return (
	    struct attempt *)((char *)job - offsetof(struct check, hashing));
}

/* An account from before there was SCRAM gets its keys now. */
static void
make_scram(struct attempt *t)
{
	uint8_t salt[SCRAM_SALT_LEN];
	struct secret ready;

	secret_init(&ready);
	password_prepare(secret_str(&t->password), &ready);
	rand_bytes(salt, sizeof(salt));
	scram_keys_make(&t->scram, secret_str(&ready), salt, SCRAM_ITERATIONS);
	secret_release(&ready);
	t->made_scram = true;
}

static void
hash(struct worker_job *job)
{
	struct attempt *t = attempt_of(job);
	struct check *c = &t->check;

	c->right = password_verify(secret_str(&t->password),
	    c->has_account && t->has_verifier ? t->verifier : NULL);
	if (c->right && !t->has_scram)
		make_scram(t);
}

static void
hashed(struct worker_job *job)
{
	struct attempt *t = attempt_of(job);
	struct check *c = &t->check;

	/* an app password of another scope is wrong here only */
	if (c->right || !t->has_app)
		verified_add(c->auth->verified, auth_now_ms(c->auth), c->round,
		    buf_str(&c->user), secret_str(&t->password), c->right,
		    c->right && !c->account.disabled ? c->account.id : 0);
	if (t->made_scram)
		note_scram(t);
	check_conclude(c);
}

/* ---- the verifier: auth.db ---- */

static int
find_verifier(struct db *db, struct store_job *job, struct fail *f)
{
	struct attempt *t = (struct attempt *)job;
	struct str user = buf_str(&t->check.user);
	struct credential_scram scram;
	int got = credential_find(db, user, t->verifier, f);

	if (got == -1)
		return -1;
	t->has_verifier = got == 1;
	got = credential_find_scram(db, user, &scram, f);
	if (got == -1)
		return -1;
	t->has_scram = got == 1;
	explicit_bzero(&scram, sizeof(scram));
	if (!t->generated)
		return 0;
	got = app_password_find(db, user, t->hash, &t->app, f);
	t->has_app = got == 1;
	return got == -1 ? -1 : 0;
}

static bool
is_in_scope(const struct attempt *t)
{
	static const struct {
		struct str proto;
		enum app_password_scope scope;
	} scopes[] = {
	    {STR("smtp"), APP_PASSWORD_SMTP},
	    {STR("imap"), APP_PASSWORD_IMAP},
	    {STR("pop3"), APP_PASSWORD_POP3},
	};

	for (size_t i = 0; i < sizeof(scopes) / sizeof(scopes[0]); i++)
		if (str_eq(scopes[i].proto, str_of(t->check.proto)))
			return (t->app.scopes & scopes[i].scope) != 0;
	return false;
}

/* Is it an app password that opens this? */
static bool
is_opened(const struct attempt *t)
{
	if (!t->has_app || !t->check.has_account)
		return false;
	if (is_in_scope(t))
		return true;
	log_info(&t->check.auth->maild->log,
	    "auth: an app password of %s is not for %s", t->check.account.login,
	    t->check.proto);
	return false;
}

static void
found_verifier(struct store_job *job)
{
	struct attempt *t = (struct attempt *)job;
	struct check *c = &t->check;
	const struct maild *m = c->auth->maild;

	if (job->rc == -1) {
		log_warn(&m->log, "auth: %s", job->fail.text);
		check_refuse(c, REASON_ERROR);
	} else if (c->auth->stopping) {
		check_refuse(c, REASON_ERROR);
	} else if (is_opened(t)) {
		c->right = true;
		note_use(t);
		check_conclude(c);
	} else if (m->conf->test_accept_any && c->has_account &&
		   !t->has_verifier) {
		c->right = true;
		check_conclude(c);
	} else {
		c->hashing.run = hash;
		c->hashing.done = hashed;
		if (!check_hash(c))
			check_refuse(c, REASON_BUSY);
	}
}

static void
prove(struct check *c)
{
	struct attempt *t = (struct attempt *)c;
	struct auth *a = c->auth;
	struct str user = buf_str(&c->user);
	struct str password = secret_str(&t->password);
	enum verified_answer known;
	int64_t account;

	if (!check_may(c))
		return;
	c->guess = verified_guess(a->verified, user, password);
	known = verified_find(
	    a->verified, auth_now_ms(a), user, password, &account);
	if (known != VERIFIED_UNKNOWN) {
		c->right = known == VERIFIED_RIGHT && c->has_account;
		check_conclude(c);
		return;
	}
	if (!check_begin(c))
		return;
	c->job.run = find_verifier;
	c->job.done = found_verifier;
	store_read(a->maild->passwords, &c->job);
}

/* Was this very password good a while ago, and has nothing changed since?  Then
 * the store need not be asked who that is.  False: it must. */
static bool
is_remembered(struct attempt *t)
{
	struct check *c = &t->check;
	struct auth *a = c->auth;
	struct str user = buf_str(&c->user); /* with its domain, or not found */
	int64_t account;

	c->round = verified_round(a->verified); /* before the account is read */
	if (a->changes > 0 ||
	    verified_find(a->verified, auth_now_ms(a), user,
		secret_str(&t->password), &account) != VERIFIED_RIGHT ||
	    account == 0)
		return false;
	c->has_account = true;
	c->account = (struct account){.id = account};
	snprintf(
	    c->account.login, sizeof(c->account.login), "%.*s", STR_FMT(user));
	return true;
}

static void
forget(struct check *c)
{
	struct attempt *t = (struct attempt *)c;

	secret_release(&t->password);
	explicit_bzero(&t->scram, sizeof(t->scram));
}

bool
auth_verify(struct auth *a, struct ipc_request *request, const json_t *question)
{
	struct str user, password, from, proto = STR("");
	struct attempt *t;

	auth_take_text(question, "proto", &proto);
	if (!auth_take_text(question, "user", &user) ||
	    !auth_take_text(question, "password", &password) ||
	    !auth_take_text(question, "rip", &from))
		return false;
	t = MEM_NEW(struct attempt);
	if (!check_init(&t->check, a, request, user, from, proto)) {
		free(t);
		return false;
	}
	t->check.prove = prove;
	t->check.release = forget;
	t->check.make = a->maild->conf->test_accept_any;
	secret_init(&t->password);
	secret_set(&t->password, password);
	if (is_remembered(t)) {
		t->check.right = true;
		if (check_may(&t->check))
			check_conclude(&t->check);
		return true;
	}
	t->generated = generated_hash(password, a->app_key, t->hash);
	check_account(&t->check);
	return true;
}
