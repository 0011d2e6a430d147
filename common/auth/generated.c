/* SPDX-License-Identifier: MIT */
#include "common/auth/generated.h"

#include <sodium.h>

#include "common/util/rand.h"

#define LETTERS  24
#define IN_GROUP 4

/* Without i, l and o, which look like others and like digits. */
static const char alphabet[] = "abcdefghjkmnpqrstuvwxyz";

void
generated_make(struct buf *out)
{
	/* at once: growing would leave pieces of it behind */
	buf_reserve(out, GENERATED_LEN);
	for (size_t i = 0; i < LETTERS; i++) {
		if (i > 0 && i % IN_GROUP == 0)
			buf_add_char(out, '-');
		buf_add_char(out, alphabet[rand_below(sizeof(alphabet) - 1)]);
	}
}

/* The letters alone.  False if it is none of ours. */
static bool
normalise(struct str password, char letters[LETTERS])
{
	size_t n = 0, at;

	for (size_t i = 0; i < password.len; i++) {
		char c = str_lower(password.at[i]);

		if (c == ' ' || c == '-')
			continue;
		if (n == LETTERS || !str_find(str_of(alphabet), c, &at))
			return false;
		letters[n++] = c;
	}
	return n == LETTERS;
}

bool
generated_hash(struct str password, const uint8_t key[GENERATED_KEY_LEN],
    uint8_t out[GENERATED_HASH_LEN])
{
	char letters[LETTERS];
	bool good = normalise(password, letters);

	if (good)
		crypto_generichash(out, GENERATED_HASH_LEN,
		    (const unsigned char *)letters, LETTERS, key,
		    GENERATED_KEY_LEN);
	sodium_memzero(letters, sizeof(letters));
	return good;
}
