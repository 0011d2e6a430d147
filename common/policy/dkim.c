/* SPDX-License-Identifier: MIT */
#include "common/policy/dkim.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mime/header.h"
#include "common/policy/dkim_fields.h"
#include "common/policy/dkim_signature.h"
#include "common/policy/key_cache.h"
#include "common/util/mem.h"

/* Key records at one name that are tried (RFC 6376 s6.1.2 leaves it to us): a
 * name with more is none.  So the verdict hangs on no order of records, and the
 * cost of a signature is bounded. */
#define KEYS_MAX 4

/* Room that is made at once for what is signed; more grows. */
#define TEXT_USUAL (1 * KB)

struct signature {
	struct dkim_signature said;
	struct str whole;
	size_t hash;         /* its place */
	const char *refuted; /* by the body, or NULL; a bad key is told first */
	bool settled;
};

struct dkim {
	struct dkim_fields *fields;
	struct body_hashes *hashes;
	size_t block_len;
	bool has_from, ended;
	size_t all, n;
	struct signature *at; /* n of each */
	struct dkim_verdict *verdicts;
};

static const char *const words[] = {
#define R(name, word) [DKIM_##name] = (word),
    DKIM_RESULTS(R)
#undef R
};

const char *
dkim_word(enum dkim_result r)
{
	return words[r];
}

static void
settle(struct dkim *d, size_t i, enum dkim_result result, const char *why)
{
	struct dkim_verdict *v = &d->verdicts[i];

	d->at[i].settled = true;
	v->result = result;
	snprintf(v->why, sizeof(v->why), "%s", why);
}

static void
add_signature(struct dkim *d, const struct header_field *field, int64_t now_s)
{
	size_t i = d->n++;
	struct signature *s;

	d->at = mem_grow(d->at, d->n, sizeof(*d->at));
	d->verdicts = mem_grow(d->verdicts, d->n, sizeof(*d->verdicts));
	s = &d->at[i];
	*s = (struct signature){0};
	s->whole = field->whole;
	if (!dkim_signature_read(
		field->value, now_s, &s->said, &d->verdicts[i]))
		s->settled = true;
	else if (!dkim_fields_clear(d->fields))
		settle(d, i, DKIM_PERMERROR,
		    "the header can be read in more than one way");
	else if (!d->has_from) /* RFC 6376 s5.4: it must be signed */
		settle(d, i, DKIM_PERMERROR, "there is no From");
	else if (!body_hashes_want(
		     d->hashes, s->said.body, s->said.octets, &s->hash))
		settle(d, i, DKIM_PERMERROR, "too many signatures");
}

struct dkim *
dkim_new(struct str block, int64_t now_s)
{
	struct dkim *d = MEM_NEW(struct dkim);
	struct header_field field;

	d->fields = dkim_fields_new(block);
	d->hashes = body_hashes_new();
	d->block_len = block.len;
	d->has_from = header_count(block, STR("From")) > 0;
	while (header_next(&block, &field)) {
		if (!str_eq_nocase(field.name, STR("DKIM-Signature")))
			continue;
		if (d->all++ < DKIM_SIGNATURES_MAX)
			add_signature(d, &field, now_s);
	}
	return d;
}

void
dkim_free(struct dkim *d)
{
	if (d == NULL)
		return;
	body_hashes_free(d->hashes);
	dkim_fields_free(d->fields);
	free(d->verdicts);
	free(d->at);
	free(d);
}

void
dkim_body(struct dkim *d, struct str piece)
{
	body_hashes_feed(d->hashes, piece);
}

/* What is wrong with the body, or NULL. */
static const char *
judge_body(const struct dkim *d, size_t i, bool *partial)
{
	const struct dkim_signature *said = &d->at[i].said;
	uint64_t length = body_hashes_length(d->hashes, d->at[i].hash);

	*partial = said->octets < length;
	if (said->octets != BODY_HASH_ALL && said->octets > length)
		return "the body is shorter than l= says";
	if (memcmp(body_hashes_get(d->hashes, d->at[i].hash), said->body_hash,
		BODY_HASH_LEN) != 0)
		return "the body was changed";
	return NULL;
}

void
dkim_body_end(struct dkim *d)
{
	body_hashes_end(d->hashes);
	d->ended = true;
	for (size_t i = 0; i < d->n; i++)
		if (!d->at[i].settled)
			d->at[i].refuted = judge_body(
			    d, i, &d->verdicts[i].partial);
}

/* RFC 6376 s3.7: the SHA-256 that is signed. */
static bool
digest(struct dkim *d, const struct signature *s, uint8_t out[KEY_DIGEST_LEN])
{
	struct buf text;
	bool ok;

	/* a field gets two octets longer at most, and has at least one; it
	 * is there once, and so is our own */
	buf_init(&text, 4 * d->block_len + 1 * KB);
	buf_reserve(&text, TEXT_USUAL);
	dkim_fields_add(
	    d->fields, s->said.header, s->said.names, s->whole, &text);
	ok = dkim_fields_add_own(s->said.header, s->whole, &text) &&
	     !text.overrun;
	key_sha256(buf_str(&text), out);
	buf_release(&text);
	return ok;
}

/* ---- the keys ---- */

struct keys {
	size_t n; /* that fit the signature */
	struct key_public *at[KEYS_MAX + 1];
	struct key_facts facts[KEYS_MAX + 1];
	bool revoked;
	char why[160]; /* one that does not */
};

