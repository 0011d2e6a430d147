/* SPDX-License-Identifier: MIT */
#include "common/auth/throttle.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "common/util/mem.h"

#define FRIEND_FACTOR 3 /* the limit of an address that was good before */

struct guess {
	uint64_t user, guess; /* hashes */
	int64_t at_ms;
};

/* A guess that is being checked, by so many at once. */
struct pending {
	uint64_t user, guess;
	size_t checks;
};

/* An address with failures in the window, or guesses under way.  n and
 * n_pending are at most FRIEND_FACTOR times the limit; beyond that the oldest
 * failure makes room. */
struct offender {
	uint64_t key;
	struct guess *guesses; /* oldest first */
	size_t n;
	struct pending *pending;
	size_t n_pending;
	UT_hash_handle hh;
};

struct friend_id {
	uint64_t key, user;
};

/* An address from which this user logged in. */
struct friend
{
	struct friend_id id;
	UT_hash_handle hh;
};

/* An address from which so many did. */
struct home {
	uint64_t key;
	size_t friends;
	UT_hash_handle hh;
};

/* uthash keeps the order of insertion: what is used is moved to the end, so
 * that the first is the one to go. */
struct throttle {
	size_t max_failures;
	int64_t window_ms;
	struct offender *offenders;
	struct friend *friends;
	struct home *homes; /* of the friends */
	unsigned char
	    secret[crypto_shorthash_KEYBYTES]; /* no chosen collisions */
};

struct throttle *
throttle_new(size_t max_failures, int64_t window_ms)
{
	struct throttle *t = MEM_NEW(struct throttle);

	t->max_failures = max_failures;
	t->window_ms = window_ms;
	randombytes_buf(t->secret, sizeof(t->secret));
	return t;
}

static void
drop_offender(struct throttle *t, struct offender *o)
{
	HASH_DEL(t->offenders, o);
	free(o->guesses);
	free(o->pending);
	free(o);
}

static uint64_t
hash_bytes(const struct throttle *t, const void *bytes, size_t n)
{
	uint64_t out;

	crypto_shorthash((unsigned char *)&out, bytes, n, t->secret);
	return out;
}

static uint64_t
hash_user(const struct throttle *t, struct str user)
{
	return hash_bytes(t, user.at != NULL ? user.at : "", user.len);
}

static struct offender *
find_offender(struct throttle *t, uint64_t key)
{
	unsigned at = (unsigned)hash_bytes(t, &key, sizeof(key));
	struct offender *o;

	HASH_FIND_BYHASHVALUE(hh, t->offenders, &key, sizeof(key), at, o);
	return o;
}

static void
append_offender(struct throttle *t, struct offender *o)
{
	unsigned at = (unsigned)hash_bytes(t, &o->key, sizeof(o->key));

	HASH_ADD_BYHASHVALUE(hh, t->offenders, key, sizeof(o->key), at, o);
}

static struct friend *
find_friend(struct throttle *t, uint64_t key, uint64_t user)
{
	struct friend_id id = {key, user};
	unsigned at = (unsigned)hash_bytes(t, &id, sizeof(id));
	struct friend *f;

	HASH_FIND_BYHASHVALUE(hh, t->friends, &id, sizeof(id), at, f);
	return f;
}

static void
append_friend(struct throttle *t, struct friend *f)
{
	unsigned at = (unsigned)hash_bytes(t, &f->id, sizeof(f->id));

	HASH_ADD_BYHASHVALUE(hh, t->friends, id, sizeof(f->id), at, f);
}

static struct home *
find_home(struct throttle *t, uint64_t key)
{
	unsigned at = (unsigned)hash_bytes(t, &key, sizeof(key));
	struct home *h;

	HASH_FIND_BYHASHVALUE(hh, t->homes, &key, sizeof(key), at, h);
	return h;
}

static void
add_friend(struct throttle *t, uint64_t key, uint64_t user)
{
	unsigned at = (unsigned)hash_bytes(t, &key, sizeof(key));
	struct friend *f = MEM_NEW(struct friend);
	struct home *h = find_home(t, key);

	f->id = (struct friend_id){key, user};
	append_friend(t, f);
	if (h == NULL) {
		h = MEM_NEW(struct home);
		h->key = key;
		HASH_ADD_BYHASHVALUE(hh, t->homes, key, sizeof(h->key), at, h);
	}
	h->friends++;
}

static void
drop_friend(struct throttle *t, struct friend *f)
{
	struct home *h = find_home(t, f->id.key);

	assert(h != NULL && h->friends > 0);
	if (--h->friends == 0) {
		HASH_DEL(t->homes, h);
		free(h);
	}
	HASH_DEL(t->friends, f);
	free(f);
}

void
throttle_free(struct throttle *t)
{
	struct offender *o, *next_o;

	if (t == NULL)
		return;
	HASH_ITER(hh, t->offenders, o, next_o)
	drop_offender(t, o);
	while (t->friends != NULL)
		drop_friend(t, t->friends);
	free(t);
}

/* Keep the guesses that are in the window and not of user (0: of anybody). */
static void
keep_guesses(
    const struct throttle *t, struct offender *o, int64_t now_ms, uint64_t user)
{
	size_t n = 0;

	for (size_t i = 0; i < o->n; i++)
		if (now_ms - o->guesses[i].at_ms < t->window_ms &&
		    (user == 0 || o->guesses[i].user != user))
			o->guesses[n++] = o->guesses[i];
	o->n = n;
}

