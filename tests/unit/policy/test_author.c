/* SPDX-License-Identifier: MIT */
#include "common/policy/author.h"

#include "common/util/buf.h"
#include "common/util/mem.h"
#include "tests/test.h"

static const struct {
	const char *block, *address, *domain; /* NULL: refused */
} cases[] = {
    {"From: Ann@D.Test\r\n",				    "ann@d.test",              "d.test"               },
    {"fRoM:ann@d.test\r\n",				     "ann@d.test",              "d.test"               },
    {"From: Ann <ann@d.test>\r\n",                              "ann@d.test",              "d.test"               },
    {"From: Ann < ann@d.test >\r\n",                            "ann@d.test",              "d.test"               },
    {"From: \"A, B\" <ann@d.test> (at work)\r\n",               "ann@d.test",              "d.test"               },
    {"From: J. R. User <ann@d.test>\r\n",                       "ann@d.test",              "d.test"               },
    {"From: (x@legit.test) ann@d.test\r\n",                     "ann@d.test",              "d.test"               },
    {"From:\r\n ann@d.test\r\n",                                "ann@d.test",              "d.test"               },
    {"From: a@d.test,\r\n B <b@D.test>\r\n",                    "a@d.test",                "d.test"               },
    {"From: \"a b\"@d.test\r\n",                                "\"a b\"@d.test",          "d.test"               },
    {"From: x@b\xc3\xbc"
     "cher.example\r\n",				   "x@xn--bcher-kva.example", "xn--bcher-kva.example"},
    {"From: x@zero_pct.Example\r\n",                            "x@zero_pct.example",      "zero_pct.example"     },
    {"From: =?utf-8?q?a=40legit.test?= <x@attack.test>\r\n",    "x@attack.test",
     "attack.test"												},
    {"To: a@b\r\nFrom: x@d.test\r\nX: From: y@z\r\n",           "x@d.test",                "d.test"               },
    {"Subject: a\r\n From: b@c.test\r\nFrom: x@d.test",         "x@d.test",                "d.test"               },
 /* none, or two */
    {"",							NULL,		      NULL		   },
    {"Sender: x@d.test\r\nResent-From: x@d.test\r\n",           NULL,                      NULL                   },
    {"From: x@d.test\r\nfrom: x@d.test\r\n",                    NULL,                      NULL                   },
    {"From: x@d.test, y@e.test\r\n",                            NULL,                      NULL                   },
    {"From: x@d.test y@e.test\r\n",                             NULL,                      NULL                   },
    {"From: x@d.test <y@e.test>\r\n",                           NULL,                      NULL                   },
    {"From: <x@d.test> <y@d.test>\r\n",                         NULL,                      NULL                   },
    {"From: <x@d.test>y@e.test\r\n",                            NULL,                      NULL                   },
 /* no address */
    {"From:\r\n",					       NULL,                      NULL                   },
    {"From: <>\r\n",					    NULL,                      NULL                   },
    {"From: MAILER-DAEMON <>\r\n",                              NULL,                      NULL                   },
    {"From: nobody\r\n",					NULL,                      NULL                   },
    {"From: =?utf-8?B?YUBsZWdpdC50ZXN0?=, <x@attack.test>\r\n", NULL,                      NULL                   },
    {"From: x@d.test,\r\n",				     NULL,                      NULL                   },
    {"From: ,x@d.test\r\n",				     NULL,                      NULL                   },
    {"From: x@[192.0.2.1]\r\n",				 NULL,                      NULL                   },
    {"From: x@192.0.2.1\r\n",				   NULL,                      NULL                   },
    {"From: x@_..test\r\n",				     NULL,                      NULL                   },
    {"From: x@a_b.\r\n",					NULL,                      NULL                   },
    {"From: x@d..test\r\n",				     NULL,                      NULL                   },
 /* two ways to read it */
    {"From : x@d.test\r\n",				     NULL,                      NULL                   },
    {"From\r\n : x@d.test\r\n",				 NULL,                      NULL                   },
    {"From: x@d.test <x@D.test>\r\n",                           "x@d.test",                "d.test"               },
    {"From: x@d.test <y@d.test>\r\n",                           NULL,                      NULL                   },
    {"From: x@d.test <x@e.test>\r\n",                           NULL,                      NULL                   },
    {"From: Doe, John <x@d.test>\r\n",                          "x@d.test",                "d.test"               },
    {"From: a@e.test, John <x@d.test>\r\n",                     NULL,                      NULL                   },
    {"From: =?utf-8?Q?a=40e.test?=, John <x@d.test>\r\n",       NULL,                      NULL                   },
    {"From: Doe, \r\n",					 NULL,                      NULL                   },
    {"From: <, x@d.test>\r\n",				  NULL,                      NULL                   },
    {" From: x@d.test\r\n",				     NULL,                      NULL                   },
    {" From: x@d.test\r\nFrom: y@e.test\r\n",                   NULL,                      NULL                   },
    {"From\x01: x@d.test\r\nFrom: y@e.test\r\n",                NULL,                      NULL                   },
    {"From: x@d.test\rFrom: y@e.test\r\n",                      NULL,                      NULL                   },
    {"From: x@d.test\nFrom: y@e.test\r\n",                      NULL,                      NULL                   },
    {"From: <@e.test:x@d.test>\r\n",                            NULL,                      NULL                   },
    {"From: <@e.test,@f.test:x@d.test>\r\n",                    NULL,                      NULL                   },
    {"From: g: x@d.test;\r\n",				  NULL,                      NULL                   },
    {"From: g:;\r\n",					   NULL,                      NULL                   },
    {"From: <x@d.test>\\,<y@e.test>\r\n",                       NULL,                      NULL                   },
    {"From: x(y@e.test)@d.test\r\n",                            NULL,                      NULL                   },
    {"From: x@(y@e.test)d.test\r\n",                            NULL,                      NULL                   },
    {"From: <x@d.test(y@e.test)>\r\n",                          NULL,                      NULL                   },
    {"From: x @ d.test\r\n",				    NULL,                      NULL                   },
    {"From: x@d.test(\r\n",				     NULL,                      NULL                   },
    {"From: \"x@d.test\"@e.test\r\n",                           NULL,                      NULL                   },
    {"From: \"x\\\"y\"@e.test\r\n",                             NULL,                      NULL                   },
    {"From: x@d.test@e.test\r\n",                               NULL,                      NULL                   },
    {"From: \"=?x\"@e.test\r\n",                                NULL,                      NULL                   },
    {"From: =?utf-8?q?x=40d.test?=@e.test\r\n",                 NULL,                      NULL                   },
};

