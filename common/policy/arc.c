/* SPDX-License-Identifier: MIT */
#include "common/policy/arc.h"

#include "common/policy/arc_sets.h"
#include "common/policy/authres.h"
#include "common/policy/dkim_fields.h"
#include "common/policy/key_cache.h"
#include "common/util/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEYS_MAX 4 /* keys tried at one name, as for DKIM */

/* A signature is checked once; what came out stays. */
enum state {
	STATE_OPEN,
	STATE_GOOD,
	STATE_BAD,
	STATE_TEMP
};

struct check {
	enum state state;
	const char *why; /* not good */
	struct arc_signature said;
	size_t hash[2]; /* AMS: place of the body's, by enum canon */
};

struct arc {
	int64_t now_s;
	size_t block_len;
	struct arc_sets sets;
	struct dkim_fields *fields;
	struct body_hashes *hashes;
	bool ended, settled;
	struct check *message,
	    *seal; /* sets.n of each; NULL: none is looked at */
	struct arc_verdict verdict;
};

/* ---- what is told ---- */

static void
settle(struct arc *a, enum arc_result result, const char *what, unsigned i,
    const char *why)
{
	a->settled = true;
	a->verdict.result = result;
	if (i > 0)
		snprintf(a->verdict.why, sizeof(a->verdict.why),
		    "%s of instance %u: %s", what, i, why);
	else
		snprintf(a->verdict.why, sizeof(a->verdict.why), "%s", why);
}

/* On one line, printable. */
static void
copy_line(char *out, size_t size, struct str text)
{
	size_t len = 0;
	bool blank = false;

	for (size_t i = 0; i < text.len && len + 2 < size; i++) {
		char c = text.at[i];

		if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
			blank = len > 0;
			continue;
		}
		if (blank)
			out[len++] = ' ';
		blank = false;
		out[len++] = c < ' ' || c > '~' ? '?' : c;
	}
	out[len] = '\0';
}

/* Does the testimony say dmarc=pass, and nothing else of dmarc? */
static bool
says_dmarc_pass(struct str results)
{
	struct authres_result r;
	bool pass = false;
	char id[256];
	int rc;

	if (!authres_read_id(&results, id))
		return false;
	while ((rc = authres_read_next(&results, &r)) == 1) {
		if (strcmp(r.method, "dmarc") != 0)
			continue;
		if (strcmp(r.result, "pass") != 0)
			return false;
		pass = true;
	}
	return pass && rc == 0;
}

static void
tell_sealers(struct arc *a)
{
	struct arc_verdict *v = &a->verdict;
	size_t len = 0;

	for (unsigned i = 0; i < a->sets.n; i++) {
		int n = snprintf(v->sealers + len, sizeof(v->sealers) - len,
		    "%s%s", i > 0 ? " " : "", a->seal[i].said.domain);

		if (n < 0 || (size_t)n >= sizeof(v->sealers) - len) {
			v->sealers[len] = '\0'; /* no half names */
			return;
		}
		len += (size_t)n;
	}
}

static void
tell(struct arc *a)
{
	unsigned n = a->sets.n;

	tell_sealers(a);
	snprintf(a->verdict.sealer, sizeof(a->verdict.sealer), "%s",
	    a->seal[n - 1].said.domain);
	copy_line(a->verdict.results, sizeof(a->verdict.results),
	    a->sets.at[n - 1].value[ARC_RESULTS]);
}

/* ---- the structure, and what is wrong before any key is asked for ---- */

static void
spoil(struct check *c, const char *why)
{
	c->state = STATE_BAD;
	c->why = why;
}

static void
read_set(struct arc *a, unsigned i)
{
	const struct arc_set *set = &a->sets.at[i];
	struct check *m = &a->message[i], *s = &a->seal[i];

	m->why = arc_signature_read(
	    set->value[ARC_MESSAGE], ARC_MESSAGE, a->now_s, &m->said);
	for (size_t how = CANON_SIMPLE; how <= CANON_RELAXED; how++)
		if (m->why == NULL && (how == m->said.body || m->said.unsaid) &&
		    !body_hashes_want(a->hashes, (enum canon)how,
			m->said.octets, &m->hash[how]))
			m->why = "too many kinds of body hash";
	if (m->why != NULL)
		spoil(m, m->why);
	s->why = arc_signature_read(
	    set->value[ARC_SEAL], ARC_SEAL, a->now_s, &s->said);
	if (s->why != NULL)
		spoil(s, s->why);
}

/* What needs no key. */
static void
settle_signatures(struct arc *a)
{
	unsigned n = a->sets.n;

	if (!dkim_fields_clear(a->fields))
		settle(a, ARC_FAIL, "", 0,
		    "the header can be read in more than one way");
	else if (a->message[n - 1].state == STATE_BAD)
		settle(
		    a, ARC_FAIL, "message signature", n, a->message[n - 1].why);
	for (unsigned i = n; i > 0 && !a->settled; i--)
		if (a->seal[i - 1].state == STATE_BAD)
			settle(a, ARC_FAIL, "seal", i, a->seal[i - 1].why);
}

