/* SPDX-License-Identifier: MIT */
#include "maild/auth.h"

#include <assert.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "common/auth/password.h"
#include "common/auth/throttle.h"
#include "common/auth/verified.h"
#include "common/mime/addr.h"
#include "common/net/address.h"
#include "common/net/ipc.h"
#include "common/store/account.h"
#include "common/store/credential.h"
#include "common/util/mem.h"
#include "common/util/secret.h"

#define HASH_THREADS   2
#define HASH_WAITING   64
#define WINDOW_MS      (10 * 60 * 1000)
#define ACCOUNT_WEIGHT (4 * KB)

struct auth {
	struct maild *maild; /* borrowed */
	struct ipc_server *server;
	struct workers *hashers;
	struct throttle *throttle;
	struct verified *verified;
	size_t pending;
	struct check *waiting; /* for others of their address to be checked */
	bool stopping;
};

/* One question, from its line to its answer. */
struct check {
	struct store_job job; /* account, then verifier */
	struct worker_job hashing;
	struct auth *auth; /* borrowed */
	struct ipc_request *request;
	struct buf user; /* folded; as given when that is no address */
	struct secret password;
	uint64_t key; /* of the peer's address */
	uint64_t round;
	struct check *next_waiting;
	uint64_t guess;
	bool begun; /* the throttle counts the guess until it is over */
	bool make;  /* the account, if there is none */
	bool has_account, has_verifier, right;
	struct account account;
	char verifier[CREDENTIAL_VERIFIER_MAX];
};

/* R(NAME, "word", "what a person is told") */
#define REASONS(R)                                                             \
	R(BAD, "bad", "wrong name or password")                                \
	R(THROTTLED, "throttled", "too many failed logins: try again later")   \
	R(BUSY, "busy", "too many logins at once: try again")                  \
	R(DISABLED, "disabled", "this account may not log in")                 \
	R(ERROR, "error", "the login could not be checked: try again later")

enum reason {
#define R(name, word, text) REASON_##name,
	REASONS(R)
#undef R
};

static int64_t
now_ms(const struct auth *a)
{
	return clock_mono_ms(a->maild->clock);
}

/* Wait until another check of the same address is over. */
static void
put_off(struct check *c)
{
	struct check **end = &c->auth->waiting;

	while (*end != NULL)
		end = &(*end)->next_waiting;
	c->next_waiting = NULL;
	*end = c;
}

/* The first that waits for a check of this address may ask again.  If it has
 * to wait again, another one is under way. */
static void
call_waiting(struct auth *a, uint64_t key)
{
	struct check **at = &a->waiting, *c;

	while (*at != NULL && (*at)->key != key)
		at = &(*at)->next_waiting;
	c = *at;
	if (c == NULL)
		return;
	*at = c->next_waiting;
	store_read(a->maild->mail, &c->job);
}

static void
release(struct check *c)
{
	c->auth->pending--;
	if (c->begun)
		throttle_end(
		    c->auth->throttle, c->key, buf_str(&c->user), c->guess);
	call_waiting(c->auth, c->key);
	buf_release(&c->user);
	secret_release(&c->password);
	free(c);
}

static void
answer(struct check *c, json_t *reply)
{
	char *line = json_dumps(reply, JSON_COMPACT);

	json_decref(reply);
	ipc_reply(c->request, str_of(line));
	free(line);
	release(c);
}

static void
refuse(struct check *c, enum reason why)
{
	static const struct {
		const char *word, *text;
	} reasons[] = {
#define R(name, word, text) {word, text},
	    REASONS(R)
#undef R
	};

	answer(c, json_pack("{s:b, s:s, s:s}", "ok", 0, "reason",
		      reasons[why].word, "text", reasons[why].text));
}

static void
conclude(struct check *c)
{
	struct auth *a = c->auth;
	struct str user = buf_str(&c->user);

	if (!c->right) {
		throttle_failed(a->throttle, now_ms(a), c->key, user, c->guess);
		refuse(c, REASON_BAD);
	} else if (c->account.disabled) {
		refuse(c, REASON_DISABLED);
	} else {
		throttle_succeeded(a->throttle, now_ms(a), c->key, user);
		answer(c, json_pack("{s:b, s:s, s:I}", "ok", 1, "login",
			      c->account.login, "account",
			      (json_int_t)c->account.id));
	}
}