static void
table(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct author author;
		struct fail f = {0};
		int rc = author_find(str_of(cases[i].block), &author, &f);

		if (rc != (cases[i].address == NULL ? -1 : 0)) {
			fprintf(stderr, "case %zu: %s", i, cases[i].block);
			CHECK(false);
			continue;
		}
		if (rc == -1) {
			CHECK(f.kind == FAIL_PERM && f.text[0] != '\0');
		} else {
			CHECK_STR(author.address, cases[i].address);
			CHECK_STR(author.domain, cases[i].domain);
		}
	}
}

static void
nul(void)
{
	struct author author;
	struct fail f = {0};

	CHECK(
	    author_find(STR("From: x@d.test\0@e.test\r\n"), &author, &f) == -1);
}

/* As many as a person reads, and no more. */
static void
many(size_t n, int want)
{
	struct author author;
	struct fail f = {0};
	struct buf block;

	buf_init(&block, 1 * MB);
	buf_add(&block, STR("From: a@d.test"));
	for (size_t i = 1; i < n; i++)
		buf_add(&block, STR(",\r\n b@d.test"));
	buf_add(&block, STR("\r\n"));
	CHECK(author_find(buf_str(&block), &author, &f) == want);
	buf_release(&block);
}

/* The longest that fit, and one more octet. */
static void
lengths(void)
{
	char local[66], block[400], label[64];
	struct author author;
	struct fail f = {0};

	memset(local, 'a', sizeof(local));
	memset(label, 'b', sizeof(label));
	snprintf(block, sizeof(block),
	    "From: %.64s@%.63s.%.63s.%.63s.%.57s.test\r\n", local, label, label,
	    label, label);
	CHECK(author_find(str_of(block), &author, &f) == -1);
	snprintf(block, sizeof(block),
	    "From: %.64s@%.63s.%.63s.%.63s.%.56s.test\r\n", local, label, label,
	    label, label);
	CHECK(author_find(str_of(block), &author, &f) == 0);
	CHECK(strlen(author.domain) == 253 && strlen(author.address) == 318);
	snprintf(block, sizeof(block), "From: %.65s@d.test\r\n", local);
	CHECK(author_find(str_of(block), &author, &f) == -1);
	snprintf(block, sizeof(block), "From: a@%.64s.test\r\n", label);
	CHECK(author_find(str_of(block), &author, &f) == -1);
	snprintf(block, sizeof(block), "From: a@_%.63s.test\r\n", label);
	CHECK(author_find(str_of(block), &author, &f) == -1);
}

