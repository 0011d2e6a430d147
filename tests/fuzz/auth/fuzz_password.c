/* SPDX-License-Identifier: MIT */
/* The form of a password that is hashed is its own form; one of ours is the
 * same however it is typed. */
#include <assert.h>
#include <string.h>

#include "common/auth/generated.h"
#include "common/auth/password.h"
#include "common/util/mem.h"
#include "common/util/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
generated(struct str password)
{
	static const uint8_t key[GENERATED_KEY_LEN] = {1};
	uint8_t once[GENERATED_HASH_LEN], twice[GENERATED_HASH_LEN];
	struct buf other;

	if (!generated_hash(password, key, once))
		return;
	buf_init(&other, 1 * MB);
	for (size_t i = 0; i < password.len; i++)
		if (password.at[i] != '-')
			buf_addf(&other, "%c ", str_lower(password.at[i]));
	bool good = generated_hash(buf_str(&other), key, twice);
	assert(good && memcmp(once, twice, sizeof(once)) == 0);
	buf_release(&other);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str password = {(const char *)data, size};
	struct secret once, twice;

	if (size > 4 * KB)
		return 0;
	secret_init(&once);
	secret_init(&twice);
	password_prepare(password, &once);
	password_prepare(secret_str(&once), &twice);
	assert(str_eq(secret_str(&once), secret_str(&twice)));
	if (!str_has_8bit(password))
		assert(str_eq(secret_str(&once), password));
	if (utf8_valid(password))
		assert(utf8_valid(secret_str(&once)));
	secret_release(&once);
	secret_release(&twice);
	generated(password);
	return 0;
}