static void
hash(struct worker_job *job)
{
	struct check *c = (struct check *)((char *)job -
					   offsetof(struct check, hashing));

	c->right = password_verify(secret_str(&c->password),
	    c->has_account && c->has_verifier ? c->verifier : NULL);
}

static void
hashed(struct worker_job *job)
{
	struct check *c = (struct check *)((char *)job -
					   offsetof(struct check, hashing));
	struct auth *a = c->auth;

	verified_add(a->verified, now_ms(a), c->round, buf_str(&c->user),
	    secret_str(&c->password), c->right);
	conclude(c);
}

/* ---- the verifier: auth.db ---- */

static int
find_verifier(struct db *db, struct store_job *job, struct fail *f)
{
	struct check *c = (struct check *)job;
	int got = credential_find(db, buf_str(&c->user), c->verifier, f);

	c->has_verifier = got == 1;
	return got == -1 ? -1 : 0;
}

static void
found_verifier(struct store_job *job)
{
	struct check *c = (struct check *)job;
	const struct maild *m = c->auth->maild;

	if (job->rc == -1) {
		log_warn(&m->log, "auth: %s", job->fail.text);
		refuse(c, REASON_ERROR);
	} else if (c->auth->stopping) {
		refuse(c, REASON_ERROR);
	} else if (m->conf->test_accept_any && c->has_account &&
		   !c->has_verifier) {
		c->right = true;
		conclude(c);
	} else {
		c->hashing.run = hash;
		c->hashing.done = hashed;
		if (!workers_submit(c->auth->hashers, &c->hashing))
			refuse(c, REASON_BUSY);
	}
}

/* ---- the account: mail.db ---- */

struct only_domain {
	char name[256];
	size_t n;
};

static bool
note_domain(void *arg, struct str name)
{
	struct only_domain *d = arg;

	snprintf(d->name, sizeof(d->name), "%.*s", STR_FMT(name));
	return ++d->n < 2;
}

/* "bob" is bob@d.test while d.test is all there is. */
static int
add_domain(struct db *db, struct check *c, struct fail *f)
{
	struct only_domain d = {"", 0};
	struct buf folded;
	size_t at;

	if (str_find(buf_str(&c->user), '@', &at))
		return 0;
	if (domain_each(db, note_domain, &d, f) == -1)
		return -1;
	if (d.n != 1)
		return 0;
	buf_addf(&c->user, "@%s", d.name);
	buf_init(&folded, ADDR_MAX);
	if (addr_fold(buf_str(&c->user), &folded)) {
		buf_clear(&c->user);
		buf_add(&c->user, buf_str(&folded));
	}
	buf_release(&folded);
	return 0;
}

static int
find_account(struct db *db, struct store_job *job, struct fail *f)
{
	struct check *c = (struct check *)job;
	int got;

	if (add_domain(db, c, f) == -1)
		return -1;
	got = account_find(db, buf_str(&c->user), &c->account, f);
	c->has_account = got == 1;
	return got == -1 ? -1 : 0;
}

/* Of a domain that is not ours there is nothing to make: no failure. */
static int
make_account(struct db *db, struct store_job *job, struct fail *f)
{
	struct check *c = (struct check *)job;
	struct str local, domain;
	int64_t id, now = clock_wall_ms(c->auth->maild->clock);
	int got = account_find(db, buf_str(&c->user), &c->account, f);

	if (got == 0 && addr_split(buf_str(&c->user), &local, &domain)) {
		got = domain_find(db, domain, f);
		/* refused when it is an alias */
		if (got == 1 &&
		    account_add(db, buf_str(&c->user), 0, now, &id, f) == -1)
			got = f->kind == FAIL_PERM ? 0 : -1;
		if (got == 1)
			got = account_find(
			    db, buf_str(&c->user), &c->account, f);
	}
	c->has_account = got == 1;
	return got == -1 ? -1 : 0;
}

static void
look_up(struct check *c)
{
	struct auth *a = c->auth;
	struct str user = buf_str(&c->user);

	if (!throttle_allows(a->throttle, now_ms(a), c->key, user)) {
		refuse(c, REASON_THROTTLED);
		return;
	}
	c->round = verified_round(a->verified);
	c->guess = verified_guess(a->verified, user, secret_str(&c->password));
	switch (verified_find(
	    a->verified, now_ms(a), user, secret_str(&c->password))) {
	case VERIFIED_RIGHT:
		c->right = c->has_account;
		conclude(c);
		return;
	case VERIFIED_WRONG:
		conclude(c);
		return;
	case VERIFIED_UNKNOWN:
		break;
	}
	c->begun = throttle_begin(
	    a->throttle, now_ms(a), c->key, user, c->guess);
	if (!c->begun) {
		/* its account may change meanwhile */
		c->job.run = find_account;
		put_off(c);
		return;
	}
	c->job.run = find_verifier;
	c->job.done = found_verifier;
	store_read(a->maild->passwords, &c->job);
}

