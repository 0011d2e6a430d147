/* SPDX-License-Identifier: MIT */
#include "common/util/str.h"

#include "tests/test.h"

static void
check_compare(void)
{
	CHECK(str_eq(STR("a"), STR("a")) && !str_eq(STR("a"), STR("A")));
	CHECK(str_eq((struct str){0}, STR("")));
	CHECK(!str_eq(STR("a\0b"), STR("a\0c")));
	CHECK(str_eq_nocase(STR("aBc-[1"), STR("AbC-[1")));
	/* only letters have a case: '@' and '`' differ by the same bit */
	CHECK(!str_eq_nocase(STR("@"), STR("`")));
	CHECK(!str_eq_nocase(STR("["), STR("{")));
	CHECK(!str_eq_nocase(STR("\xc4"), STR("\xe4")));
	CHECK(str_cmp(STR("a"), STR("b")) < 0);
	CHECK(str_cmp(STR("b"), STR("a")) > 0);
	CHECK(str_cmp(STR("a"), STR("ab")) < 0);
	CHECK(str_cmp(STR("ab"), STR("a")) > 0);
	CHECK(str_cmp(STR(""), (struct str){0}) == 0);
	CHECK(str_starts(STR("abc"), STR("ab")));
	CHECK(!str_starts(STR("a"), STR("ab")));
	CHECK(str_starts_nocase(STR("ABc"), STR("ab")));
	CHECK(str_ends_nocase(STR("x.TEST"), STR(".test")));
	CHECK(!str_ends_nocase(STR("test"), STR(".test")));
}

static void
check_parts(void)
{
	struct str s = STR("a,b,");
	size_t at;

	CHECK(str_eq(str_first(s, 2), STR("a,")));
	CHECK(str_eq(str_first(s, 99), s));
	CHECK(str_eq(str_after(s, 2), STR("b,")));
	CHECK(str_after(s, 99).len == 0);
	CHECK(str_after((struct str){0}, 1).at == NULL);
	CHECK(str_eq(str_cut(&s, ','), STR("a")));
	CHECK(str_eq(str_cut(&s, ','), STR("b")));
	CHECK(s.len == 0 && str_cut(&s, ',').len == 0);
	CHECK(str_find(STR("abab"), 'b', &at) && at == 1);
	CHECK(str_find_last(STR("abab"), 'b', &at) && at == 3);
	CHECK(!str_find(STR("abab"), 'c', &at));
	CHECK(!str_find_last((struct str){0}, 'c', &at));
	CHECK(str_find_str(STR("abab"), STR("ba"), &at) && at == 1);
	CHECK(!str_find_str(STR("abab"), STR("bb"), &at));
	CHECK(!str_find_str(STR("abab"), STR(""), &at));
	CHECK(str_eq(str_trim(STR(" \t a b\t ")), STR("a b")));
	CHECK(str_trim(STR(" \t ")).len == 0);
	CHECK(str_of(NULL).len == 0 && str_eq(str_of("x"), STR("x")));
}

static void
check_take(void)
{
	struct str s = STR("SIZE=5");

	CHECK(!str_take(&s, 'x'));
	CHECK(!str_take_nocase(&s, STR("size:")));
	CHECK(str_take_nocase(&s, STR("size")));
	CHECK(str_take(&s, '='));
	CHECK(str_eq(s, STR("5")));
	CHECK(str_take(&s, '5') && !str_take(&s, '5'));
}

static void
check_numbers(void)
{
	static const struct {
		struct str text;
		uint64_t max;
		bool ok;
		uint64_t n;
	} vectors[] = {
	    {STR("0"),                    UINT64_MAX, true,  0         },
	    {STR("007"),                  UINT64_MAX, true,  7         },
	    {STR("18446744073709551615"), UINT64_MAX, true,  UINT64_MAX},
	    {STR("18446744073709551616"), UINT64_MAX, false, 0         },
	    {STR("99999999999999999999"), UINT64_MAX, false, 0         },
	    {STR("100"),                  100,        true,  100       },
	    {STR("101"),                  100,        false, 0         },
	    {STR("5"),                    4,          false, 0         },
	    {STR(""),                     100,        false, 0         },
	    {STR("-1"),                   100,        false, 0         },
	    {STR("+1"),                   100,        false, 0         },
	    {STR(" 1"),                   100,        false, 0         },
	    {STR("1 "),                   100,        false, 0         },
	    {STR("0x10"),                 100,        false, 0         },
	    {STR("1\0"),                  100,        false, 0         },
	};

	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		uint64_t n = 0;
		size_t size = 0;

		CHECK(str_to_u64(vectors[i].text, vectors[i].max, &n) ==
		      vectors[i].ok);
		CHECK(n == vectors[i].n);
		CHECK(str_to_size(vectors[i].text, (size_t)vectors[i].max,
			  &size) == vectors[i].ok);
		CHECK(size == vectors[i].n);
	}
}

static void
check_kinds(void)
{
	CHECK(str_is_printable(STR(" az~")) && str_is_printable(STR("")));
	CHECK(!str_is_printable(STR("a\n")) && !str_is_printable(STR("\x7f")));
	CHECK(!str_is_printable(STR("\xc3\xa4")));
	CHECK(str_has_8bit(STR("a\x80")) && !str_has_8bit(STR("a\x7f")));
	for (size_t len = 1; len < 100; len++) {
		char text[100];

		memset(text, 0x7f, len);
		CHECK(!str_has_8bit((struct str){text, len}));
		for (size_t at = 0; at < len; at++) {
			text[at] = (char)0x80;
			CHECK(str_has_8bit((struct str){text, len}));
			CHECK(!str_has_8bit((struct str){text, at}));
			text[at] = 0;
		}
	}
	CHECK(str_lower('A') == 'a' && str_lower('Z') == 'z');
	CHECK(str_lower('@') == '@' && str_lower('[') == '[');
}

int
main(void)
{
	check_compare();
	check_parts();
	check_take();
	check_numbers();
	check_kinds();
	return TEST_EXIT();
}
