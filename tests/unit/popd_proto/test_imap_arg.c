/* SPDX-License-Identifier: MIT */
#include "popd/proto/imap_arg.h"

#include <stdlib.h>

#include "common/util/mem.h"
#include "popd/proto/imap_out.h"
#include "tests/test.h"

static struct imap_args
args(const char *text)
{
	/* a copy of its own size, so that the sanitizer sees any read past */
	static char *copy;

	free(copy);
	copy = mem_new(strlen(text) + (text[0] == '\0'), 1);
	memcpy(copy, text, strlen(text));
	return (struct imap_args){
	    .rest = {copy, strlen(text)}
        };
}

static void
test_words(void)
{
	struct imap_args a = args("RETURN (ALL)");
	struct str atom;

	CHECK(!imap_arg_word(&a, STR("RET")));
	CHECK(imap_arg_word(&a, STR("return")));
	CHECK(imap_arg_space(&a) && !imap_arg_space(&a));
	CHECK(imap_arg_char(&a, '(') && !imap_arg_char(&a, '('));
	CHECK(imap_arg_atom(&a, &atom) && str_eq(atom, STR("ALL")));
	CHECK(!imap_arg_atom(&a, &atom) && !imap_arg_end(&a));
	CHECK(imap_arg_char(&a, ')') && imap_arg_end(&a));
	a = args("a]b");
	CHECK(imap_arg_atom(&a, &atom) && str_eq(atom, STR("a")));
	a = args("a\xc3\xa9");
	CHECK(imap_arg_atom(&a, &atom) && str_eq(atom, STR("a")));
}

static void
test_numbers(void)
{
	static const struct {
		const char *text;
		bool good, good64;
		uint64_t n;
	} vectors[] = {
	    {"0",		    true,  true,  0         },
	    {"007",                  true,  true,  7         },
	    {"4294967295",           true,  true,  4294967295},
	    {"4294967296",           false, true,  4294967296},
	    {"9223372036854775807",  false, true,  INT64_MAX },
	    {"9223372036854775808",  false, false, 0         },
	    {"99999999999999999999", false, false, 0         },
	    {"-1",		   false, false, 0         },
	    {"",		     false, false, 0         },
	    {"x",		    false, false, 0         },
	};

	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		struct imap_args a = args(vectors[i].text);
		struct str before = a.rest;
		uint32_t n;
		uint64_t n64;

		CHECK(imap_arg_number(&a, &n) == vectors[i].good);
		if (vectors[i].good)
			CHECK(n == vectors[i].n && imap_arg_end(&a));
		else
			CHECK(a.rest.len == before.len);
		a.rest = before;
		CHECK(imap_arg_number64(&a, &n64) == vectors[i].good64);
		if (vectors[i].good64)
			CHECK(n64 == vectors[i].n && imap_arg_end(&a));
	}
}

