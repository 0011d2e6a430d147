/* SPDX-License-Identifier: MIT */
#include "common/util/glob.h"

#include <stdio.h>
#include <string.h>

#include "tests/test.h"

static void
vectors(void)
{
	static const struct {
		const char *pattern, *text;
		bool good;
	} rows[] = {
	    {"",               "",                   true },
	    {"",               "a",                  false},
	    {"*",              "",                   true },
	    {"*",              "anything",           true },
	    {"**",             "anything",           true },
	    {"?",              "",                   false},
	    {"?",              "a",                  true },
	    {"?",              "ab",                 false},
	    {"a",              "a",                  true },
	    {"a",              "b",                  false},
	    {"ONE.test",       "one.TEST",           true },
	    {"one.test",       "one.tes",            false},
	    {"one.test",       "one.testx",          false},
	    {"*.test",         "one.test",           true },
	    {"*.test",         ".test",              true },
	    {"*.test",         "test",               false},
	    {"*.test",         "a.test.test",        true },
	    {"*.test",         "a.test.best",        false},
	    {"one.*",          "one.test",           true },
	    {"one.*",          "two.test",           false},
	    {"*ab*ab*",        "aab",                false},
	    {"*ab*ab*",        "xabyabz",            true },
	    {"a*b?c*d",        "aXXbYcZZd",          true },
	    {"a*b?c*d",        "aXXbcZZd",           false},
	    {"*@[192.0.2.?*]", "x@[192.0.2.17]",     true },
	    {"*?",             "",                   false},
	    {"*?",             "a",                  true },
	    {"?*?",            "a",                  false},
	    {"?*?",            "ab",                 true },
	    {"*a?",            "aaab",               true },
	    {"*a?",            "aaba",               false},
	    {"gr\xc3\xbc*",    "gr\xc3\xbc\xc3\x9f", true },
	    {"gr??\xc3\x9f",   "gr\xc3\xbc\xc3\x9f", true },
	    {"gr\xc3\x9c",     "gr\xc3\xbc",         false},
	    {"a\\*",           "a*",                 false},
	    {"[ab]",           "a",                  false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bool got = glob_match(
		    str_of(rows[i].pattern), str_of(rows[i].text));

		if (got != rows[i].good)
			fprintf(
			    stderr, "%s / %s\n", rows[i].pattern, rows[i].text);
		CHECK(got == rows[i].good);
	}
	CHECK(glob_match((struct str){0}, (struct str){0}));
	CHECK(glob_match(STR("?b"), (struct str){"\0b", 2}));
}

/* The plain definition, for comparison. */
static bool
by_definition(const char *p, const char *t)
{
	if (*p == '\0')
		return *t == '\0';
	if (*p == '*')
		return by_definition(p + 1, t) ||
		       (*t != '\0' && by_definition(p, t + 1));
	return *t != '\0' && (*p == '?' || *p == *t) &&
	       by_definition(p + 1, t + 1);
}

/* The n-th word over the letters, of any length: digits of n. */
static void
word(unsigned n, const char *letters, char *out)
{
	unsigned base = (unsigned)strlen(letters) + 1;

	for (; n > 0; n /= base)
		if (n % base > 0)
			*out++ = letters[n % base - 1];
	*out = '\0';
}

static void
all_short_ones(void)
{
	char pattern[16], text[16];

	for (unsigned p = 0; p < 3125; p++)
		for (unsigned t = 0; t < 243; t++) {
			word(p, "ab*?", pattern);
			word(t, "ab", text);
			if (glob_match(str_of(pattern), str_of(text)) !=
			    by_definition(pattern, text)) {
				fprintf(stderr, "%s / %s\n", pattern, text);
				CHECK(!"as defined");
			}
		}
}

/* What takes others for ever: a star before each of many letters, none of
 * which is the last.  That this ends is the test. */
static void
many_stars(void)
{
	char pattern[801], text[1001];

	for (size_t i = 0; i < 800; i += 2) {
		pattern[i] = '*';
		pattern[i + 1] = 'a';
	}
	pattern[799] = 'b';
	memset(text, 'a', 1000);
	CHECK(
	    !glob_match((struct str){pattern, 800}, (struct str){text, 1000}));
	text[999] = 'b';
	CHECK(glob_match((struct str){pattern, 800}, (struct str){text, 1000}));
}

int
main(void)
{
	vectors();
	all_short_ones();
	many_stars();
	CHECK(!glob_is_open(STR("one.test")) && !glob_is_open(STR("")));
	CHECK(glob_is_open(STR("*.test")) && glob_is_open(STR("one.tes?")));
	return TEST_EXIT();
}
