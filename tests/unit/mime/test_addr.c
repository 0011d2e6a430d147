/* SPDX-License-Identifier: MIT */
#include "common/mime/addr.h"

#include <stdlib.h>

#include "common/util/mem.h"
#include "tests/test.h"

/* The specs of a list, each followed by a space; "!" for a syntax error. */
static void
show(struct str list, struct buf *out)
{
	struct addr a;
	int found;

	while ((found = addr_next(&list, &a)) == 1)
		buf_addf(out, "%s ", a.spec);
	if (found == -1)
		buf_add_char(out, '!');
	CHECK(list.len == 0);
}

static const struct {
	struct str list;
	const char *shown;
} lists[] = {
    {STR("bob@d.test"),				      "bob@d.test "      },
    {STR(" <bob@d.test>"),				   "bob@d.test "      },
    {STR("Bob <bob@d.test>"),				"bob@d.test "      },
    {STR("\"Bob, the\" <bob@d.test>, x@y"),                  "bob@d.test x@y "  },
    {STR("Bob Q. Public <bob@d.test>"),                      "bob@d.test "      }, /* obs-phrase */
    {STR("=?utf-8?q?B=C3=B6b?= <bob@d.test>"),               "bob@d.test "      },
    {STR("a@b (comment)"),				   "a@b "             },
    {STR("(c (nested \\) c)) a (x) @ (y) b (z) . (w) c"),    "a@b.c "           },
    {STR("a . b@c"),					 "a.b@c "           },
    {STR("Bob\r\n <bob@d.test>,\r\n\tx@y"),                  "bob@d.test x@y "  },
    {STR("\"a b\"@c"),				       "\"a b\"@c "       },
    {STR("\"a\r\n b\"@c"),				   "\"a b\"@c "       },
    {STR("\"a\\\"b\"@c"),				    "\"a\\\"b\"@c "    },
    {STR("\"a@b\"@c"),				       "\"a@b\"@c "       },
    {STR("a@[192.0.2.1]"),				   "a@[192.0.2.1] "   },
    {STR("a@[IPv6:::1]"),				    "a@[IPv6:::1] "    },
    {STR("b\xc3\xb6"
	 "b@\xc3\xbc.de"),
     "b\xc3\xb6"
	"b@\xc3\xbc.de "							},
    {STR("\xff@b"),					  "!"                },
 /* lists and groups */
    {STR(""),						""		 },
    {STR(" , ,, "),					  ""                 },
    {STR(",a@b,,c@d,"),				      "a@b c@d "         },
    {STR("group:;"),					 ""                 },
    {STR("undisclosed recipients:;"),                        ""                 },
    {STR("g: a@b, c@d;"),				    "a@b c@d "         },
    {STR("g: a@b, c@d;, e@f"),			       "a@b c@d e@f "     },
    {STR("\"g\": a@b;"),				     "a@b "             },
 /* A099, A100 */
    {STR("a@b.c (x\\"),				      "!"                },
    {STR("a@b.c (x"),					"!"                },
    {STR("\"abc\\"),					 "!"                },
    {STR("<"),					       "!"                },
    {STR(">"),					       "!"                },
    {STR("@"),					       "!"                },
    {STR("a@"),					      "!"                },
    {STR("@b"),					      "!"                },
    {STR("<>"),					      "!"                },
    {STR("a@b.c <"),					 "!"                },
    {STR("a@b c@d"),					 "!"                },
    {STR("a"),					       "!"                },
    {STR("Bob"),					     "!"                },
    {STR("a@b."),					    "!"                },
    {STR("a@.b"),					    "!"                },
    {STR(".a@b"),					    "!"                },
    {STR("a.@b"),					    "!"                },
    {STR("a..b@c"),					  "!"                },
    {STR("a b@c"),					   "!"                },
    {STR("a@b@c"),					   "!"                },
    {STR("<a@b"),					    "!"                },
    {STR("<a@b>>"),					  "!"                },
    {STR("<<a@b>>"),					 "!"                },
    {STR("a@b\r\nc@d"),				      "!"                },
    {STR("a@b\nx"),					  "!"                },
    {STR("a@b\0c"),					  "!"                },
    {STR("a@[1.2.3.4"),				      "!"                },
    {STR("a@[1]x"),					  "!"                },
    {STR(":;"),					      "!"                },
 /* A105: an encoded word is a display name, never an address */
    {STR("=?utf-8?Q?admin=40legit.test=3E?= <x@evil.test>"), "x@evil.test "     },
    {STR("=?utf-8?B?PGFkbWluQHguY29tPg==?= <b@c>"),          "b@c "             },
 /* A114: whoever reads this differently is seen or refused */
    {STR("<a@attack.test>, <admin@legit.test>"),
     "a@attack.test admin@legit.test "					  },
    {STR("Yjpy,<second@attack.test>"),                       "!"                },
    {STR("<@attack.test,@any.test:admin@legit.test>"),       "admin@legit.test "},
    {STR("<admin@legit.test>\\,<x@attack.test>"),            "!"                },
    {STR("admin@legit.test,<x@attack.test>"),
     "admin@legit.test x@attack.test "					  },
    {STR("<x@attack.test>admin@legit.test"),                 "!"                },
 /* routes */
    {STR("<@a,,@b:c@d>"),				    "c@d "             },
    {STR("<@a:c@d>"),					"c@d "             },
    {STR("<@a,c@d>"),					"!"                },
    {STR("<@a:>"),					   "!"                },
    {STR("<@a, ,(x)@b:c@d>"),				"c@d "             },
    {STR("<(x:c@d>"),					"!"                },
    {STR("<@a,(:c@d>"),				      "!"                },
    {STR("<@a(:c@d>"),				       "!"                },
    {STR("<@:c@d>"),					 "!"                },
    {STR("a@b.(x"),					  "!"                },
    {STR("a(x"),					     "!"                },
    {STR("<a@b> (x"),					"!"                },
    {STR("g: a@b; (x"),				      "a@b !"            },
    {STR("<@a@b:c@d>"),				      "!"                },
};

