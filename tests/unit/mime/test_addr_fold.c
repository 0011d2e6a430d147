/* SPDX-License-Identifier: MIT */
#include "common/mime/addr.h"
#include "common/util/mem.h"
#include "tests/test.h"

#define L10 "abcdefghij"
#define L60 L10 L10 L10 L10 L10 L10
#define L63 L60 "abc"
#define L64 L60 "abcd"

typedef bool fold(struct str, struct buf *);

struct vector {
	struct str in;
	const char *out; /* NULL: refused */
};

static const struct vector domains[] = {
    {STR("d.test"),			 "d.test"                       },
    {STR("D.Test"),			 "d.test"                       },
    {STR("d.test."),			"d.test"                       },
    {STR("localhost"),                      "localhost"                    },
    {STR("a-b.c"),			  "a-b.c"                        },
    {STR("3com.com"),		       "3com.com"                     },
    {STR("1.2.3.com"),                      "1.2.3.com"                    },
    {STR(L63 ".test"),                      L63 ".test"                    },
    {STR(L64 ".test"),                      NULL			   }, /* A040 */
    {STR(L63 "." L63 "." L63 "." L60 "a"),  L63 "." L63 "." L63 "." L60 "a"},
    {STR(L63 "." L63 "." L63 "." L60 "ab"), NULL                           }, /* 254 */
    {STR(""),			       NULL			   },
    {STR("."),			      NULL			   },
    {STR(".a"),			     NULL			   },
    {STR("a..b"),			   NULL			   },
    {STR("a.."),			    NULL			   },
    {STR("-a.b"),			   NULL			   },
    {STR("a-.b"),			   NULL			   },
    {STR("a_b.c"),			  NULL			   },
    {STR("a b.c"),			  NULL			   },
    {STR("a\0b.c"),			 NULL			   },
    {STR("a.b\0"),			  NULL			   },
    {STR("a:b.c"),			  NULL			   },
    {STR("a@b.c"),			  NULL			   },
    {STR("a{b.c"),			  NULL			   },
    {STR("a.b-"),			   NULL			   },
    {STR("a.b0:"),			  NULL			   },
    {STR("a.1b"),			   "a.1b"			 },
    {STR("a.12"),			   NULL			   },
    {STR("a/b.c"),			  NULL			   },
    {STR("127.0.0.1"),                      NULL			   },
    {STR("[127.0.0.1]"),                    NULL                           },
    {STR("legit.test(a.attack.test"),       NULL                           }, /* A115 */
    {STR("legit.test'.attack.test"),        NULL                           },
    {STR("legit.test,x"),                   NULL                           },
 /* IDNA 2008 */
    {STR("b\xc3\xbc"
	 "cher.de"),
     "xn--bcher-kva.de"						    },
    {STR("B\xc3\x9c"
	 "CHER.DE"),
     "xn--bcher-kva.de"						    },
    {STR("bu\xcc\x88"
	 "cher.de"),
     "xn--bcher-kva.de"						    }, /* decomposed */
    {STR("XN--BCHER-KVA.de"),               "xn--bcher-kva.de"             },
    {STR("fa\xc3\x9f.de"),                  "xn--fa-hia.de"                }, /* not fass.de */
    {STR("\xef\xbd\x81.de"),                "a.de"                         }, /* full-width a */
    {STR("a\xe3\x80\x82"
	 "de"),
     "a.de"								}, /* ideographic full stop */
    {STR("\xc3\xbc.de."),                   "xn--tda.de"                   },
    {STR("\xc3\xbc..de"),                   NULL                           },
    {STR("i\xe2\x9d\xa4.ws"),               NULL                           }, /* a heart: DISALLOWED */
    {STR("xn--i-7iq.ws"),                   NULL                           }, /* the same as an A-label */
    {STR("xn--a"),			  NULL			   },
    {STR("xn--.de"),			NULL			   },
    {STR("x\xef\xbc\xa0y.de"),              NULL                           }, /* full-width @ */
    {STR("x\xef\xbc\x8f\xc3\xbc.de"),       NULL                           }, /* full-width / */
    {STR("\xe2\x80\x8d.de"),                NULL                           }, /* a joiner alone */
    {STR("\xc3.de"),			NULL			   }, /* not UTF-8 */
    {STR("\xc0\xae.de"),                    NULL                           },
};

