/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "common/mime/addr.h"
#include "common/util/mem.h"
#include "maild/auth/auth_internal.h"

#define ACCOUNT_WEIGHT (4 * KB)
#define PUT_OFF_MOST                                                           \
	32 /* with all that are hashed or wait for it fewer than a daemon's    \
	    * connections to us (net/ipc.h), so that who is remembered never   \
	    * waits behind guesses */

/* Wait until another check of the same address is over. */
static void
put_off(struct check *c)
{
	struct check **end = &c->auth->waiting;

	while (*end != NULL)
		end = &(*end)->next_waiting;
	c->next_waiting = NULL;
	*end = c;
	c->auth->n_waiting++;
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
	a->n_waiting--;
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
	if (c->release != NULL)
		c->release(c);
	buf_release(&c->user);
	buf_release(&c->message);
	free(c);
}

/* ---- answers ---- */

void
check_answer(struct check *c, json_t *reply)
{
	auth_reply(c->request, reply);
	release(c);
}

void
check_refuse(struct check *c, enum auth_reason why)
{
	static const struct {
		const char *word, *text;
	} reasons[] = {
#define R(name, word, text) {word, text},
	    AUTH_REASONS(R)
#undef R
	};
	json_t *reply = json_pack("{s:b, s:s, s:s}", "ok", 0, "reason",
	    reasons[why].word, "text", reasons[why].text);

	if (why == REASON_THROTTLED &&
	    throttle_is_strange(c->auth->throttle, c->key))
		json_object_set_new(reply, "shut", json_true());
	check_answer(c, reply);
}

void
check_conclude(struct check *c)
{
	struct auth *a = c->auth;
	struct str user = buf_str(&c->user);
	json_t *reply;

	metrics_add(&a->maild->metrics,
	    c->right && !c->account.disabled ? METRIC_LOGINS
					     : METRIC_LOGIN_FAILURES,
	    1);
	if (!c->right) {
		throttle_failed(
		    a->throttle, auth_now_ms(a), c->key, user, c->guess);
		check_refuse(c, REASON_BAD);
	} else if (c->account.disabled) {
		check_refuse(c, REASON_DISABLED);
	} else {
		throttle_succeeded(a->throttle, auth_now_ms(a), c->key, user);
		reply = json_pack("{s:b, s:s, s:I}", "ok", 1, "login",
		    c->account.login, "account", (json_int_t)c->account.id);
		if (c->message.len > 0)
			json_object_set_new(reply, "message",
			    json_stringn(c->message.data, c->message.len));
		check_answer(c, reply);
	}
}

/* ---- the throttle ---- */

bool
check_may(struct check *c)
{
	if (throttle_allows(c->auth->throttle, auth_now_ms(c->auth), c->key,
		buf_str(&c->user)))
		return true;
	check_refuse(c, REASON_THROTTLED);
	return false;
}

bool
check_begin(struct check *c)
{
	c->begun = throttle_begin(c->auth->throttle, auth_now_ms(c->auth),
	    c->key, buf_str(&c->user), c->guess);
	if (c->begun)
		return true;
	if (c->auth->n_waiting < PUT_OFF_MOST)
		put_off(c); /* its account may change meanwhile */
	else
		check_refuse(c, REASON_BUSY);
	return false;
}

bool
check_hash(struct check *c)
{
	struct auth *a = c->auth;

	switch (throttle_standing(
	    a->throttle, auth_now_ms(a), c->key, buf_str(&c->user))) {
	case THROTTLE_KNOWN:
		return workers_submit(a->hashers, &c->hashing);
	case THROTTLE_UNKNOWN:
		return workers_submit_ranked(a->strangers, &c->hashing, 0);
	case THROTTLE_SUSPECT:
		break;
	}
	return workers_submit_ranked(a->strangers, &c->hashing, 1);
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
found_account(struct store_job *job)
{
	struct check *c = (struct check *)job;
	struct auth *a = c->auth;

	if (job->rc == -1) {
		log_warn(&a->maild->log, "auth: %s", job->fail.text);
		check_refuse(c, REASON_ERROR);
	} else if (a->stopping) {
		check_refuse(c, REASON_ERROR);
	} else if (c->make && !c->has_account) {
		c->make = false;
		c->job.run = make_account;
		c->job.weight = ACCOUNT_WEIGHT;
		store_write(a->maild->mail, &c->job);
	} else {
		c->job.run = find_account; /* again, should it have to wait */
		c->prove(c);
	}
}

void
check_account(struct check *c)
{
	c->job.run = find_account;
	c->job.done = found_account;
	store_read(c->auth->maild->mail, &c->job);
}

bool
check_init(struct check *c, struct auth *a, struct ipc_request *request,
    struct str user, struct str from, struct str proto)
{
	struct address peer;

	if (!address_from_ip(from, 0, &peer))
		return false;
	c->auth = a;
	c->request = request;
	c->key = address_limit_key(&peer);
	address_ip_text(&peer, c->from);
	snprintf(c->proto, sizeof(c->proto), "%.*s", STR_FMT(proto));
	buf_init(&c->message, SCRAM_MESSAGE_MAX);
	buf_init(&c->user, ADDR_MAX);
	/* what does not fold is nobody, and checked as such */
	if (!addr_fold(user, &c->user)) {
		buf_clear(&c->user);
		buf_add(&c->user, str_first(user, ADDR_MAX / 2));
	}
	a->pending++;
	return true;
}
