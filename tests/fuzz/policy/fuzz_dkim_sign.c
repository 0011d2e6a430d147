/* SPDX-License-Identifier: MIT */
/* Whatever header a message of ours has, our signature is one clean field, and
 * whoever checks it looks for the key where it is. */
#include <assert.h>

#include "common/mime/header.h"
#include "common/policy/dkim.h"
#include "common/policy/dkim_sign.h"
#include "common/util/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_asks(struct str message)
{
	struct facts *f = facts_new();
	struct dkim *d = dkim_new(message, 1795341600);
	struct fact none = {.status = FACT_NXDOMAIN};
	struct facts_question q;
	size_t asked = 0;

	dkim_body_end(d);
	while (!dkim_check(d, f))
		for (; facts_wanted(f, &q); asked++)
			facts_answer(f, q.id, &none);
	/* it is the first signature; nobody has signed */
	assert(dkim_count(d) > 0 && asked <= dkim_count(d));
	assert(dkim_verdict(d, 0)->result != DKIM_PASS);
	dkim_free(d);
	facts_free(f);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t body_hash[32] = {/* SHA-256 of nothing */
	    0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4,
	    0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b,
	    0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55};
	uint8_t digest[KEY_DIGEST_LEN];
	struct str message = {(const char *)data, size}, block, body;
	struct dkim_sign s = {
	    .domain = STR("d.test"),
	    .selector = STR("s"),
	    .algorithm = KEY_ED25519,
	    .now_s = 1795341600,
	    .body_hash = body_hash,
	};
	struct header_field one;
	struct buf field;
	struct str rest;

	if (size > 64 * KB)
		return 0;
	header_split(message, &block, &body);
	s.block = block;
	buf_init(&field, 4 * MB);
	dkim_sign_digest(&s, &field, digest);
	dkim_sign_finish(&field, STR("0123456789012345678901234567890123"));
	assert(!field.overrun && header_is_clean(buf_str(&field)));
	rest = buf_str(&field);
	bool there = header_next(&rest, &one);
	assert(there && rest.len == 0 && !one.bad);
	assert(str_eq_nocase(one.name, STR("DKIM-Signature")));
	buf_add(&field, block);
	check_asks(buf_str(&field));
	buf_release(&field);
	return 0;
}
