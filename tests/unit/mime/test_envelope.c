/* SPDX-License-Identifier: MIT */
#include "common/mime/envelope.h"

#include "common/util/mem.h"
#include "tests/test.h"

/* What To makes of a value; NULL value: no such field. */
static const struct {
	const char *value, *want;
} addresses[] = {
    {"",			 "NIL"							},
    {" ",			"NIL"							},
    {"a@b.c",		    "((NIL NIL \"a\" \"b.c\"))"                                  },
    {"<a@b.c>",		  "((NIL NIL \"a\" \"b.c\"))"                                  },
    {"A B <a@b.c>",              "((\"A B\" NIL \"a\" \"b.c\"))"                              },
    {"\"A, \\\"B\\\"\" <a@b.c>", "((\"A, \\\"B\\\"\" NIL \"a\" \"b.c\"))"                     },
    {"a@b.c (A B)",              "((\"A B\" NIL \"a\" \"b.c\"))"                              },
    {"a@b, c@d",		 "((NIL NIL \"a\" \"b\")(NIL NIL \"c\" \"d\"))"               },
    {", a@b ,, c@d,",            "((NIL NIL \"a\" \"b\")(NIL NIL \"c\" \"d\"))"               },
    {",,,,",		     "NIL"							},
    {"g: a@b, c@d;",             "((NIL NIL \"g\" NIL)(NIL NIL \"a\" \"b\")"
		     "(NIL NIL \"c\" \"d\")(NIL NIL NIL NIL))"            },
    {"group:;",		  "((NIL NIL \"group\" NIL)(NIL NIL NIL NIL))"                 },
    {"g: ;, a@b",
     "((NIL NIL \"g\" NIL)(NIL NIL NIL NIL)(NIL NIL \"a\" \"b\"))"                            },
    {"g: a@b",		   "((NIL NIL \"g\" NIL)(NIL NIL \"a\" \"b\")(NIL NIL NIL NIL))"},
    {"g:, a@b,, c@d,;",          "((NIL NIL \"g\" NIL)(NIL NIL \"a\" \"b\")"
			"(NIL NIL \"c\" \"d\")(NIL NIL NIL NIL))"      },
    {"g: a@b c@d, e@f",          "((NIL NIL \"g\" NIL)(NIL NIL \"a\" \"b\")"
			"(NIL NIL NIL NIL))"                           },
    {"<@x, ,@y:a@b>",            "((NIL \"@x,@y\" \"a\" \"b\"))"                              },
    {"<@x,",		     "((NIL \"INVALID_ROUTE\" \"MISSING_MAILBOX\""
	     " \"SYNTAX_ERROR\"))"						},
    {"<a@>",		     "((NIL NIL \"a\" \"SYNTAX_ERROR\"))"                         },
    {"<a@b c>",		  "((NIL NIL \"a\" \"SYNTAX_ERROR\"))"                         },
    {"<\"a b\"@c> x",            "((NIL NIL \"a b\" \"c\"))"                                  },
    {"\"\"",		     "((\"\" NIL \"MISSING_MAILBOX\" \"MISSING_DOMAIN\"))"        },
    {"\"a\"",		    "((\"a\" NIL \"MISSING_MAILBOX\" \"MISSING_DOMAIN\"))"       },
    {"a@ (x)",		   "((\"x\" NIL \"a\" \"MISSING_DOMAIN\"))"                     },
    {"<@x,@y:a@b>",              "((NIL \"@x,@y\" \"a\" \"b\"))"                              },
    {"<@x a@b>",		 "((NIL \"INVALID_ROUTE\" \"a\" \"b\"))"                      },
    {"a",			"((NIL NIL \"a\" \"MISSING_DOMAIN\"))"                       },
    {"Undisclosed recipients",
     "((\"Undisclosed recipients\" NIL \"MISSING_MAILBOX\""
	" \"MISSING_DOMAIN\"))"							       },
    {"A <>",		     "((\"A\" NIL \"MISSING_MAILBOX\" \"MISSING_DOMAIN\"))"       },
    {"A <a@b",		   "((\"A\" NIL \"a\" \"SYNTAX_ERROR\"))"                       },
    {"<",			"((NIL NIL \"MISSING_MAILBOX\" \"SYNTAX_ERROR\"))"           },
    {"\"a b\"@c",                "((NIL NIL \"a b\" \"c\"))"                                  },
    {"a@[192.0.2.1]",            "((NIL NIL \"a\" \"[192.0.2.1]\"))"                          },
    {"a . b @ c . d",            "((NIL NIL \"a.b\" \"c.d\"))"                                },
    {"gr\xc3\xbc <a@b>",         "(({4}\r\ngr\xc3\xbc NIL \"a\" \"b\"))"                      },
    {"=?utf-8?q?=C3=BC?= <a@b>", "((\"=?utf-8?q?=C3=BC?=\" NIL \"a\" \"b\"))"                 },
    {"A\r\n  B\r\n\t<a@b>",      "((\"A B\" NIL \"a\" \"b\"))"                                },
};

/* In which no more than this is said: an address is somewhere, no more. */
static const char *const broken[] = {"@", ">", "a@", "(((((", "\"",
    "a.b.c (x\\", "\"abc\\", ":", ";", "g:", "<@", "<@x", "<@x:", "[", "a@[",
    "a@b <", "\\"};

