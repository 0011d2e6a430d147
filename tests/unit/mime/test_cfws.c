/* SPDX-License-Identifier: MIT */
#include "common/mime/cfws.h"

#include "tests/test.h"

#define BAD -1

/* Each cursor: what it takes, and how much is left; BAD: nothing is taken. */
static const struct {
	bool (*take)(struct str *, struct str *); /* NULL: cfws_skip */
	struct str text;
	int left;
} cursors[] = {
    {NULL,         STR(""),		     0  },
    {NULL,         STR("x"),                    1  },
    {NULL,         STR(" \t x"),                1  },
    {NULL,         STR("\r\n x"),               1  },
    {NULL,         STR("\r\n\tx"),              1  },
    {NULL,         STR("\r\nx"),                BAD}, /* no fold */
    {NULL,         STR(" \r\n"),                BAD},
    {NULL,         STR("\n x"),                 BAD},
    {NULL,         STR("\rx"),                  BAD},
    {NULL,         STR("(a)(b) (c(d(e)))x"),    1  },
    {NULL,         STR("(a\r\n b)x"),           1  },
    {NULL,         STR("(\\)\\(\\\\)x"),        1  },
    {NULL,         STR("(gr\xc3\xbc)x"),        1  },
    {NULL,         STR("(\tx)y"),               1  },
    {NULL,         STR("("),                    BAD},
    {NULL,         STR("(a"),                   BAD},
    {NULL,         STR("(a\\"),                 BAD},
    {NULL,         STR("(a(b)"),                BAD},
    {NULL,         STR("(a\nb)"),               BAD},
    {NULL,         STR("(a\x01)"),              BAD},
    {NULL,         STR("(a\x7f)"),              BAD},
    {NULL,         STR("(a\0)"),                BAD},

    {cfws_atom,    STR("abc def"),              4  },
    {cfws_atom,    STR("a=b/c?*'{}~"),          0  },
    {cfws_atom,    STR("gr\xc3\xbc.x"),         2  },
    {cfws_atom,    STR(""),                     BAD},
    {cfws_atom,    STR(" a"),                   BAD},
    {cfws_atom,    STR(".a"),                   BAD},
    {cfws_atom,    STR("\x7f"),                 BAD},
    {cfws_atom,    STR("\0"),                   BAD},

    {cfws_quoted,  STR("\"\"x"),                1  },
    {cfws_quoted,  STR("\"a \\\" b\" x"),       2  },
    {cfws_quoted,  STR("\"a\r\n b\""),          0  },
    {cfws_quoted,  STR("\"\\\\\""),             0  },
    {cfws_quoted,  STR(""),                     BAD},
    {cfws_quoted,  STR("a\""),                  BAD},
    {cfws_quoted,  STR("\"a"),                  BAD},
    {cfws_quoted,  STR("\"a\\\""),              BAD},
    {cfws_quoted,  STR("\"a\nb\""),             BAD},
    {cfws_quoted,  STR("\"\x7f\""),             BAD},

    {cfws_literal, STR("[192.0.2.1]x"),         1  },
    {cfws_literal, STR("[IPv6:2001:DB8::1-x]"), 0  },
    {cfws_literal, STR("[]"),                   0  },
    {cfws_literal, STR(""),                     BAD},
    {cfws_literal, STR("192.0.2.1]"),           BAD},
    {cfws_literal, STR("[192.0.2.1"),           BAD},
    {cfws_literal, STR("[a@b]"),                BAD},
    {cfws_literal, STR("[a/b]"),                BAD}, /* before the digits */
    {cfws_literal, STR("[a_b]"),                BAD}, /* before the letters */
    {cfws_literal, STR("[a{b]"),                BAD}, /* behind them */
    {cfws_literal, STR("[a\\]]"),               BAD},
};

static void
check_cursors(void)
{
	for (size_t i = 0; i < sizeof(cursors) / sizeof(cursors[0]); i++) {
		struct str text = cursors[i].text, rest = text, out = {0};
		bool good = cursors[i].take != NULL
		                ? cursors[i].take(&rest, &out)
		                : cfws_skip(&rest);
		size_t left = cursors[i].left == BAD ? text.len
		                                     : (size_t)cursors[i].left;

		CHECK(good == (cursors[i].left != BAD));
		CHECK(rest.len == left);
		CHECK(rest.at == text.at + text.len - left);
		if (good && cursors[i].take != NULL)
			CHECK(str_eq(out, str_first(text, text.len - left)));
	}
}

static void
check_number(void)
{
	static const struct {
		const char *text;
		size_t min, max;
		int want; /* BAD: nothing is taken */
		size_t left;
	} rows[] = {
	    {"12",         1, 2, 12,        0 },
	    {"12x",        1, 2, 12,        1 },
	    {"007",        1, 3, 7,         0 },
	    {"999999999",  1, 9, 999999999, 0 },
	    {"0",          1, 9, 0,         0 },
	    {"1",          2, 4, BAD,       1 },
	    {"123",        1, 2, BAD,       3 }, /* a digit follows */
	    {"1234567890", 1, 9, BAD,       10},
	    {"",           1, 2, BAD,       0 },
	    {"/1",         1, 2, BAD,       2 },
	    {":1",         1, 2, BAD,       2 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct str s = str_of(rows[i].text);
		int n = BAD;

		CHECK(cfws_number(&s, rows[i].min, rows[i].max, &n) ==
		      (rows[i].want != BAD));
		CHECK(n == rows[i].want);
		CHECK(s.len == rows[i].left);
	}
}

int
main(void)
{
	check_cursors();
	check_number();
	return TEST_EXIT();
}
