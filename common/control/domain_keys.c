/* SPDX-License-Identifier: MIT */
#include "common/control/domain_keys.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/policy/key.h"
#include "common/store/account.h"
#include "common/util/mem.h"

#define SECRET_MAX (4 * KB)
#define RECORD_MAX (2 * KB)
#define KEYS_MAX   32 /* of a domain; rotations by hand make far fewer */
#define TWINS      26 /* pairs of one day */

/* A copy of what signing_key_each() shows. */
struct key_list {
	size_t n;
	struct signing_key at[KEYS_MAX];
};

struct work {
	struct str domain;
	int64_t now_ms;
	struct key_list keys;
	struct signing_key made;
	struct str secret;
	bool turned;
};

static bool
note_key(void *arg, const struct signing_key *k)
{
	struct key_list *l = arg;

	l->at[l->n] = *k;
	l->at[l->n].record = STR("");
	l->n++;
	return l->n < KEYS_MAX;
}

static int
read_keys(struct db *db, void *arg, struct fail *f)
{
	struct work *w = arg;
	int got = domain_find(db, w->domain, f);

	w->keys.n = 0;
	if (got == 0)
		return fail(f, FAIL_PERM, "%.*s is not a domain of ours",
		    STR_FMT(w->domain));
	return got == -1
	           ? -1
	           : signing_key_each(db, w->domain, note_key, &w->keys, f);
}

static bool
is_used(const struct key_list *l, const char *selector)
{
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->at[i].selector, selector) == 0)
			return true;
	return false;
}

/* "r20261122", on the same day again "r20261122b". */
static int
name_key(struct work *w, char kind, struct fail *f)
{
	char *name = w->made.selector;
	time_t now = (time_t)(w->now_ms / 1000);
	struct tm day;

	gmtime_r(&now, &day);
	for (int twin = 0; twin < TWINS; twin++) {
		char last[2] = {twin == 0 ? '\0' : (char)('a' + twin), '\0'};

		snprintf(name, sizeof(w->made.selector), "%c%04d%02d%02d%s",
		    kind, day.tm_year + 1900, day.tm_mon + 1, day.tm_mday,
		    last);
		if (!is_used(&w->keys, name))
			return 0;
	}
	return fail(f, FAIL_PERM,
	    "%.*s has had %d pairs of keys made today: try again tomorrow",
	    STR_FMT(w->domain), TWINS);
}

static int
put_secret(struct db *db, void *arg, struct fail *f)
{
	const struct work *w = arg;

	return signing_secret_put(
	    db, w->domain, str_of(w->made.selector), w->secret, f);
}

static int
put_key(struct db *db, void *arg, struct fail *f)
{
	const struct work *w = arg;

	return signing_key_add(db, &w->made, f);
}

static int
make_one(const struct control *c, struct work *w, enum key_algorithm algorithm,
    enum signing_key_state state, struct fail *f)
{
	struct buf secret, record;
	int rc;

	buf_init(&secret, SECRET_MAX);
	buf_init(&record, RECORD_MAX);
	rc = name_key(w, algorithm == KEY_RSA ? 'r' : 'e', f);
	if (rc == 0)
		rc = key_make(algorithm, &secret, &record, f);
	if (rc == 0) {
		w->made.algorithm = (int)algorithm;
		w->made.state = state;
		w->made.created_ms = w->made.changed_ms = w->now_ms;
		w->made.record = buf_str(&record);
		w->secret = buf_str(&secret);
		snprintf(w->made.domain, sizeof(w->made.domain), "%.*s",
		    STR_FMT(w->domain));
		rc = db_write(c->auth, put_secret, w, f);
	}
	if (rc == 0)
		rc = db_write(c->mail, put_key, w, f);
	if (secret.data != NULL)
		explicit_bzero(secret.data, secret.len);
	buf_release(&secret);
	buf_release(&record);
	return rc;
}

static int
make_pair(const struct control *c, struct work *w, enum signing_key_state state,
    struct fail *f)
{
	static const enum key_algorithm both[] = {KEY_RSA, KEY_ED25519};

	for (size_t i = 0; i < 2; i++)
		if (make_one(c, w, both[i], state, f) == -1)
			return -1;
	return 0;
}

