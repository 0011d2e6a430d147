/* SPDX-License-Identifier: MIT */
/* Any header and body; each question is answered with what is left of the
 * input.  Nothing without a good signature passes, and what may be sealed can
 * be read again. */
#include <assert.h>
#include <string.h>

#include "common/mime/header.h"
#include "common/policy/arc.h"
#include "common/policy/arc_sets.h"
#include "common/policy/key_cache.h"
#include "common/util/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
answer(struct facts *f, struct str record)
{
	struct fact fact = {.status = FACT_OK, .n = 1, .records = &record};
	struct facts_question q;

	while (facts_wanted(f, &q))
		facts_answer(f, q.id, &fact);
}

/* Those of all inputs, as a daemon has them. */
static struct key_cache *
keys(void)
{
	static struct key_cache *cache;

	if (cache == NULL)
		cache = key_cache_new();
	return cache;
}

static enum arc_result
check(struct str block, struct str body)
{
	struct facts *f = facts_new();
	struct arc *a = arc_new(block, 0);
	enum arc_result result;

	facts_set_keys(f, keys());
	arc_body(a, body);
	arc_body_end(a);
	while (!arc_check(a, f))
		answer(f, body);
	result = arc_verdict(a)->result;
	assert(arc_verdict(a)->sets <= ARC_SETS_MAX);
	assert(result == ARC_PASS || !arc_verdict(a)->dmarc_pass);
	arc_free(a);
	facts_free(f);
	return result;
}

static void
seal(struct str block, enum arc_result chain)
{
	uint8_t digest[KEY_DIGEST_LEN], body_hash[BODY_HASH_LEN] = {0};
	struct arc_seal s = {
	    .domain = STR("d.test"),
	    .selector = STR("s"),
	    .algorithm = KEY_RSA,
	    .block = block,
	    .results = STR("mx.d.test; none"),
	    .body_hash = body_hash,
	    .chain = chain,
	};
	struct arc_sets sets;
	struct buf fields;

	buf_init(&fields, 1 * MB);
	if (arc_seal_begin(&s, &fields, digest)) {
		arc_seal_signed(&s, &fields, STR("12345678"), digest);
		arc_seal_finish(&s, &fields, STR("abcdefgh"));
		assert(!fields.overrun && header_is_clean(buf_str(&fields)));
		arc_sets_read(buf_str(&fields), &sets);
		assert(sets.fields == ARC_FIELDS);
		assert(sets.n >= 1 && sets.n <= ARC_SETS_MAX);
	}
	buf_release(&fields);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str block, body;

	header_split((struct str){(const char *)data, size}, &block, &body);
	seal(block, check(block, body));
	return 0;
}
