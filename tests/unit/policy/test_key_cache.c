/* SPDX-License-Identifier: MIT */
#include "common/policy/key_cache_internal.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "common/util/mem.h"
#include "tests/test.h"

#define ED      "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
#define THREADS 4
#define ROUNDS  200

static const uint8_t digest[KEY_DIGEST_LEN] = {1, 2, 3};
static const uint8_t other[KEY_DIGEST_LEN] = {4, 5, 6};

/* A key of ours, and what it signed. */
struct pair {
	enum key_algorithm algorithm;
	struct buf record, signature;
};

static void
pair_init(struct pair *p, enum key_algorithm a)
{
	struct key_private *k;
	struct buf secret;
	struct fail f;

	p->algorithm = a;
	buf_init(&secret, 8 * KB);
	buf_init(&p->record, 8 * KB);
	buf_init(&p->signature, KEY_SIGNATURE_MAX);
	CHECK(key_make(a, &secret, &p->record, &f) == 0);
	k = key_private_read(buf_str(&secret), &f);
	CHECK(k != NULL && key_sign(k, digest, &p->signature, &f) == 0);
	key_private_free(k);
	buf_release(&secret);
}

static void
pair_release(struct pair *p)
{
	buf_release(&p->record);
	buf_release(&p->signature);
}

/* Is it the key of the pair, whether it was there or not? */
static bool
is_right(struct key_cache *c, const struct pair *p)
{
	struct key_facts facts;
	struct key_public *k;
	bool right;

	if (key_cache_parse(c, buf_str(&p->record), &facts, &k) !=
	    KEY_RECORD_OK)
		return false;
	right = facts.algorithm == p->algorithm && facts.why[0] == '\0' &&
	        facts.bits == (p->algorithm == KEY_RSA ? 2048 : 256) &&
	        key_verify(k, digest, buf_str(&p->signature)) &&
	        !key_verify(k, other, buf_str(&p->signature)) &&
	        key_verify(k, digest, buf_str(&p->signature));
	key_public_free(k);
	return right;
}

/* The n-th of many records: a good one, unlike all others. */
static enum key_record
ask_nth(struct key_cache *c, int n)
{
	struct key_facts facts;
	struct key_public *k;
	enum key_record r;
	struct buf record;

	buf_init(&record, KB);
	buf_addf(&record, "v=DKIM1; k=ed25519; t=s; p=" ED "; n=%d", n);
	r = key_cache_parse(c, buf_str(&record), &facts, &k);
	CHECK(facts.strict && facts.algorithm == KEY_ED25519);
	key_public_free(k);
	buf_release(&record);
	return r;
}

static void
the_same_key(struct pair pairs[2])
{
	struct key_cache *c = key_cache_new();
	struct key_facts facts;
	struct key_public *k, *again;
	struct str record = buf_str(&pairs[0].record);

	for (uint64_t i = 0; i < 3; i++) {
		CHECK(is_right(c, &pairs[0]) && is_right(c, &pairs[1]));
		CHECK(key_cache_hits(c) == 2 * i);
	}
	/* what was given outlives the cache, and other handles */
	CHECK(key_cache_parse(c, record, &facts, &k) == KEY_RECORD_OK);
	key_cache_free(c);
	again = key_public_dup(k);
	key_public_free(k);
	CHECK(key_verify(again, digest, buf_str(&pairs[0].signature)));
	key_public_free(again);
	/* without a cache it is as ever */
	CHECK(is_right(NULL, &pairs[0]) && is_right(NULL, &pairs[1]));
}

/* Is a record read as it is without a cache? */
static bool
is_read_alike(struct key_cache *c, struct str record)
{
	struct key_facts facts[2];
	struct key_public *k[2];
	bool alike = key_cache_parse(c, record, &facts[0], &k[0]) ==
	             key_record_parse(record, &facts[1], &k[1]);

	alike = alike && facts[0].algorithm == facts[1].algorithm &&
	        facts[0].bits == facts[1].bits &&
	        facts[0].testing == facts[1].testing &&
	        facts[0].strict == facts[1].strict &&
	        strcmp(facts[0].why, facts[1].why) == 0;
	key_public_free(k[0]);
	key_public_free(k[1]);
	return alike;
}