/* RFC 8617 s5.2, steps 1 to 3 */
static void
settle_structure(struct arc *a)
{
	if (a->sets.fields == 0)
		settle(a, ARC_NONE, "", 0, "");
	else if (str_eq_nocase(a->sets.chain, STR("fail")))
		settle(a, ARC_FAIL, "", 0, "the newest seal says cv=fail");
	else if (a->sets.why != NULL)
		settle(a, ARC_FAIL, "", 0, a->sets.why);
}

struct arc *
arc_new(struct str block, int64_t now_s)
{
	struct arc *a = MEM_NEW(struct arc);

	a->now_s = now_s;
	a->block_len = block.len;
	arc_sets_read(block, &a->sets);
	a->verdict.sets = a->sets.n;
	settle_structure(a);
	if (a->settled)
		return a;
	a->fields = dkim_fields_new(block);
	a->hashes = body_hashes_new();
	a->message = mem_new(a->sets.n, sizeof(*a->message));
	a->seal = mem_new(a->sets.n, sizeof(*a->seal));
	for (unsigned i = 0; i < a->sets.n; i++)
		read_set(a, i);
	tell(a);
	settle_signatures(a);
	return a;
}

void
arc_free(struct arc *a)
{
	if (a == NULL)
		return;
	free(a->seal);
	free(a->message);
	body_hashes_free(a->hashes);
	dkim_fields_free(a->fields);
	free(a);
}

void
arc_body(struct arc *a, struct str piece)
{
	if (!a->settled)
		body_hashes_feed(a->hashes, piece);
}

static bool
has_body(const struct arc *a, const struct check *m, enum canon how)
{
	return memcmp(body_hashes_get(a->hashes, m->hash[how]),
		   m->said.body_hash, BODY_HASH_LEN) == 0;
}

/* Without c=, what it was is found out: simple as RFC 6376 s3.5 says, or
 * relaxed. */
static void
check_body(const struct arc *a, struct check *m)
{
	if (m->said.unsaid && !has_body(a, m, CANON_RELAXED))
		m->said.unsaid = false;
	if (m->said.unsaid && !has_body(a, m, CANON_SIMPLE)) {
		m->said.header = m->said.body = CANON_RELAXED;
		m->said.unsaid = false;
	}
	if (m->said.octets <
	    body_hashes_length(a->hashes, m->hash[m->said.body]))
		spoil(m, "l= leaves out a part of the body");
	else if (!has_body(a, m, m->said.body))
		spoil(m, "the body was changed");
}

void
arc_body_end(struct arc *a)
{
	unsigned n = a->sets.n;

	a->ended = true;
	if (a->settled)
		return;
	body_hashes_end(a->hashes);
	for (unsigned i = 0; i < n; i++)
		if (a->message[i].state == STATE_OPEN)
			check_body(a, &a->message[i]);
	if (a->message[n - 1].state == STATE_BAD)
		settle(
		    a, ARC_FAIL, "message signature", n, a->message[n - 1].why);
}

/* ---- signatures ---- */

static bool
digest_message(struct arc *a, unsigned i, uint8_t out[KEY_DIGEST_LEN])
{
	const struct arc_signature *said = &a->message[i].said;
	struct str whole = a->sets.at[i].whole[ARC_MESSAGE];
	struct buf text;
	bool ok;

	buf_init(&text, 4 * a->block_len + 1 * KB);
	dkim_fields_add(a->fields, said->header, said->names, whole, &text);
	ok = dkim_fields_add_own(said->header, whole, &text) && !text.overrun;
	key_sha256(buf_str(&text), out);
	buf_release(&text);
	return ok;
}

/* RFC 8617 s5.1.1: all sets up to this one, and the seal itself without what
 * b= says. */
static bool
digest_seal(struct arc *a, unsigned i, uint8_t out[KEY_DIGEST_LEN])
{
	struct buf text;
	bool ok;

	buf_init(&text, 4 * a->block_len + 1 * KB);
	for (unsigned j = 0; j <= i; j++)
		arc_set_canon(&a->sets.at[j], j < i, &text);
	ok = dkim_fields_add_own(
		 CANON_RELAXED, a->sets.at[i].whole[ARC_SEAL], &text) &&
	     !text.overrun;
	key_sha256(buf_str(&text), out);
	buf_release(&text);
	return ok;
}