static void
check_lists(void)
{
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		struct buf out;
		/* a copy of the exact size: a step outside is seen */
		struct str list = {mem_dup(lists[i].list), lists[i].list.len};

		buf_init(&out, 1 * KB);
		show(list, &out);
		CHECK_STR(out.data != NULL ? out.data : "", lists[i].shown);
		buf_release(&out);
		free((char *)list.at);
	}
}

static void
check_display(void)
{
	struct str list = STR(" \"Bob, B.\" (x)\r\n <bob@d.test>, a@b (Ann)");
	struct addr a;

	CHECK(addr_next(&list, &a) == 1);
	CHECK(str_eq(a.display, STR("\"Bob, B.\" (x)")));
	CHECK(addr_next(&list, &a) == 1);
	CHECK(a.display.len == 0);
	CHECK(addr_next(&list, &a) == 0);
}

/* n times the text, parsed: deep and long things end soon (A100). */
static void
check_repeated(const char *head, const char *text, size_t n, const char *shown)
{
	struct buf in, out;

	buf_init(&in, 8 * MB);
	buf_init(&out, 8 * MB);
	buf_add(&in, str_of(head));
	for (size_t i = 0; i < n; i++)
		buf_add(&in, str_of(text));
	show(buf_str(&in), &out);
	CHECK_STR(out.data != NULL ? out.data : "", shown);
	buf_release(&in);
	buf_release(&out);
}

static void
check_long(void)
{
	char local[ADDR_MAX], spec[ADDR_MAX * 2];
	struct str list;
	struct addr a;

	check_repeated("", "(", 1000000, "!");
	check_repeated("", "\"", 1001, "!");
	check_repeated("", ",", 500000, "");
	check_repeated("", "<", 500000, "!");
	check_repeated("", "a ", 500000, "!");
	check_repeated("", "a.", 500000, "!");
	check_repeated("<", "@a,", 500000, "!");
	check_repeated("", "g:", 500000, "");
	check_repeated("", "\r\n (", 100000, "!");

	/* too long is an error, never a shorter address */
	memset(local, 'a', sizeof(local));
	for (int n = ADDR_MAX - 6; n < ADDR_MAX + 4; n++) {
		snprintf(spec, sizeof(spec), "%.*s@b.c",
		    n < ADDR_MAX ? n : 1024, local);
		list = str_of(spec);
		bool fits = strlen(spec) < ADDR_MAX;
		CHECK(addr_next(&list, &a) == (fits ? 1 : -1));
	}
}

static void
check_split(void)
{
	static const struct {
		struct str spec;
		const char *local, *domain; /* NULL: no address */
	} vectors[] = {
	    {STR("a@b"),           "a",           "b" },
	    {STR("\"a@b\"@c"),     "\"a@b\"",     "c" },
	    {STR("\"a\\\"@b\"@c"), "\"a\\\"@b\"", "c" },
	    {STR("a@b@c"),         "a@b",         "c" },
	    {STR("@"),             "",            ""  },
	    {STR("a"),             NULL,          NULL},
	    {STR(""),              NULL,          NULL},
	    {STR("\"a@b\""),       NULL,          NULL},
	    {STR("\"a@b"),         NULL,          NULL},
	    {STR("a@\"b"),         NULL,          NULL},
	    {STR("\"a\\"),         NULL,          NULL},
	    {STR("a\\@b"),         "a\\",         "b" },
	    {STR("\"\\\"\"@b"),    "\"\\\"\"",    "b" },
	};

	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		struct str local, domain;
		bool ok = addr_split(vectors[i].spec, &local, &domain);

		CHECK(ok == (vectors[i].local != NULL));
		if (ok) {
			CHECK(str_eq(local, str_of(vectors[i].local)));
			CHECK(str_eq(domain, str_of(vectors[i].domain)));
		}
	}
}

int
main(void)
{
	check_lists();
	check_display();
	check_long();
	check_split();
	return TEST_EXIT();
}