static struct work *
new_work(struct str domain, int64_t now_ms)
{
	struct work *w = MEM_NEW(struct work);

	assert(domain.len < sizeof(w->made.domain));
	w->domain = domain;
	w->now_ms = now_ms;
	return w;
}

int
domain_keys_make(const struct control *c, struct str domain,
    enum signing_key_state state, int64_t now_ms, struct fail *f)
{
	struct work *w = new_work(domain, now_ms);
	int rc = db_read(c->mail, read_keys, w, f);

	if (rc == 0)
		rc = make_pair(c, w, state, f);
	free(w);
	return rc;
}

static bool
is_over(const struct work *w, const struct signing_key *k)
{
	return k->state == SIGNING_KEY_RETIRED &&
	       w->now_ms - k->changed_ms > DOMAIN_KEYS_OVERLAP_MS;
}

/* What waits signs from now on, what signed retires, in one transaction. */
static int
turn(struct db *db, void *arg, struct fail *f)
{
	struct work *w = arg;

	for (size_t i = 0; i < w->keys.n; i++) {
		const struct signing_key *k = &w->keys.at[i];
		struct str selector = str_of(k->selector);
		int rc = 0;

		if (k->state == SIGNING_KEY_NEXT)
			rc = signing_key_set_state(db, w->domain, selector,
			    SIGNING_KEY_SIGNS, w->now_ms, f);
		else if (k->state == SIGNING_KEY_SIGNS)
			rc = signing_key_set_state(db, w->domain, selector,
			    SIGNING_KEY_RETIRED, w->now_ms, f);
		if (rc == -1)
			return -1;
	}
	return 0;
}

static int
drop_old(struct db *db, void *arg, struct fail *f)
{
	struct work *w = arg;

	for (size_t i = 0; i < w->keys.n; i++)
		if (is_over(w, &w->keys.at[i]) &&
		    signing_key_remove(
			db, w->domain, str_of(w->keys.at[i].selector), f) == -1)
			return -1;
	return 0;
}

/* Nothing is signed with a retired key: its secret need not wait. */
static int
drop_secrets(struct db *db, void *arg, struct fail *f)
{
	struct work *w = arg;

	for (size_t i = 0; i < w->keys.n; i++) {
		bool idle = w->turned
		                ? w->keys.at[i].state == SIGNING_KEY_SIGNS
		                : w->keys.at[i].state == SIGNING_KEY_RETIRED;

		if (idle && signing_secret_remove(db, w->domain,
				str_of(w->keys.at[i].selector), f) == -1)
			return -1;
	}
	return 0;
}

static bool
has(const struct key_list *l, enum signing_key_state state)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->at[i].state == state)
			return true;
	return false;
}

int
domain_keys_rotate(const struct control *c, struct str domain, int64_t now_ms,
    enum domain_keys_step *step, struct fail *f)
{
	struct work *w = new_work(domain, now_ms);
	int rc = db_read(c->mail, read_keys, w, f);

	if (rc == 0)
		rc = db_write(c->mail, drop_old, w, f);
	if (rc == 0 && has(&w->keys, SIGNING_KEY_NEXT)) {
		*step = DOMAIN_KEYS_TURN;
		rc = db_write(c->mail, turn, w, f);
		w->turned = rc == 0;
	} else if (rc == 0) {
		bool first = !has(&w->keys, SIGNING_KEY_SIGNS);

		*step = first ? DOMAIN_KEYS_FIRST : DOMAIN_KEYS_NEXT;
		rc = make_pair(
		    c, w, first ? SIGNING_KEY_SIGNS : SIGNING_KEY_NEXT, f);
	}
	if (rc == 0)
		rc = db_write(c->auth, drop_secrets, w, f);
	free(w);
	return rc;
}

static int
drop_all_secrets(struct db *db, void *arg, struct fail *f)
{
	const struct str *domain = arg;

	return signing_secret_remove(db, *domain, STR(""), f);
}

int
domain_keys_forget(const struct control *c, struct str domain, struct fail *f)
{
	return db_write(c->auth, drop_all_secrets, &domain, f);
}
