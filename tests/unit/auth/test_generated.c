/* SPDX-License-Identifier: MIT */
#include "common/auth/generated.h"

#include <ctype.h>

#include "common/util/rand.h"
#include "tests/test.h"

static const uint8_t key[GENERATED_KEY_LEN] = {1, 2, 3};

static void
test_make(void)
{
	struct buf one, two;
	uint8_t a[GENERATED_HASH_LEN], b[GENERATED_HASH_LEN];

	buf_init(&one, GENERATED_LEN);
	buf_init(&two, GENERATED_LEN);
	generated_make(&one);
	generated_make(&two);
	CHECK(one.len == GENERATED_LEN && !one.overrun);
	CHECK(!str_eq(buf_str(&one), buf_str(&two)));
	for (size_t i = 0; i < one.len; i++)
		CHECK(i % 5 == 4 ? one.data[i] == '-'
				 : islower((unsigned char)one.data[i]) &&
				       strchr("ilo", one.data[i]) == NULL);
	CHECK(generated_hash(buf_str(&one), key, a));
	CHECK(generated_hash(buf_str(&two), key, b));
	CHECK(memcmp(a, b, sizeof(a)) != 0);
	buf_release(&one);
	buf_release(&two);
}

static void
test_forms(void)
{
	static const uint8_t other[GENERATED_KEY_LEN] = {1, 2, 4};
	static const struct str same[] = {
	    STR("abcd-efgh-jkmn-pqrs-tuvw-xyza"),
	    STR("abcdefghjkmnpqrstuvwxyza"),
	    STR("ABCD EFGH JKMN PQRS TUVW XYZA"),
	    STR(" a-bcdefghjkmnpq--rstuvwxyza- "),
	};
	static const struct str none[] = {
	    STR(""),
	    STR("abcdefghjkmnpqrstuvwxyz"),
	    STR("abcdefghjkmnpqrstuvwxyzaa"),
	    STR("abcdefghjkmnpqrstuvwxyzi"),
	    STR("abcdefghjkmnpqrstuvwxyz1"),
	    STR("abcdefghjkmnpqrstuvwxyz\0"),
	    STR("abcd_efgh-jkmn-pqrs-tuvw-xyza"),
	    STR("abcdefghjkmnpqrstuvwxyza\xc3\xbc"),
	};
	uint8_t want[GENERATED_HASH_LEN], got[GENERATED_HASH_LEN];

	CHECK(generated_hash(same[0], key, want));
	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
		CHECK(generated_hash(same[i], key, got));
		CHECK(memcmp(want, got, sizeof(got)) == 0);
	}
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		CHECK(!generated_hash(none[i], key, got));
	CHECK(generated_hash(same[0], other, got));
	CHECK(memcmp(want, got, sizeof(got)) != 0);
	CHECK(generated_hash(STR("bbcd-efgh-jkmn-pqrs-tuvw-xyza"), key, got));
	CHECK(memcmp(want, got, sizeof(got)) != 0);
}

int
main(void)
{
	rand_init();
	test_make();
	test_forms();
	return TEST_EXIT();
}
