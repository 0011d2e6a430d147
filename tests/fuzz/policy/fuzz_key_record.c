/* SPDX-License-Identifier: MIT */
/* A key that is taken is one of those we take, and nothing that we did not
 * sign is right under it by chance.  What follows a NUL is the DER of an RSA
 * key. */
#include <assert.h>

#include "common/policy/key.h"
#include "common/util/enc.h"
#include "common/util/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
parse(struct str record)
{
	static const uint8_t digest[KEY_DIGEST_LEN] = {1, 2, 3};
	struct key_facts facts;
	struct key_public *key;

	switch (key_record_parse(record, &facts, &key)) {
	case KEY_RECORD_OK:
		assert(key != NULL && facts.why[0] == '\0');
		if (facts.algorithm == KEY_RSA)
			assert(facts.bits >= 1024 && facts.bits <= 8192);
		else
			assert(facts.bits == 256);
		key_verify(key, digest, record);
		break;
	case KEY_RECORD_REVOKED:
		assert(key == NULL && facts.why[0] == '\0');
		break;
	case KEY_RECORD_BAD:
		assert(key == NULL && facts.why[0] != '\0');
		break;
	}
	key_public_free(key);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str record = {(const char *)data, size}, der;
	struct buf text;
	size_t nul;

	parse(record);
	if (!str_find(record, '\0', &nul))
		return 0;
	der = str_after(record, nul + 1);
	buf_init(&text, 64 * KB);
	buf_add(&text, STR("p="));
	enc_base64(der, &text);
	parse(buf_str(&text));
	buf_release(&text);
	return 0;
}