/* May this user try from there, when so many have failed? */
static bool
has_room(struct throttle *t, size_t failed, uint64_t key, uint64_t user)
{
	return failed < t->max_failures ||
	       (failed < t->max_failures * FRIEND_FACTOR &&
		   find_friend(t, key, user) != NULL);
}

bool
throttle_allows(
    struct throttle *t, int64_t now_ms, uint64_t key, struct str user)
{
	struct offender *o = find_offender(t, key);

	if (o == NULL)
		return true;
	keep_guesses(t, o, now_ms, 0);
	return has_room(t, o->n, key, hash_user(t, user));
}

bool
throttle_is_strange(struct throttle *t, uint64_t key)
{
	return find_home(t, key) == NULL;
}

enum throttle_standing
throttle_standing(
    struct throttle *t, int64_t now_ms, uint64_t key, struct str user)
{
	struct offender *o = find_offender(t, key);

	if (find_friend(t, key, hash_user(t, user)) != NULL)
		return THROTTLE_KNOWN;
	if (o == NULL)
		return THROTTLE_UNKNOWN;
	keep_guesses(t, o, now_ms, 0);
	return o->n == 0 ? THROTTLE_UNKNOWN : THROTTLE_SUSPECT;
}

/* The newest, in place of the oldest when there are too many. */
static struct offender *
new_offender(struct throttle *t, uint64_t key)
{
	struct offender *o = MEM_NEW(struct offender);

	if (HASH_COUNT(t->offenders) >= THROTTLE_KEYS)
		drop_offender(t, t->offenders);
	o->key = key;
	append_offender(t, o);
	return o;
}

static struct pending *
find_pending(const struct offender *o, uint64_t user, uint64_t guess)
{
	for (size_t i = 0; i < o->n_pending; i++)
		if (o->pending[i].user == user && o->pending[i].guess == guess)
			return &o->pending[i];
	return NULL;
}

bool
throttle_begin(struct throttle *t, int64_t now_ms, uint64_t key,
    struct str user, uint64_t guess)
{
	struct offender *o = find_offender(t, key);
	uint64_t who = hash_user(t, user);
	struct pending *p;

	if (o == NULL)
		o = new_offender(t, key);
	p = find_pending(o, who, guess);
	if (p != NULL) {
		p->checks++;
		return true;
	}
	keep_guesses(t, o, now_ms, 0);
	if (!has_room(t, o->n + o->n_pending, key, who))
		return false;
	o->pending = mem_grow(
	    o->pending, o->n_pending + 1, sizeof(*o->pending));
	o->pending[o->n_pending++] = (struct pending){who, guess, 1};
	return true;
}

void
throttle_end(struct throttle *t, uint64_t key, struct str user, uint64_t guess)
{
	struct offender *o = find_offender(t, key);
	struct pending *p;

	/* it may have been the oldest of too many, and gone */
	if (o == NULL ||
	    (p = find_pending(o, hash_user(t, user), guess)) == NULL)
		return;
	if (--p->checks == 0)
		*p = o->pending[--o->n_pending];
	if (o->n == 0 && o->n_pending == 0)
		drop_offender(t, o);
}

static void
remove_guess(struct offender *o, size_t i)
{
	memmove(o->guesses + i, o->guesses + i + 1,
	    (o->n - i - 1) * sizeof(*o->guesses));
	o->n--;
}

void
throttle_failed(struct throttle *t, int64_t now_ms, uint64_t key,
    struct str user, uint64_t guess)
{
	struct offender *o = find_offender(t, key);
	uint64_t who = hash_user(t, user);

	if (o != NULL) {
		HASH_DEL(t->offenders, o);
		append_offender(t, o);
	} else {
		o = new_offender(t, key);
	}
	keep_guesses(t, o, now_ms, 0);
	for (size_t i = 0; i < o->n; i++)
		if (o->guesses[i].user == who && o->guesses[i].guess == guess)
			remove_guess(o, i--);
	if (o->n > 0 && o->n >= t->max_failures * FRIEND_FACTOR)
		remove_guess(o, 0);
	o->guesses = mem_grow(o->guesses, o->n + 1, sizeof(*o->guesses));
	o->guesses[o->n++] = (struct guess){who, guess, now_ms};
}

/* What the user mistyped before is forgiven; guesses at others are not, or
 * anybody with an account could guess for ever. */
void
throttle_succeeded(
    struct throttle *t, int64_t now_ms, uint64_t key, struct str user)
{
	struct offender *o = find_offender(t, key);
	uint64_t who = hash_user(t, user);
	struct friend *f = find_friend(t, key, who);

	if (o != NULL) {
		keep_guesses(t, o, now_ms, who);
		if (o->n == 0 && o->n_pending == 0)
			drop_offender(t, o);
	}
	if (f != NULL) {
		HASH_DEL(t->friends, f);
		append_friend(t, f);
		return;
	}
	if (HASH_COUNT(t->friends) >= THROTTLE_KEYS)
		drop_friend(t, t->friends);
	add_friend(t, key, who);
}