/* Strings of any form: what they say, or NULL. */
static void
test_strings(void)
{
	static const struct {
		const char *text;
		bool utf8;
		const char *string, *astring, *rest;
	} vectors[] = {
	    {"\"\"",			false, "",         "",         ""  },
	    {"\"a b\" c",                   false, "a b",      "a b",      " c"},
	    {"\"\\\"\\\\\"",                false, "\"\\",     "\"\\",     ""  },
	    {"{0}\r\n",                     false, "",         "",         ""  },
	    {"{3}\r\na\nb)",                false, "a\nb",     "a\nb",     ")" },
	    {"{3+}\r\na\"b)",               false, "a\"b",     "a\"b",     ")" },
	    {"{2}\r\n\xc3\xa9",             false, "\xc3\xa9", "\xc3\xa9", ""  },
	    {"\"\xc3\xa9\"",                true,  "\xc3\xa9", "\xc3\xa9", ""  },
	    {"\"\xc3\xa9\"",                false, NULL,       NULL,       ""  },
	    {"\"\xc3\"",                    true,  NULL,       NULL,       ""  },
	    {"abc",			 false, NULL,       "abc",      ""  },
	    {"a]c d",		       false, NULL,       "a]c",      " d"},
	    {"NIL",			 false, NULL,       "NIL",      ""  },
	    {"\"abc",		       false, NULL,       NULL,       ""  },
	    {"\"abc\\",                     false, NULL,       NULL,       ""  },
	    {"\"a\\b\"",                    false, NULL,       NULL,       ""  },
	    {"\"a\rb\"",                    false, NULL,       NULL,       ""  },
	    {"\"a\nb\"",                    false, NULL,       NULL,       ""  },
	    {"{3}\r\nab",                   false, NULL,       NULL,       ""  },
	    {"{3}ab",		       false, NULL,       NULL,       ""  },
	    {"{}\r\n",                      false, NULL,       NULL,       ""  },
	    {"{+}\r\n",                     false, NULL,       NULL,       ""  },
	    {"{1++}\r\na",                  false, NULL,       NULL,       ""  },
	    {"{-1}\r\na",                   false, NULL,       NULL,       ""  },
	    {"{18446744073709551616}\r\na", false, NULL,       NULL,       ""  },
	    {"{18446744073709551615}\r\na", false, NULL,       NULL,       ""  },
	    {"~{1}\r\na",                   false, NULL,       "~",        ""  },
	    {"",			    false, NULL,       NULL,       ""  },
	    {"(a)",			 false, NULL,       NULL,       ""  },
	    {"%",			   false, NULL,       NULL,       ""  },
	    {"\x7f",			false, NULL,       NULL,       ""  },
	};
	struct buf out;

	buf_init(&out, 1 * KB);
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		struct imap_args a = args(vectors[i].text);
		struct str before = a.rest;

		a.utf8 = vectors[i].utf8;
		buf_clear(&out);
		buf_add_char(&out, '<');
		CHECK(imap_arg_string(&a, &out) == (vectors[i].string != NULL));
		if (vectors[i].string != NULL) {
			CHECK_STR(out.data + 1, vectors[i].string);
			CHECK(str_eq(a.rest, str_of(vectors[i].rest)));
		} else {
			CHECK(a.rest.len == before.len && out.len == 1);
		}
		a.rest = before;
		buf_cut(&out, 1);
		CHECK(
		    imap_arg_astring(&a, &out) == (vectors[i].astring != NULL));
		if (vectors[i].astring != NULL)
			CHECK_STR(out.data + 1, vectors[i].astring);
		else
			CHECK(a.rest.len == before.len && out.len == 1);
	}
	buf_release(&out);
}

static void
test_nul_and_limits(void)
{
	struct imap_args a = {.rest = STR("{3}\r\na\0b")};
	struct imap_args quoted = {.rest = STR("\"a\0b\"")};
	struct imap_args binary = {.rest = STR("~{3+}\r\na\0b)")};
	struct imap_args place = {.rest = STR("~{310+}\r\n)")};
	struct str octets;
	struct buf out;
	uint64_t size;
	bool is_binary, nil;

	buf_init(&out, 2);
	CHECK(!imap_arg_string(&a, &out) && !imap_arg_string(&quoted, &out));
	CHECK(imap_arg_literal(&binary, &octets, &is_binary) && is_binary);
	CHECK(str_eq(octets, STR("a\0b")) && str_eq(binary.rest, STR(")")));
	CHECK(imap_arg_message(&place, &size, &is_binary) && size == 310);
	CHECK(is_binary && str_eq(place.rest, STR(")")));
	CHECK(!imap_arg_message(&place, &size, &is_binary));
	a = args("\"abc\"");
	CHECK(!imap_arg_string(&a, &out) && a.rest.len == 5);
	buf_clear(&out);
	a = args("abc");
	CHECK(!imap_arg_astring(&a, &out) && a.rest.len == 3);
	buf_clear(&out);
	a = args("nil)");
	CHECK(imap_arg_nstring(&a, &out, &nil) && nil);
	CHECK(str_eq(a.rest, STR(")")));
	a = args("\"nil\"");
	buf_release(&out);
	buf_init(&out, 10);
	CHECK(imap_arg_nstring(&a, &out, &nil) && !nil);
	a = args("nile");
	CHECK(!imap_arg_nstring(&a, &out, &nil));
	buf_release(&out);
}