/* One octet makes it another record: an old key is never taken for it. */
static void
not_the_same(const struct pair *p)
{
	struct key_cache *c = key_cache_new();
	struct str record = buf_str(&p->record);
	char *copy = mem_dup(record);

	CHECK(is_right(c, p));
	for (size_t i = 0; i < record.len; i++) {
		copy[i] ^= 1;
		CHECK(is_read_alike(c, (struct str){copy, record.len}));
		copy[i] ^= 1;
		CHECK(is_read_alike(c, (struct str){copy, i}));
	}
	CHECK(key_cache_hits(c) == 0);
	CHECK(is_right(c, p) && key_cache_hits(c) == 1);
	free(copy);
	key_cache_free(c);
}

/* What is no key, or too long to keep, is read each time. */
static void
not_kept(void)
{
	static const struct {
		struct str record;
		enum key_record want;
	} vectors[] = {
	    {STR(""),			  KEY_RECORD_BAD    },
	    {STR("v=DKIM1; p="),               KEY_RECORD_REVOKED},
	    {STR("v=DKIM1; k=unknown; p=" ED), KEY_RECORD_BAD    },
	};
	struct key_cache *c = key_cache_new();
	struct key_facts facts;
	struct key_public *k;
	struct buf record;

	for (size_t i = 0; i < 2 * sizeof(vectors) / sizeof(vectors[0]); i++) {
		CHECK(key_cache_parse(c, vectors[i / 2].record, &facts, &k) ==
		      vectors[i / 2].want);
		CHECK(k == NULL && (facts.why[0] != '\0') ==
				       (vectors[i / 2].want == KEY_RECORD_BAD));
	}
	buf_init(&record, 8 * KB);
	buf_add(&record, STR("v=DKIM1; k=ed25519; p=" ED "; n="));
	while (record.len < KEY_CACHE_RECORD)
		buf_add_char(&record, 'x');
	for (int i = 0; i < 4; i++) {
		CHECK(key_cache_parse(c, buf_str(&record), &facts, &k) ==
		      KEY_RECORD_OK);
		key_public_free(k);
		CHECK(key_cache_hits(c) == (i < 1 ? 0 : 1));
		if (i == 1)
			buf_add_char(&record, 'x');
	}
	buf_release(&record);
	key_cache_free(c);
}

/* What is used stays, whatever many others come. */
static void
many(const struct pair *used)
{
	struct key_cache *c = key_cache_new();
	uint64_t hits;
	size_t kept = 0;

	CHECK(is_right(c, used));
	for (int i = 0; i < 4 * KEY_CACHE_MAX; i++) {
		hits = key_cache_hits(c);
		CHECK(ask_nth(c, i) == KEY_RECORD_OK && is_right(c, used));
		CHECK(key_cache_hits(c) == hits + 1);
	}
	/* from the newest to the oldest, so that asking drives out none that
	 * is still to be asked for */
	for (int i = 4 * KEY_CACHE_MAX - 1; i >= 0; i--) {
		hits = key_cache_hits(c);
		ask_nth(c, i);
		kept += key_cache_hits(c) - hits;
	}
	CHECK(kept > KEY_CACHE_MAX / 2 && kept < KEY_CACHE_MAX);
	key_cache_free(c);
}

struct team {
	struct key_cache *cache;
	struct pair *pairs;
	int number;
	size_t right;
};

static void *
work(void *arg)
{
	struct team *t = arg;

	for (int i = 0; i < ROUNDS; i++) {
		for (size_t j = 0; j < 2; j++)
			t->right += is_right(t->cache, &t->pairs[j]);
		for (int j = 0; j < 8; j++) /* the others are driven out */
			ask_nth(t->cache, (t->number * ROUNDS + i) * 8 + j);
	}
	return NULL;
}

static void
threads(struct pair pairs[2])
{
	struct key_cache *c = key_cache_new();
	struct team teams[THREADS];
	pthread_t ids[THREADS];

	for (int i = 0; i < THREADS; i++) {
		teams[i] = (struct team){c, pairs, i, 0};
		CHECK(pthread_create(&ids[i], NULL, work, &teams[i]) == 0);
	}
	for (int i = 0; i < THREADS; i++) {
		CHECK(pthread_join(ids[i], NULL) == 0);
		CHECK(teams[i].right == 2 * ROUNDS);
	}
	CHECK(key_cache_hits(c) > 0);
	key_cache_free(c);
}

int
main(void)
{
	struct pair pairs[2];

	pair_init(&pairs[0], KEY_RSA);
	pair_init(&pairs[1], KEY_ED25519);
	the_same_key(pairs);
	not_the_same(&pairs[1]);
	not_kept();
	many(&pairs[0]);
	threads(pairs);
	pair_release(&pairs[0]);
	pair_release(&pairs[1]);
	return TEST_EXIT();
}