/* Is one of these records the key of this signature? */
static const char *
try_keys(const struct fact *answer, struct key_cache *cache,
    const struct arc_signature *said, const uint8_t sha256[KEY_DIGEST_LEN])
{
	struct str bytes = {(const char *)said->bytes, said->n};
	const char *why = "there is no key that can be used";
	size_t tried = 0;

	for (size_t i = 0; i < answer->n && tried < KEYS_MAX; i++) {
		struct key_public *key;
		struct key_facts facts;
		bool good;

		if (key_cache_parse(cache, answer->records[i], &facts, &key) !=
		    KEY_RECORD_OK)
			continue;
		good = facts.algorithm == said->algorithm &&
		       key_verify(key, sha256, bytes);
		key_public_free(key);
		if (good)
			return NULL;
		why = "the signature is wrong";
		tried++;
	}
	return why;
}

/* NULL: it is good. */
static const char *
check_signature(struct arc *a, const struct fact *answer,
    struct key_cache *cache, enum arc_field kind, unsigned i)
{
	struct check *c = kind == ARC_SEAL ? &a->seal[i] : &a->message[i];
	uint8_t sha256[KEY_DIGEST_LEN];

	if (!(kind == ARC_SEAL ? digest_seal(a, i, sha256)
			       : digest_message(a, i, sha256)))
		return "it cannot be hashed";
	return try_keys(answer, cache, &c->said, sha256);
}

/* Settle one signature if its key is known.  False: not yet. */
static bool
verify(struct arc *a, struct facts *f, enum arc_field kind, unsigned i)
{
	struct check *c = kind == ARC_SEAL ? &a->seal[i] : &a->message[i];
	const struct fact *answer;

	if (c->state != STATE_OPEN)
		return true;
	answer = facts_ask(f, str_of(c->said.question), FACT_TXT);
	if (answer == NULL || !a->ended)
		return false;
	if (answer->status == FACT_TEMPFAIL) {
		c->state = STATE_TEMP;
		c->why = "its key could not be asked for";
	} else if (answer->status != FACT_OK) {
		spoil(c, "there is no key");
	} else {
		c->why = check_signature(a, answer, facts_keys(f), kind, i);
		if (c->why != NULL && c->said.unsaid) {
			c->said.header = CANON_RELAXED;
			c->why = check_signature(
			    a, answer, facts_keys(f), kind, i);
		}
		c->state = c->why == NULL ? STATE_GOOD : STATE_BAD;
	}
	return true;
}

/* Steps 4 and 6: the newest message signature, then all seals, newest first.
 * One that is wrong decides, whatever else is not known.  False: not yet. */
static bool
check_chain(struct arc *a, struct facts *f)
{
	unsigned n = a->sets.n, temp = 0;
	bool known = verify(a, f, ARC_MESSAGE, n - 1);
	const struct check *m = &a->message[n - 1];

	if (m->state == STATE_BAD) {
		settle(a, ARC_FAIL, "message signature", n, m->why);
		return true;
	}
	for (unsigned i = n; i > 0; i--) {
		known &= verify(a, f, ARC_SEAL, i - 1);
		if (a->seal[i - 1].state == STATE_BAD) {
			settle(a, ARC_FAIL, "seal", i, a->seal[i - 1].why);
			return true;
		}
		if (a->seal[i - 1].state == STATE_TEMP)
			temp = i;
	}
	if (known && m->state == STATE_TEMP)
		settle(a, ARC_TEMPERROR, "message signature", n, m->why);
	else if (known && temp > 0)
		settle(a, ARC_TEMPERROR, "seal", temp, a->seal[temp - 1].why);
	return known;
}

/* Step 5: how far back the message is as it was.  A key that is not to be had
 * counts as a signature that is wrong.  False: not yet. */
static bool
find_oldest(struct arc *a, struct facts *f)
{
	unsigned n = a->sets.n, oldest = n;
	bool known = true;

	for (unsigned i = n; i > 0; i--)
		known &= verify(a, f, ARC_MESSAGE, i - 1);
	if (!known)
		return false;
	while (oldest > 0 && a->message[oldest - 1].state == STATE_GOOD)
		oldest--;
	a->verdict.oldest_pass = oldest > 0 ? oldest + 1 : 0;
	return true;
}

bool
arc_check(struct arc *a, struct facts *f)
{
	if (a->settled)
		return a->ended;
	if (!check_chain(a, f))
		return false;
	if (a->settled)
		return true;
	if (!find_oldest(a, f))
		return false;
	settle(a, ARC_PASS, "", 0, "");
	/* without From signed, its words may be of another author */
	a->verdict.dmarc_pass = a->message[a->sets.n - 1].said.from &&
	                        says_dmarc_pass(a->sets.at[a->sets.n - 1]
						    .value[ARC_RESULTS]);
	return true;
}

const struct arc_verdict *
arc_verdict(const struct arc *a)
{
	return &a->verdict;
}

const char *
arc_word(enum arc_result r)
{
	static const char *const words[] = {
	    [ARC_NONE] = "none",
	    [ARC_PASS] = "pass",
	    [ARC_FAIL] = "fail",
	    /* RFC 8617 s5.2.1, s10.1: there is no other word */
	    [ARC_TEMPERROR] = "fail",
	};

	return words[r];
}