static void
test_mailboxes(void)
{
	static const struct {
		const char *text;
		bool utf8, pattern;
		const char *name; /* NULL: refused */
	} vectors[] = {
	    {"inbox",           false, false, "INBOX"          },
	    {"\"InBox/x\"",     false, false, "INBOX/x"        },
	    {"inboxes",         false, false, "inboxes"        },
	    {"Entw&APw-rfe",    false, false, "Entw\xc3\xbcrfe"},
	    {"\"a &- b\"",      false, false, "a & b"          },
	    {"{3+}\r\na]b",     false, false, "a]b"            },
	    {"{2}\r\n\xc3\xa9", false, false, NULL             },
	    {"{2}\r\n\xc3\xa9", true,  false, "\xc3\xa9"       },
	    {"\"\xc3\xa9&-\"",  true,  false, "\xc3\xa9&-"     },
	    {"{1}\r\n\xc3",     true,  false, NULL             },
	    {"&AGE-",           false, false, NULL             },
	    {"&AGE-",           true,  false, "&AGE-"          },
	    {"a*",              false, false, "a"              },
	    {"a*%]",            false, true,  "a*%]"           },
	    {"\"%/&AOk-*\"",    false, true,  "%/\xc3\xa9*"    },
	    {"\"\"",            false, true,  ""               },
	    {"%",               false, false, NULL             },
	    {"",                false, false, NULL             },
	};
	struct buf out;

	buf_init(&out, 1 * KB);
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		struct imap_args a = args(vectors[i].text);
		size_t before = a.rest.len;
		bool good;

		a.utf8 = vectors[i].utf8;
		buf_clear(&out);
		buf_add_char(&out, '<');
		good = vectors[i].pattern ? imap_arg_pattern(&a, &out)
		                          : imap_arg_mailbox(&a, &out);
		CHECK(good == (vectors[i].name != NULL));
		if (good)
			CHECK_STR(out.data + 1, vectors[i].name);
		else
			CHECK(out.len == 1 && a.rest.len == before);
	}
	buf_release(&out);
}

static void
test_flags(void)
{
	static const struct {
		const char *text;
		bool list, good;
		uint64_t flags;
		const char *names; /* a comma for each NUL */
	} vectors[] = {
	    {"()",			   true,  true,  0,                        ""           },
	    {"(\\Seen)",                     true,  true,  IMAP_SEEN,                ""           },
	    {"(\\sEEN \\Deleted $x y)",      true,  true,  IMAP_SEEN | IMAP_DELETED,
             "$x,y,"									      },
	    {"\\Answered \\Flagged \\Draft", false, true,
             IMAP_ANSWERED | IMAP_FLAGGED | IMAP_DRAFT,                              ""           },
	    {"$Forwarded",                   false, true,  0,                        "$Forwarded,"},
	    {"",			     false, false, 0,                        ""           },
	    {"(\\Recent)",                   true,  false, 0,                        ""           },
	    {"(\\*)",			true,  false, 0,                        ""           },
	    {"(\\Frob)",                     true,  false, 0,                        ""           },
	    {"(\\)",			 true,  false, 0,                        ""           },
	    {"(a",			   true,  false, 0,                        ""           },
	    {"(a )",			 true,  false, 0,                        ""           },
	    {"( a)",			 true,  false, 0,                        ""           },
	    {"(a  b)",		       true,  false, 0,                        ""           },
	    {"(a\xc3\xa9)",                  true,  false, 0,                        ""           },
	    {"(\"a\")",                      true,  false, 0,                        ""           },
	    {"a",			    true,  false, 0,                        ""           },
	    {"(a])",			 true,  false, 0,                        ""           },
	};
	struct buf names;

	buf_init(&names, 1 * KB);
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		struct imap_args a = args(vectors[i].text);
		size_t before = a.rest.len;
		uint64_t flags = 0;

		buf_clear(&names);
		CHECK(imap_arg_flags(&a, vectors[i].list, &flags, &names) ==
		      vectors[i].good);
		CHECK(
		    vectors[i].good ? imap_arg_end(&a) : a.rest.len == before);
		CHECK(flags == vectors[i].flags);
		for (size_t j = 0; j < names.len; j++)
			if (names.data[j] == '\0')
				names.data[j] = ',';
		CHECK_STR(names.len > 0 ? names.data : "", vectors[i].names);
	}
	buf_release(&names);
}

/* ATTACKS A145: a name has an end. */
static void
test_long_keyword(void)
{
	struct imap_args a;
	struct buf names;
	uint64_t flags;
	char text[103];

	memset(text, 'k', sizeof(text));
	text[101] = '\0';
	buf_init(&names, 1 * KB);
	a = args(text);
	CHECK(!imap_arg_flags(&a, false, &flags, &names));
	text[100] = '\0';
	a = args(text);
	CHECK(imap_arg_flags(&a, false, &flags, &names) && names.len == 101);
	buf_release(&names);
}