/* What some bounces have, and what must not pass for it. */
static void
programs(void)
{
	static const struct {
		const char *block;
		bool program;
	} rows[] = {
	    {"From: MAILER-DAEMON\r\n",                        true },
	    {"From: \"Mail Delivery\" <MAILER-DAEMON>\r\n",    true },
	    {"from: <>\r\n",				   true },
	    {"Subject: x\r\n",				 false},
	    {"From:\r\n",				      false},
	    {"From : MAILER-DAEMON\r\n",                       false},
	    {"From: a\r\nFrom: b\r\n",                         false},
	    {"From: a@d.test\r\n",                             false},
	    {"From: =?utf-8?B?YWRtaW5AbGVnaXQudGVzdA==?=\r\n", false},
	    {"From: admin\xef\xbc\xa0legit.test\r\n",          false},
	    {"From: admin(at)legit.test\r\n",                  false},
	    {"From: a, b\r\n",				 false},
	    {"From: a\r\n b\r\n",                              false},
	    {"From: a\r\nFrom\xa0: b@e.test\r\n",              false},
	    {" From: b@e.test\r\nFrom: a\r\n",                 false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		CHECK(author_is_program(str_of(rows[i].block)) ==
		      rows[i].program);
}

/* Lines that are no field: passed over, or a reason to refuse. */
static void
lines(void)
{
	static const struct {
		const char *block;
		int want;
	} rows[] = {
	    {"From x@e.test Mon Nov 23 10:00:00 2026\r\nFrom: a@d.test\r\n", 0 },
	    {"Some words\r\nFrom: a@d.test\r\n",                             0 },
	    {"From\r\n : b@e.test\r\nFrom: a@d.test\r\n",                    -1},
	    {" From: b@e.test\r\nFrom: a@d.test\r\n",                        -1},
	    {"From : b@e.test\r\nFrom: a@d.test\r\n",                        -1},
	    {"X\x01: y\r\nFrom: a@d.test\r\n",                               -1},
	    {"From \x01: b@e.test\r\nFrom: a@d.test\r\n",                    -1},
	    {"From \xa0: b@e.test\r\nFrom: a@d.test\r\n",                    -1},
	    {"From \xa0\r\n : b@e.test\r\nFrom: a@d.test\r\n",               -1},
	    {"some words: y\r\n From: b@e.test\r\nFrom: a@d.test\r\n",       -1},
	    {" some words: y\r\nFrom: a@d.test\r\n",                         -1},
	};
	struct author author;
	struct fail f;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		CHECK(author_find(str_of(rows[i].block), &author, &f) ==
		      rows[i].want);
}

int
main(void)
{
	programs();
	lines();
	table();
	nul();
	many(100, 0);
	many(101, -1);
	lengths();
	return TEST_EXIT();
}