static void
add_key(struct keys *k, struct key_cache *cache, struct str record,
    enum key_algorithm algorithm)
{
	struct key_facts facts;
	struct key_public *key;

	switch (key_cache_parse(cache, record, &facts, &key)) {
	case KEY_RECORD_REVOKED:
		k->revoked = true;
		return;
	case KEY_RECORD_BAD:
		snprintf(k->why, sizeof(k->why), "%s", facts.why);
		return;
	case KEY_RECORD_OK:
		break;
	}
	if (facts.algorithm != algorithm) {
		snprintf(k->why, sizeof(k->why), "k= is not for a=");
		key_public_free(key);
		return;
	}
	k->facts[k->n] = facts;
	k->at[k->n++] = key;
}

/* The key is right.  False: another one may do better. */
static bool
settle_right(struct dkim *d, size_t i, const struct key_facts *facts)
{
	struct dkim_verdict *v = &d->verdicts[i];

	v->bits = facts->bits;
	v->testing = facts->testing;
	if (facts->strict && d->at[i].said.below) {
		settle(d, i, DKIM_PERMERROR,
		    "i= is below d=, and the key's t=s forbids it");
		return false;
	}
	/* RFC 6376 s8.15: what people see may be the one above */
	if (dkim_fields_left(d->fields, STR("From")))
		settle(d, i, DKIM_POLICY, "there is a From that is not signed");
	else if (v->partial)
		settle(d, i, DKIM_POLICY,
		    "the signature leaves out a part of the body");
	else
		settle(d, i, DKIM_PASS, "");
	return true;
}

/* Settle it with the keys there are: one that is right is enough. */
static void
try_keys(struct dkim *d, size_t i, const struct keys *k)
{
	const struct dkim_signature *said = &d->at[i].said;
	struct str bytes = {(const char *)said->bytes, said->n};
	struct dkim_verdict *v = &d->verdicts[i];
	uint8_t sha256[KEY_DIGEST_LEN];

	if (d->at[i].refuted != NULL)
		settle(d, i, DKIM_FAIL, d->at[i].refuted);
	else if (digest(d, &d->at[i], sha256))
		settle(d, i, DKIM_FAIL, "the signature is not of this header");
	else {
		settle(d, i, DKIM_NEUTRAL, "the field cannot be hashed");
		return;
	}
	for (size_t j = 0; j < k->n; j++) {
		const struct key_facts *facts = &k->facts[j];

		if (v->bits < facts->bits)
			v->bits = facts->bits;
		v->testing |= facts->testing;
		if (d->at[i].refuted == NULL &&
		    key_verify(k->at[j], sha256, bytes) &&
		    settle_right(d, i, facts))
			return;
	}
}

/* No key fits: say what there was. */
static void
settle_keyless(struct dkim *d, size_t i, const struct keys *k, size_t records)
{
	char why[sizeof(d->verdicts[i].why)];

	if (k->revoked)
		snprintf(why, sizeof(why), "the key is revoked");
	else if (records == 1)
		snprintf(why, sizeof(why), "the key record is of no use: %s",
		    k->why);
	else
		snprintf(why, sizeof(why),
		    "of %zu records none is a key for this signature", records);
	settle(d, i, DKIM_PERMERROR, why);
}

static void
settle_records(struct dkim *d, size_t i, const struct fact *answer,
    struct key_cache *cache)
{
	struct keys k = {0};
	size_t tried = 0;

	while (tried < answer->n && k.n <= KEYS_MAX)
		add_key(&k, cache, answer->records[tried++],
		    d->at[i].said.algorithm);
	if (k.n > KEYS_MAX)
		settle(d, i, DKIM_PERMERROR, "too many keys at one name");
	else if (k.n == 0)
		settle_keyless(d, i, &k, answer->n);
	else
		try_keys(d, i, &k);
	for (size_t j = 0; j < k.n; j++)
		key_public_free(k.at[j]);
}

static void
settle_answer(struct dkim *d, size_t i, const struct fact *answer,
    struct key_cache *cache)
{
	switch (answer->status) {
	case FACT_OK:
		settle_records(d, i, answer, cache);
		break;
	case FACT_TEMPFAIL:
		if (d->at[i].refuted != NULL) /* no key will help it */
			settle(d, i, DKIM_FAIL, d->at[i].refuted);
		else
			settle(d, i, DKIM_TEMPERROR,
			    "the key could not be asked for");
		break;
	case FACT_NODATA:
	case FACT_NXDOMAIN:
	case FACT_IMPOSSIBLE:
		settle(d, i, DKIM_PERMERROR, "there is no key");
		break;
	}
}

bool
dkim_check(struct dkim *d, struct facts *f)
{
	const struct fact *answers[DKIM_SIGNATURES_MAX] = {0};
	bool known = d->ended;

	for (size_t i = 0; i < d->n; i++)
		if (!d->at[i].settled)
			answers[i] = facts_ask(
			    f, str_of(d->at[i].said.question), FACT_TXT);
	for (size_t i = 0; i < d->n && d->ended; i++) {
		if (d->at[i].settled)
			continue;
		if (answers[i] == NULL)
			known = false;
		else
			settle_answer(d, i, answers[i], facts_keys(f));
	}
	return known;
}

size_t
dkim_count(const struct dkim *d)
{
	return d->n;
}

const struct dkim_verdict *
dkim_verdict(const struct dkim *d, size_t i)
{
	assert(i < d->n);
	return &d->verdicts[i];
}

size_t
dkim_signatures(const struct dkim *d)
{
	return d->all;
}