static void
test_dates(void)
{
	static const struct {
		const char *text;
		bool good;
		int64_t day;
	} vectors[] = {
	    {"1-Jan-1970",     true,  0      },
	    {"01-jan-1970",    true,  0      },
	    {"\"2-JAN-1970\"", true,  1      },
	    {"31-Dec-1969",    true,  -1     },
	    {"29-Feb-2024",    true,  19782  },
	    {"22-Nov-2026",    true,  20779  },
	    {"31-Dec-9999",    true,  2932896},
	    {"1-Jan-0001",     true,  -719162},
	    {"29-Feb-2023",    false, 0      },
	    {"29-Feb-1900",    false, 0      },
	    {"0-Jan-1970",     false, 0      },
	    {"32-Jan-1970",    false, 0      },
	    {"1-Jan-0000",     false, 0      },
	    {"1-Jan-70",       false, 0      },
	    {"1-Foo-1970",     false, 0      },
	    {"1 Jan 1970",     false, 0      },
	    {"\"1-Jan-1970",   false, 0      },
	    {"001-Jan-1970",   false, 0      },
	    {" 1-Jan-1970",    false, 0      },
	    {"",               false, 0      },
	};

	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		struct imap_args a = args(vectors[i].text);
		size_t before = a.rest.len;
		int64_t day;

		CHECK(imap_arg_date(&a, &day) == vectors[i].good);
		if (vectors[i].good)
			CHECK(day == vectors[i].day && imap_arg_end(&a));
		else
			CHECK(a.rest.len == before);
	}
}

static void
test_date_times(void)
{
	static const struct {
		const char *text;
		bool good;
		int64_t s;
	} vectors[] = {
	    {"\" 1-Jan-1970 00:00:00 +0000\"", true,  0           },
	    {"\"01-Jan-1970 00:00:00 +0000\"", true,  0           },
	    {"\"17-Jul-1996 02:44:25 -0700\"", true,  837596665   },
	    {"\"22-Nov-2026 10:00:00 +0000\"", true,  1795341600  },
	    {"\"22-Nov-2026 11:30:00 +0130\"", true,  1795341600  },
	    {"\"31-Dec-9999 23:59:60 +0000\"", true,  253402300800},
	    {"\"99-Foo-0000 99:99:99 +9999\"", false, 0           },
	    {"\"1-Jan-1970 00:00:00 +0000\"",  false, 0           },
	    {"\" 1-Jan-1970 24:00:00 +0000\"", false, 0           },
	    {"\" 1-Jan-1970 00:60:00 +0000\"", false, 0           },
	    {"\" 1-Jan-1970 00:00:61 +0000\"", false, 0           },
	    {"\" 1-Jan-1970 00:00:00 0000\"",  false, 0           },
	    {"\" 1-Jan-1970 00:00:00 +2400\"", false, 0           },
	    {"\" 1-Jan-1970 00:00:00 +0060\"", false, 0           },
	    {"\" 1-Jan-1970 00:00:00\"",       false, 0           },
	    {"\" 1-Jan-1970 0:00:00 +0000\"",  false, 0           },
	    {" 1-Jan-1970 00:00:00 +0000",     false, 0           },
	    {"\" 1-Jan-1970 00:00:00 +0000",   false, 0           },
	    {"\"\"",			   false, 0           },
	};

	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		struct imap_args a = args(vectors[i].text);
		size_t before = a.rest.len;
		int64_t s;

		CHECK(imap_arg_date_time(&a, &s) == vectors[i].good);
		if (vectors[i].good)
			CHECK(s == vectors[i].s && imap_arg_end(&a));
		else
			CHECK(a.rest.len == before);
	}
}

int
main(void)
{
	struct imap_args a = args("1:3,x");
	struct seqset set = {.ranges = NULL};

	CHECK(!imap_arg_seqset(&a, &set) && a.rest.len == 5 && set.n == 0);
	a = args("1:3 x");
	CHECK(imap_arg_seqset(&a, &set) && str_eq(a.rest, STR(" x")));
	seqset_release(&set);
	test_words();
	test_numbers();
	test_strings();
	test_nul_and_limits();
	test_mailboxes();
	test_flags();
	test_long_keyword();
	test_dates();
	test_date_times();
	return TEST_EXIT();
}
