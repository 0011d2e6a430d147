/* SPDX-License-Identifier: MIT */
#include "common/mime/lenient.h"

#include "common/util/mem.h"
#include "tests/test.h"

typedef enum lenient (*cursor)(struct str *, struct buf *, struct buf *);

static enum lenient
token(struct str *s, struct buf *out, struct buf *comment)
{
	(void)comment;
	return lenient_token(s, out);
}

static enum lenient
skip(struct str *s, struct buf *out, struct buf *comment)
{
	(void)out;
	return lenient_skip(s, comment);
}

static const struct {
	cursor take;
	const char *text;
	enum lenient how;
	const char *out, *left, *comment;
} rows[] = {
    {skip,	     "",		   LENIENT_END,  "",            "",       ""     },
    {skip,	     " \t\r\n",            LENIENT_END,  "",            "",       ""     },
    {skip,	     " \rx",               LENIENT_MORE, "",            "x",      ""     },
    {skip,	     "(a)x",               LENIENT_MORE, "",            "x",      "a"    },
    {skip,	     "(a) (b(c))x",        LENIENT_MORE, "",            "x",      "b(c)" },
    {skip,	     "(a\\)b\\\\)x",       LENIENT_MORE, "",            "x",      "a)b\\"},
    {skip,	     "(a))x",              LENIENT_MORE, "",            ")x",     "a"    },
    {skip,	     "(a",		 LENIENT_BAD,  "",            "",       ""     },
    {skip,	     "(a(b)",              LENIENT_BAD,  "",            "",       ""     },
    {skip,	     "(a\\",               LENIENT_BAD,  "",            "",       "a"    },

    {lenient_atom,     "ab c",               LENIENT_MORE, "ab",          "c",      ""     },
    {lenient_atom,     "ab (x) ",            LENIENT_END,  "ab",          "",       "x"    },
    {lenient_atom,     "ab.c",               LENIENT_MORE, "ab",          ".c",     ""     },
    {lenient_atom,     "ab (",               LENIENT_BAD,  "ab",          "",       ""     },
    {lenient_atom,     "",                   LENIENT_BAD,  "",            "",       ""     },
    {lenient_atom,     ".a",                 LENIENT_BAD,  "",            ".a",     ""     },

    {lenient_dot_atom, "a . b (x) .c",       LENIENT_END,  "a.b.c",       "",       "x"    },
    {lenient_dot_atom, "a.b@c",              LENIENT_MORE, "a.b",         "@c",     ""     },
    {lenient_dot_atom, "a..b",               LENIENT_END,  "a..b",        "",       ""     },
    {lenient_dot_atom, "a.",                 LENIENT_END,  "a.",          "",       ""     },
    {lenient_dot_atom, "a. (",               LENIENT_BAD,  "a.",          "",       ""     },
    {lenient_dot_atom, ".a",                 LENIENT_BAD,  "",            ".a",     ""     },
    {lenient_dot_atom, "",                   LENIENT_BAD,  "",            "",       ""     },

    {lenient_quoted,   "\"a b\" c",          LENIENT_MORE, "a b",         "c",      ""     },
    {lenient_quoted,   "\"\"",               LENIENT_END,  "",            "",       ""     },
    {lenient_quoted,   "\"a\\\"\\\\b\"",     LENIENT_END,  "a\"\\b",      "",       ""     },
    {lenient_quoted,   "\"a",                LENIENT_BAD,  "",            "",       ""     },
    {lenient_quoted,   "\"a\\",              LENIENT_BAD,  "a",           "",       ""     },
    {lenient_quoted,   "\"a\\\"",            LENIENT_BAD,  "a",           "",       ""     },

    {lenient_phrase,   "",                   LENIENT_END,  "",            "",       ""     },
    {lenient_phrase,   ".a",                 LENIENT_BAD,  "",            ".a",     ""     },
    {lenient_phrase,   "J. R. \"x y\" z<a>", LENIENT_MORE, "J. R. x y z", "<a>",
     ""										    },
    {lenient_phrase,   "a (b) c",            LENIENT_END,  "a c",         "",       "b"    },
    {lenient_phrase,   "a \"b",              LENIENT_BAD,  "a ",          "",       ""     },
    {lenient_phrase,   "<a>",                LENIENT_MORE, "",            "<a>",    ""     },

    {token,	    "text/plain",         LENIENT_MORE, "text",        "/plain", ""     },
    {token,	    "a.b-c (x) ; d",      LENIENT_MORE, "a.b-c",       "; d",    ""     },
    {token,	    "a?b",                LENIENT_MORE, "a",           "?b",     ""     },
    {token,	    "a=b",                LENIENT_MORE, "a",           "=b",     ""     },
    {token,	    "",		   LENIENT_END,  "",            "",       ""     },
    {token,	    ";",		  LENIENT_MORE, "",            ";",      ""     },
    {token,	    "a (",                LENIENT_BAD,  "a",           "",       ""     },

    {lenient_domain,   "@a.b>",              LENIENT_MORE, "a.b",         ">",      ""     },
    {lenient_domain,   "@ a . b",            LENIENT_END,  "a.b",         "",       ""     },
    {lenient_domain,   "@",                  LENIENT_BAD,  "",            "",       ""     },
    {lenient_domain,   "@ (",                LENIENT_BAD,  "",            "",       ""     },
    {lenient_domain,   "@>",                 LENIENT_BAD,  "",            ">",      ""     },
    {lenient_domain,   "@[192.0.2.1] (x)",   LENIENT_END,  "[192.0.2.1]", "",       "x"    },
    {lenient_domain,   "@[a\\]b]>",          LENIENT_MORE, "[a\\]b]",     ">",      ""     },
    {lenient_domain,   "@[a",                LENIENT_BAD,  "",            "",       ""     },
    {lenient_domain,   "@[a\\]",             LENIENT_BAD,  "",            "",       ""     },
};

static const char *
text_of(const struct buf *b)
{
	return b->data != NULL ? b->data : "";
}

int
main(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct str s = str_of(rows[i].text), again = s;
		struct buf out, comment;

		buf_init(&out, 1 * KB);
		buf_init(&comment, 1 * KB);
		CHECK(rows[i].take(&s, &out, &comment) == rows[i].how);
		CHECK_STR(text_of(&out), rows[i].out);
		CHECK(str_eq(s, str_of(rows[i].left)));
		CHECK_STR(text_of(&comment), rows[i].comment);
		/* nobody need ask for the comment */
		buf_clear(&out);
		CHECK(rows[i].take(&again, &out, NULL) == rows[i].how);
		CHECK_STR(text_of(&out), rows[i].out);
		CHECK(str_eq(again, s));
		buf_release(&out);
		buf_release(&comment);
	}
	return TEST_EXIT();
}
