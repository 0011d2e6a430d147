/* SPDX-License-Identifier: MIT */
/*
 * A record has its place in one set of a few, where the one used last is first
 * and the last one makes room.  Whoever publishes records that fall into the
 * set of another makes that key be read again, and no more.
 */
#include "common/policy/key_cache_internal.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "common/util/mem.h"

#define WAYS 8
#define SETS (KEY_CACHE_MAX / WAYS)

struct entry {
	struct str record; /* owned; no octets: free */
	struct key_facts facts;
	struct key_public *key; /* owned */
};

struct key_cache {
	CRYPTO_RWLOCK *lock; /* of all that follows */
	uint64_t hits;
	struct entry sets[SETS][WAYS];
};

struct key_cache *
key_cache_new(void)
{
	struct key_cache *c = MEM_NEW(struct key_cache);

	c->lock = CRYPTO_THREAD_lock_new();
	if (c->lock == NULL)
		abort(); /* out of memory */
	return c;
}

static void
drop(struct entry *e)
{
	free((char *)e->record.at);
	key_public_free(e->key);
}

void
key_cache_free(struct key_cache *c)
{
	if (c == NULL)
		return;
	for (size_t i = 0; i < SETS; i++)
		for (size_t j = 0; j < WAYS; j++)
			drop(&c->sets[i][j]);
	CRYPTO_THREAD_lock_free(c->lock);
	free(c);
}

/* FNV-1a of the end, where one key differs from another. */
static struct entry *
set_of(struct key_cache *c, struct str record)
{
	size_t at = record.len > 64 ? record.len - 64 : 0;
	uint32_t h = 2166136261U;

	for (; at < record.len; at++)
		h = (h ^ (uint8_t)record.at[at]) * 16777619U;
	return c->sets[h % SETS];
}

/* Make room at the front of a set for what was at i. */
static void
rotate(struct entry *set, size_t i)
{
	struct entry e = set[i];

	memmove(set + 1, set, i * sizeof(*set));
	set[0] = e;
}

static void
lock(struct key_cache *c)
{
	if (CRYPTO_THREAD_write_lock(c->lock) != 1)
		abort(); /* cannot happen: it is ours, and not held */
}

static bool
find(struct key_cache *c, struct str record, struct key_facts *facts,
    struct key_public **out)
{
	struct entry *set = set_of(c, record);
	size_t i = 0;

	lock(c);
	while (i < WAYS && !str_eq(set[i].record, record))
		i++;
	if (i < WAYS) {
		c->hits++;
		rotate(set, i);
		*facts = set[0].facts;
		*out = key_public_dup(set[0].key);
	}
	CRYPTO_THREAD_unlock(c->lock);
	return i < WAYS;
}

/* Two threads may have read one at the same time: the other's copy ages. */
static void
add(struct key_cache *c, struct str record, const struct key_facts *facts,
    const struct key_public *key)
{
	struct entry *set = set_of(c, record), old;
	struct entry e = {
	    .record = {mem_dup(record), record.len},
	    .facts = *facts,
	    .key = key_public_dup(key)
        };

	lock(c);
	rotate(set, WAYS - 1);
	old = set[0];
	set[0] = e;
	CRYPTO_THREAD_unlock(c->lock);
	drop(&old);
}

uint64_t
key_cache_hits(struct key_cache *c)
{
	uint64_t hits;

	lock(c);
	hits = c->hits;
	CRYPTO_THREAD_unlock(c->lock);
	return hits;
}

enum key_record
key_cache_parse(struct key_cache *c, struct str record, struct key_facts *facts,
    struct key_public **out)
{
	enum key_record r;

	if (c == NULL || record.len == 0 || record.len > KEY_CACHE_RECORD)
		return key_record_parse(record, facts, out);
	if (find(c, record, facts, out))
		return KEY_RECORD_OK;
	r = key_record_parse(record, facts, out);
	if (r == KEY_RECORD_OK)
		add(c, record, facts, *out);
	return r;
}