static void
check_addresses(void)
{
	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
		struct buf header, out, want;

		buf_init(&header, 1 * KB);
		buf_init(&out, 1 * KB);
		buf_init(&want, 1 * KB);
		buf_addf(&header, "To: %s\r\n", addresses[i].value);
		buf_addf(&want, "(NIL NIL NIL NIL NIL %s NIL NIL NIL NIL)",
		    addresses[i].want);
		envelope_write(buf_str(&header), &out);
		CHECK_STR(out.data, want.data);
		buf_release(&header);
		buf_release(&out);
		buf_release(&want);
	}
	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		struct buf header, out;

		buf_init(&header, 1 * KB);
		buf_init(&out, 1 * KB);
		buf_addf(&header, "To: %s\r\n", broken[i]);
		envelope_write(buf_str(&header), &out);
		CHECK(str_starts(buf_str(&out), STR("(NIL NIL NIL NIL NIL ")));
		CHECK(out.data[out.len - 1] == ')');
		buf_release(&header);
		buf_release(&out);
	}
}

static const struct {
	const char *header, *want;
} headers[] = {
    {"",						   "(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)"},
 /* Sender and Reply-To default to From (RFC 9051 s7.5.2) */
    {"From: a@b\r\nSender:\r\n",
     "(NIL NIL ((NIL NIL \"a\" \"b\")) ((NIL NIL \"a\" \"b\"))"
	" ((NIL NIL \"a\" \"b\")) NIL NIL NIL NIL NIL)"                                               },
    {"Sender: s@b\nFrom: a@b\nReply-to: r@b\n",
     "(NIL NIL ((NIL NIL \"a\" \"b\")) ((NIL NIL \"s\" \"b\"))"
	" ((NIL NIL \"r\" \"b\")) NIL NIL NIL NIL NIL)"                                               },
    {"Date: today\r\nSUBJECT :  a \r\n  b\r\nMessage-Id: <1@x>\r\n"
     "In-Reply-To: <2@x>\r\n\t<3@x>\r\n",	     "(\"today\" \"a b\" NIL NIL NIL NIL NIL NIL \"<2@x>\t<3@x>\""
	" \"<1@x>\")"				   },
 /* nothing to stand in for it */
    {"Sender:\r\nFrom:\r\n",			       "(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)"},
    {"From: <\r\nDate: a\rb\r\r c\r\n",
     "(\"a b c\" NIL ((NIL NIL \"MISSING_MAILBOX\" \"SYNTAX_ERROR\"))"
	" ((NIL NIL \"MISSING_MAILBOX\" \"SYNTAX_ERROR\"))"
	" ((NIL NIL \"MISSING_MAILBOX\" \"SYNTAX_ERROR\")) NIL NIL NIL NIL "
	"NIL)"											},
 /* fields of which there is one (RFC 5322 s3.6): lists are joined */
    {"To: a@b\r\nTo: c@d\r\nSubject: 1\r\nSubject: 2\r\n",
     "(NIL \"2\" NIL NIL NIL ((NIL NIL \"a\" \"b\")(NIL NIL \"c\" \"d\"))"
	" NIL NIL NIL NIL)"									   },
    {"no colon\r\nCc: a@b\r\n",
     "(NIL NIL NIL NIL NIL NIL ((NIL NIL \"a\" \"b\")) NIL NIL NIL)"                                  },
};

static void
check_headers(void)
{
	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		struct buf out;

		buf_init(&out, 4 * KB);
		envelope_write(str_of(headers[i].header), &out);
		CHECK_STR(out.data, headers[i].want);
		buf_release(&out);
	}
}

static void
check_flood(void)
{
	struct buf header, out;

	buf_init(&header, 512 * KB);
	buf_init(&out, 16 * MB);
	buf_add(&header, STR("From: "));
	while (header.len < 255 * KB)
		buf_add(&header, STR("a,"));
	envelope_write(buf_str(&header), &out);
	CHECK(!out.overrun && out.len < 3 * 10000 * 40);
	buf_release(&header);
	buf_release(&out);
}

static void
check_ids(void)
{
	static const struct {
		const char *value, *want; /* each followed by '|' */
	} vectors[] = {
	    {"<a@b>",              "a@b|"      },
	    {"<a@b> <c@d>",        "a@b|c@d|"  },
	    {"text <a@b>,<c@d",    "a@b|"      },
	    {"<\"a b\"@c> <ab@c>", "ab@c|ab@c|"},
	    {"<\"a\\\"b\"@c>",     "a\"b@c|"   },
	    {"<no-at> <a@b> <>",   "a@b|"      },
	    {"a@b",                ""          },
	    {"<a\tb@c>",           "ab@c|"     },
	    {"<a\r\n b@c>",        "ab@c|"     },
	    {"<@b> <a@b>",         "a@b|"      },
	    {"<\"@\"> <a\\>",      ""          },
	};

	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		struct str rest = str_of(vectors[i].value);
		struct buf out;

		buf_init(&out, 1 * KB);
		while (envelope_next_id(&rest, &out))
			buf_add_char(&out, '|');
		CHECK_STR(out.data != NULL ? out.data : "", vectors[i].want);
		buf_release(&out);
	}
}

int
main(void)
{
	check_addresses();
	check_headers();
	check_flood();
	check_ids();
	return TEST_EXIT();
}