static void
found_account(struct store_job *job)
{
	struct check *c = (struct check *)job;
	struct auth *a = c->auth;

	if (job->rc == -1) {
		log_warn(&a->maild->log, "auth: %s", job->fail.text);
		refuse(c, REASON_ERROR);
	} else if (a->stopping) {
		refuse(c, REASON_ERROR);
	} else if (c->make && !c->has_account) {
		c->make = false;
		c->job.run = make_account;
		c->job.weight = ACCOUNT_WEIGHT;
		store_write(a->maild->mail, &c->job);
	} else {
		look_up(c);
	}
}

/* ---- the question ---- */

static bool
take_text(const json_t *request, const char *name, struct str *out)
{
	const json_t *value = json_object_get(request, name);

	*out = (struct str){
	    json_string_value(value), json_string_length(value)};
	return json_is_string(value);
}

/* False if it is not one of ours. */
static bool
read_question(struct check *c, struct str line)
{
	json_t *request = json_loadb(line.len > 0 ? line.at : "", line.len,
	    JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
	struct str op, user, password, rip;
	struct address peer;
	bool good = take_text(request, "op", &op) &&
	            str_eq(op, STR("verify")) &&
	            take_text(request, "user", &user) &&
	            take_text(request, "rip", &rip) &&
	            address_from_ip(rip, 0, &peer);

	if (take_text(request, "password", &password)) {
		secret_set(&c->password, password);
		/* the document is ours alone */
		explicit_bzero((char *)(uintptr_t)password.at, password.len);
	} else {
		good = false;
	}
	if (good) {
		c->key = address_limit_key(&peer);
		/* what does not fold is nobody, and checked as such */
		if (!addr_fold(user, &c->user)) {
			buf_clear(&c->user);
			buf_add(&c->user, str_first(user, ADDR_MAX / 2));
		}
	}
	json_decref(request);
	return good;
}

static void
serve(void *arg, struct ipc_request *request, struct str line)
{
	struct auth *a = arg;
	struct check *c = MEM_NEW(struct check);

	c->auth = a;
	c->request = request;
	buf_init(&c->user, ADDR_MAX);
	secret_init(&c->password);
	a->pending++;
	if (a->stopping) {
		refuse(c, REASON_ERROR);
		return;
	}
	if (!read_question(c, line)) {
		log_warn(&a->maild->log,
		    "auth: a question from uid %u makes "
		    "no sense",
		    (unsigned)ipc_request_uid(request));
		refuse(c, REASON_ERROR);
		return;
	}
	c->make = a->maild->conf->test_accept_any;
	c->job.run = find_account;
	c->job.done = found_account;
	store_read(a->maild->mail, &c->job);
}

struct auth *
auth_new(struct maild *m, struct fail *f)
{
	struct auth *a = MEM_NEW(struct auth);
	struct buf path;

	a->maild = m;
	a->hashers = workers_new(m->loop, HASH_THREADS, HASH_WAITING);
	a->throttle = throttle_new(
	    (size_t)m->conf->limits_auth_failures, WINDOW_MS);
	a->verified = verified_new();
	buf_init(&path, 4 * KB);
	buf_addf(&path, "%s/auth.sock", m->conf->server_runtime);
	a->server = ipc_server_new(m->loop, path.data, serve, a, &m->log, f);
	buf_release(&path);
	if (a->server != NULL)
		return a;
	auth_free(a);
	return NULL;
}

void
auth_forget(struct auth *a)
{
	verified_forget_all(a->verified);
}

size_t
auth_pending(const struct auth *a)
{
	return a->pending;
}

void
auth_stop(struct auth *a)
{
	a->stopping = true;
}

void
auth_free(struct auth *a)
{
	if (a == NULL)
		return;
	workers_free(a->hashers);
	ipc_server_free(a->server);
	throttle_free(a->throttle);
	verified_free(a->verified);
	free(a);
}
