/* SPDX-License-Identifier: MIT */
#include "common/auth/verified.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "common/util/mem.h"

#define HASH_LEN 32

struct entry {
	unsigned char id[HASH_LEN];   /* of user and password */
	unsigned char user[HASH_LEN]; /* of user */
	int64_t until_ms;
	int64_t account;
	UT_hash_handle hh;
};

/* Both lists are in the order of adding, so the first is the oldest. */
struct verified {
	struct entry *right, *wrong;
	uint64_t round;
	unsigned char key[crypto_generichash_KEYBYTES];
};

struct verified *
verified_new(void)
{
	struct verified *v = MEM_NEW(struct verified);

	randombytes_buf(v->key, sizeof(v->key));
	return v;
}

/* The length goes first, so that no part of the password can pass for a part
 * of the name. */
static void
hash(const struct verified *v, struct str user, struct str password,
    unsigned char out[HASH_LEN])
{
	crypto_generichash_state s;
	uint64_t len = user.len;

	crypto_generichash_init(&s, v->key, sizeof(v->key), HASH_LEN);
	crypto_generichash_update(&s, (unsigned char *)&len, sizeof(len));
	if (user.len > 0)
		crypto_generichash_update(
		    &s, (const unsigned char *)user.at, user.len);
	if (password.len > 0)
		crypto_generichash_update(
		    &s, (const unsigned char *)password.at, password.len);
	crypto_generichash_final(&s, out, HASH_LEN);
	sodium_memzero(&s, sizeof(s));
}

/* The id is a keyed hash already: its first bytes place it. */
static unsigned
place(const unsigned char id[HASH_LEN])
{
	unsigned at;

	memcpy(&at, id, sizeof(at));
	return at;
}

static void
drop(struct entry **list, struct entry *e)
{
	HASH_DEL(*list, e);
	free(e);
}

static struct entry *
find(struct entry **list, int64_t now_ms, const unsigned char id[HASH_LEN])
{
	struct entry *e;

	HASH_FIND_BYHASHVALUE(hh, *list, id, HASH_LEN, place(id), e);
	if (e != NULL && e->until_ms <= now_ms) {
		drop(list, e);
		return NULL;
	}
	return e;
}

enum verified_answer
verified_find(struct verified *v, int64_t now_ms, struct str user,
    struct str password, int64_t *account)
{
	unsigned char id[HASH_LEN];
	const struct entry *e;

	hash(v, user, password, id);
	e = find(&v->right, now_ms, id);
	*account = e != NULL ? e->account : 0;
	if (e != NULL)
		return VERIFIED_RIGHT;
	if (find(&v->wrong, now_ms, id) != NULL)
		return VERIFIED_WRONG;
	return VERIFIED_UNKNOWN;
}

uint64_t
verified_guess(const struct verified *v, struct str user, struct str password)
{
	unsigned char id[HASH_LEN];
	uint64_t guess;

	hash(v, user, password, id);
	memcpy(&guess, id + sizeof(unsigned), sizeof(guess));
	return guess;
}

uint64_t
verified_round(const struct verified *v)
{
	return v->round;
}

void
verified_add(struct verified *v, int64_t now_ms, uint64_t round,
    struct str user, struct str password, bool right, int64_t account)
{
	struct entry **list = right ? &v->right : &v->wrong;
	struct entry *e;
	unsigned char id[HASH_LEN];

	if (round != v->round)
		return;
	hash(v, user, password, id);
	if ((e = find(list, now_ms, id)) != NULL)
		drop(list, e);
	if (HASH_COUNT(*list) >= VERIFIED_MAX)
		drop(list, *list);
	e = MEM_NEW(struct entry);
	memcpy(e->id, id, sizeof(id));
	hash(v, user, STR(""), e->user);
	e->until_ms = now_ms + VERIFIED_KEEP_MS;
	e->account = account;
	HASH_ADD_BYHASHVALUE(hh, *list, id, HASH_LEN, place(id), e);
}

static void
forget(struct entry **list, const unsigned char *user)
{
	struct entry *e, *next;

	HASH_ITER(hh, *list, e, next)
	if (user == NULL || memcmp(e->user, user, HASH_LEN) == 0)
		drop(list, e);
}

void
verified_forget(struct verified *v, struct str user)
{
	unsigned char id[HASH_LEN];

	hash(v, user, STR(""), id);
	v->round++;
	forget(&v->right, id);
	forget(&v->wrong, id);
}

void
verified_forget_all(struct verified *v)
{
	v->round++;
	forget(&v->right, NULL);
	forget(&v->wrong, NULL);
}

void
verified_free(struct verified *v)
{
	if (v == NULL)
		return;
	verified_forget_all(v);
	sodium_memzero(v->key, sizeof(v->key));
	free(v);
}
