/* SPDX-License-Identifier: MIT */
#include "common/util/utf8.h"

#include "tests/test.h"

static const struct {
	struct str text;
	bool ok;
} vectors[] = {
    {STR(""),				 true },
    {STR("a\0z\x7f"),			 true },
    {STR("\xc2\x80\xdf\xbf"),                 true },
    {STR("\xe0\xa0\x80\xef\xbf\xbf"),         true },
    {STR("\xed\x9f\xbf\xee\x80\x80"),         true },
    {STR("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"), true },
    {STR("\x80"),			     false},
    {STR("\xbf"),			     false},
    {STR("\xc0\x80"),			 false}, /* overlong NUL */
    {STR("\xc1\xbf"),			 false},
    {STR("\xe0\x9f\xbf"),                     false},
    {STR("\xf0\x8f\xbf\xbf"),                 false},
    {STR("\xed\xa0\x80"),                     false}, /* surrogates */
    {STR("\xed\xbf\xbf"),                     false},
    {STR("\xf4\x90\x80\x80"),                 false}, /* U+110000 */
    {STR("\xf5\x80\x80\x80"),                 false},
    {STR("\xf8\x88\x80\x80\x80"),             false},
    {STR("\xfe"),			     false},
    {STR("\xff"),			     false},
    {STR("\xc3"),			     false}, /* cut */
    {STR("\xe2\x82"),			 false},
    {STR("\xf0\x9f\x98"),                     false},
    {STR("\xc3("),			    false},
    {STR("a\xe2\x82\xac\x82"),                false},
};

/* Every code there is, written by the rule and read back. */
static void
check_every_code(void)
{
	for (uint32_t code = 0; code < 0x120000; code++) {
		char text[4];
		size_t len;
		uint32_t got = 0;

		if (code < 0x80) {
			text[0] = (char)code;
			len = 1;
		} else if (code < 0x800) {
			text[0] = (char)(0xc0 | code >> 6);
			len = 2;
		} else if (code < 0x10000) {
			text[0] = (char)(0xe0 | code >> 12);
			len = 3;
		} else {
			text[0] = (char)(0xf0 | code >> 18);
			len = 4;
		}
		for (size_t i = 1; i < len; i++)
			text[i] = (char)(0x80 |
					 (code >> (6 * (len - 1 - i)) & 63));
		struct str s = {text, len};
		bool ok = code < 0xd800 || (code > 0xdfff && code < 0x110000);
		CHECK(utf8_take(&s, &got) == ok);
		CHECK(s.len == (ok ? 0 : len) && (!ok || got == code));
	}
}

static void
check_first(void)
{
	struct str s = STR("a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80");
	static const size_t lens[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 10};

	for (size_t n = 0; n < sizeof(lens) / sizeof(lens[0]); n++) {
		CHECK(utf8_first(s, n).len == lens[n]);
		CHECK(utf8_valid(utf8_first(s, n)));
	}
	/* what is no UTF-8 is cut somewhere, but cut */
	CHECK(utf8_first(STR("\x80\x80\x80\x80\x80\x80\x80"), 5).len <= 5);
	CHECK(utf8_first(STR("\x80\x80\x80\x80\x80\x80\x80"), 5).len > 0);
}

int
main(void)
{
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++)
		CHECK(utf8_valid(vectors[i].text) == vectors[i].ok);
	check_every_code();
	check_first();
	return TEST_EXIT();
}