static const struct vector locals[] = {
    {STR("bob"),		 "bob"                },
    {STR("Bob.Q"),               "bob.q"              },
    {STR("bob+detail"),          "bob+detail"         },
    {STR("!#$%&'*+-/=?^_`{|}~"), "!#$%&'*+-/=?^_`{|}~"},
    {STR("\"bob\""),             "bob"                },
    {STR("\"b\\ob\""),           "bob"                },
    {STR("\"Bob Q\""),           "\"bob q\""          },
    {STR("\"bob@x\""),           "\"bob@x\""          },
    {STR("\"a\\\"b\\\\\""),      "\"a\\\"b\\\\\""     },
    {STR("\".a\""),              "\".a\""             },
    {STR("\"a..b\""),            "\"a..b\""           },
    {STR(L64),		   L64		  },
    {STR(L64 "a"),               NULL                 }, /* A040: never cut to fit */
    {STR(""),		    NULL                 },
    {STR("\"\""),                NULL                 }, /* A039 */
    {STR("\""),		  NULL                 },
    {STR("\"a"),		 NULL                 },
    {STR("a\""),		 NULL                 },
    {STR("\"a\"b"),              NULL                 },
    {STR("\"a\".b"),             NULL                 }, /* obs-local-part: no address of ours */
    {STR("a b"),		 NULL                 },
    {STR(".a"),		  NULL                 },
    {STR("a."),		  NULL                 },
    {STR("a..b"),                NULL                 },
    {STR("a@b"),		 NULL                 },
    {STR("a,b"),		 NULL                 },
    {STR("a(b"),		 NULL                 },
    {STR("a\0b"),                NULL                 },
    {STR("\"a\0b\""),            NULL                 },
    {STR("\"a\r\n b\""),         NULL                 },
    {STR("\"a\tb\""),            NULL                 },
    {STR("\"a\\\xc3\xbc\""),     NULL                 }, /* no quoted-pair */
    {STR("\"a\\\tb\""),          NULL                 },
    {STR("a\rb"),                NULL                 },
    {STR("a\x7f"),               NULL                 },
 /* RFC 6531 */
    {STR("j\xc3\xbcrgen"),       "j\xc3\xbcrgen"      },
    {STR("ju\xcc\x88rgen"),      "j\xc3\xbcrgen"      }, /* NFC */
    {STR("J\xc3\x9cRGEN"),       "j\xc3\x9crgen"      }, /* only ASCII changes case */
    {STR("\xe2\x84\xaa"),        "k"                  }, /* KELVIN SIGN is K in NFC */
    {STR("a\xcd\xbe"
	 "b"),
     "\"a;b\""					}, /* GREEK QUESTION MARK is ; */
    {STR("a\xc2\x85"
	 "b"),
     NULL					     }, /* NEL */
    {STR("\xff"),                NULL                 },
    {STR("\xed\xa0\x80"),        NULL                 },
};

static const struct vector addresses[] = {
    {STR("\"Bob\"@D.Test."),                        "bob@d.test"    },
    {STR("ALICE@D.TEST"),			   "alice@d.test"  }, /* A043 */
    {STR("\"a@b\"@c.test"),                         "\"a@b\"@c.test"},
    {STR("alice"),				  NULL            },
    {STR("@d.test"),				NULL            },
    {STR("alice@"),				 NULL            },
    {STR("x@remote.test@d.test"),                   NULL            }, /* A041 */
    {STR("alice@[127.0.0.1]"),                      NULL            },
    {STR("any@legit.test(a.attack.test"),           NULL            }, /* A115 */
    {STR("any@legit.test'@any.attack.test"),        NULL            },
    {STR("(any@legit.test"),                        NULL            },
    {STR("@legit.test,@any.test:'any@attack.test"), NULL            },
};

static void
check_table(fold *f, const struct vector *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct buf out;
		bool ok;

		buf_init(&out, 4 * KB);
		buf_add(&out, STR("kept:"));
		ok = f(v[i].in, &out);
		if (ok != (v[i].out != NULL))
			fprintf(stderr, "at \"%.*s\"\n", STR_FMT(v[i].in));
		CHECK(ok == (v[i].out != NULL));
		CHECK(str_starts(buf_str(&out), STR("kept:")));
		CHECK_STR(out.data + 5, ok && v[i].out ? v[i].out : "");
		if (ok) { /* folding again changes nothing */
			struct buf again;

			buf_init(&again, 4 * KB);
			CHECK(f(str_after(buf_str(&out), 5), &again));
			CHECK_STR(again.data, out.data + 5);
			buf_release(&again);
		}
		buf_release(&out);
	}
}

static void
check_base(void)
{
	CHECK(str_eq(addr_base(STR("bob+x")), STR("bob")));
	CHECK(str_eq(addr_base(STR("bob+x+y")), STR("bob")));
	CHECK(str_eq(addr_base(STR("bob+")), STR("bob")));
	CHECK(str_eq(addr_base(STR("bob")), STR("bob")));
	CHECK(str_eq(addr_base(STR("+x")), STR("+x")));
	CHECK(str_eq(addr_base(STR("\"a b+c\"")), STR("\"a b+c\"")));
	CHECK(addr_base(STR("")).len == 0);
}

#define CHECK_TABLE(f, table)                                                  \
	check_table(f, table, sizeof(table) / sizeof(table[0]))

int
main(void)
{
	CHECK_TABLE(addr_domain_fold, domains);
	CHECK_TABLE(addr_local_fold, locals);
	CHECK_TABLE(addr_fold, addresses);
	check_base();
	return TEST_EXIT();
}
