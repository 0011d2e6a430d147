/* SPDX-License-Identifier: MIT */
#include "common/mime/imapstring.h"

#include "common/util/mem.h"
#include "tests/test.h"

#define U "\xef\xbf\xbd" /* U+FFFD */

/* A string, as it is and for people. */
static const struct {
	struct str s;
	const char *want, *squeezed; /* NULL: the same */
} strings[] = {
    {STR(""),	       "\"\"",                   NULL           },
    {STR("a b"),            "\"a b\"",                NULL           },
    {STR("~!\x7f"),         "\"~!\x7f\"",             NULL           },
    {STR("\"a\" \\b"),      "\"\\\"a\\\" \\\\b\"",    NULL           },
    {STR("\\"),             "\"\\\\\"",               NULL           },
    {STR("a\"\""),          "\"a\\\"\\\"\"",          NULL           },
    {STR("gr\xc3\xbc"),     "{4}\r\ngr\xc3\xbc",      NULL           },
    {STR("a\rb"),           "{3}\r\na\rb",            "\"a b\""      },
    {STR("a\nb"),           "{3}\r\na\nb",            "\"a b\""      },
    {STR("a\0b"),           "{5}\r\na" U "b",         NULL           },
    {STR("\0\0"),           "{6}\r\n" U U,            NULL           },
    {STR("\"\0\\"),         "{5}\r\n\"" U "\\",       NULL           },
    {STR("a\tb"),           "\"a\tb\"",               "\"a b\""      },
    {STR(" a"),             "\" a\"",                 "\"a\""        },
    {STR("a "),             "\"a \"",                 "\"a\""        },
    {STR("a  \r\n\tb  c "), "{11}\r\na  \r\n\tb  c ", "\"a b c\""    },
    {STR(" \t "),           "\" \t \"",               "\"\""         },
    {STR(" \"a\"\t"),       "\" \\\"a\\\"\t\"",       "\"\\\"a\\\"\""},
};

static void
check_add(void)
{
	for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++) {
		struct buf out;
		struct str rest, written;

		buf_init(&out, 1 * KB);
		imapstring_add(strings[i].s, &out);
		CHECK_STR(out.data, strings[i].want);
		/* it is taken back whole, whatever follows */
		buf_add(&out, STR(" \"x\")"));
		rest = buf_str(&out);
		CHECK(imapstring_take(&rest, &written));
		CHECK(str_eq(written, str_of(strings[i].want)));
		CHECK(str_eq(rest, STR(" \"x\")")));
		buf_clear(&out);
		imapstring_add_squeezed(strings[i].s, &out);
		CHECK_STR(out.data, strings[i].squeezed != NULL
					? strings[i].squeezed
					: strings[i].want);
		buf_release(&out);
	}
}

static const struct {
	const char *text;
	const char *want; /* NULL: none is there */
} takes[] = {
    {"",	    NULL        },
    {" x",          NULL        },
    {"(x",          NULL        },
    {")",	   NULL        },
    {"\"",          NULL        },
    {"\"a",         NULL        },
    {"\"a\\\"",     NULL        },
    {"\"a\\",       NULL        },
    {"\"a\\\"b\"c", "\"a\\\"b\""},
    {"NIL",         "NIL"       },
    {"NIL(",        "NIL"       },
    {"12)",         "12"        },
    {"12 3",        "12"        },
    {"{2",          NULL        },
    {"{}\r\n",      NULL        },
    {"{x}\r\nab",   NULL        },
    {"{2}",         NULL        },
    {"{2}\nab",     NULL        },
    {"{2}\r\na",    NULL        },
    {"{99}\r\nab",  NULL        },
    {"{2}\r\nabc",  "{2}\r\nab" },
    {"{0}\r\n)",    "{0}\r\n"   },
};

static void
check_take(void)
{
	for (size_t i = 0; i < sizeof(takes) / sizeof(takes[0]); i++) {
		struct str text = str_of(takes[i].text), rest = text, written;

		if (!imapstring_take(&rest, &written)) {
			CHECK(takes[i].want == NULL);
			continue;
		}
		CHECK(takes[i].want != NULL &&
		      str_eq(written, str_of(takes[i].want)));
		CHECK(rest.at == text.at + written.len);
		CHECK(rest.len == text.len - written.len);
	}
}

int
main(void)
{
	check_add();
	check_take();
	return TEST_EXIT();
}
