/* SPDX-License-Identifier: MIT */
#include "common/policy/mtasts.h"

#include "common/util/buf.h"
#include "common/util/mem.h"
#include "tests/test.h"

static const struct {
	const char *records[3];
	const char *id; /* NULL: none */
} records[] = {
  /* RFC 8461 s3.1 and appendix A.1 */
    {{"v=STSv1; id=20160831085700Z;"},                  "20160831085700Z"},
    {{"v=STSv1; id=20160831085700Z"},                   "20160831085700Z"},
    {{"v=STSv1;id=1"},				  "1"              },
    {{"v=STSv1 \t; \tid=1 \t; \t"},                     "1"              },
    {{"v=STSv1; ext.a-b_c=x:y/z; id=1"},                "1"              },
    {{"v=STSv1; 9=x; id=1"},                            "1"              },
    {{"v=STSv1; id=1; id=2"},                           "1"              },
    {{"v=STSv1; id=12345678901234567890123456789012"},
     "12345678901234567890123456789012"                                  },
    {{"v=STSv1; id=123456789012345678901234567890123"}, NULL             },
 /* others at the same name do not matter, another of its kind does */
    {{"v=spf1 -all", "v=STSv1; id=1"},                  "1"              },
    {{"v=STSv10; id=2", "v=STSv1; id=1"},               "1"              },
    {{"v=STSv1; id=1", "v=STSv1; id=1"},                NULL             },
    {{"v=STSv1; id=1", "v=STSv1;"},                     NULL             },
    {{"v=STSv1; id=1", "v=STSv1"},                      "1"              },
    {{"V=STSv1; id=1"},				 NULL             },
    {{"v=stsv1; id=1"},				 NULL             },
    {{" v=STSv1; id=1"},				NULL             },
    {{"id=1; v=STSv1;"},				NULL             },
    {{"v=STSv1"},				       NULL             },
    {{"v=STSv1;"},				      NULL             },
    {{"v=STSv1; ID=1"},				 NULL             },
    {{"v=STSv1; id="},				  NULL             },
    {{"v=STSv1; id=; id=1"},                            NULL             },
    {{"v=STSv1; id=a-b"},			       NULL             },
    {{"v=STSv1; id =1"},				NULL             },
    {{"v=STSv1; id= 1"},				NULL             },
    {{"v=STSv1; id=1 2"},			       NULL             },
    {{"v=STSv1; id=1; x"},			      NULL             },
    {{"v=STSv1; id=1; x="},			     NULL             },
    {{"v=STSv1; id=1; x=a=b"},                          NULL             },
    {{"v=STSv1; id=1; -x=a"},                           NULL             },
    {{"v=STSv1; id=1;; id=2"},                          NULL             },
    {{"v=STSv1; id=1; x=\xc3\xa4"},                     NULL             },
    {{""},					      NULL             },
};

static void
test_records(void)
{
	for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++) {
		struct str all[3];
		char id[MTASTS_ID_MAX] = "?";
		size_t n = 0;
		bool got;

		for (; n < 3 && records[i].records[n] != NULL; n++)
			all[n] = str_of(records[i].records[n]);
		got = mtasts_record_id(all, n, id);
		CHECK_STR(got ? id : "(none)",
		    records[i].id != NULL ? records[i].id : "(none)");
	}
	CHECK(!mtasts_record_id(NULL, 0, (char[MTASTS_ID_MAX]){0}));
}

#define V "version: STSv1\n"
#define E "mode: enforce\n"
#define A "max_age: 86400\n"
#define M "mx: a.test\n"

static const struct {
	const char *text;
	int mode; /* -1: refused, for this reason: */
	const char *why;
	uint32_t age;
	size_t mx;
} policies[] = {
  /* RFC 8461 s3.2 */
    {"version: STSv1\r\nmode: enforce\r\nmx: mail.example.com\r\n"
     "mx: *.example.net\r\nmx: backupmx.example.com\r\nmax_age: 604800\r\n", MTASTS_ENFORCE, NULL,				     604800,   3},
    {V E A M,								     MTASTS_ENFORCE, NULL,				     86400,    1},
    {"mx: a.test\nmax_age: 86400\nmode: testing\nversion: STSv1",
     MTASTS_TESTING,									      NULL,				     86400,    1},
    {V "mode: none\n" A,							  MTASTS_NONE,    NULL,                                     86400,    0},
    {V "mode: none\n" A M,							MTASTS_NONE,    NULL,                                     86400,    1},
 /* ends of lines, white space */
    {"version:STSv1\nmode:enforce\nmax_age:1\nmx:a.test\n",                       MTASTS_ENFORCE,
     NULL,																  1,        1},
    {"version: \t STSv1 \t \nmode: enforce \nmax_age: 1\t\nmx: a.test  ",
     MTASTS_ENFORCE,									      NULL,				     1,        1},
    {"\n" V "\r\n" E " \n" A M "\n\n",					    MTASTS_ENFORCE, NULL,                                     86400,    1},
    {"version: STSv1\r\nmode: enforce\nmax_age: 1\r\nmx: a.test\r\n",
     MTASTS_ENFORCE,									      NULL,				     1,        1},
    {V E A "mx: a.test\r",							-1,             "one of its lines is not \"key: value\"", 0,        0},
    {"version: STSv1\rmode: enforce\n" A M,                                       -1,
     "one of its lines is not \"key: value\"",											      0,        0},
    {V E A "mx : a.test\n",						       -1,             "one of its lines is not \"key: value\"", 0,        0},
    {V E A " mx: a.test\n",						       -1,             "one of its lines is not \"key: value\"", 0,        0},
    {V E A "mx: a\x01.test\n",						    -1,             "one of its lines is not \"key: value\"", 0,
     0																		 },
    {V E A M "x: \xff\n",							 -1,             "one of its lines is not \"key: value\"", 0,        0},
    {V E A M "x:\n",							      -1,             "one of its lines is not \"key: value\"", 0,        0},
    {V E A M "nonsense\n",							-1,             "one of its lines is not \"key: value\"", 0,        0},
    {V E A M "<html>: x\n",						       -1,             "one of its lines is not \"key: value\"", 0,        0},
    {V E A M "a234567890123456789012345678901234: x\n",                           -1,
     "one of its lines is not \"key: value\"",											      0,        0},
 /* unknown keys, and known ones twice: the first counts */
    {V E A M "x-y.z_1: some text: \xc3\xa4\n",                                    MTASTS_ENFORCE, NULL,                                     86400,    1},
    {V E A M "mode: none\nversion: STSv2\nmax_age: x\n",                          MTASTS_ENFORCE, NULL,
     86400,																	   1},
    {V "Mode: none\n" E A M,						      MTASTS_ENFORCE, NULL,                                     86400,    1},
 /* what must be there */
    {E A M,								       -1,             "it does not say its version",            0,        0},
    {V A M,								       -1,             "it does not say its mode",               0,        0},
    {V E M,								       -1,             "it does not say its max_age",            0,        0},
    {V E A,								       -1,             "it has no mx",                           0,        0},
    {V "mode: testing\n" A,						       -1,             "it has no mx",                           0,        0},
    {"",									  -1,	     "it does not say its version",            0,        0},
    {"version: STSv2\n" E A M,						    -1,             "its version is not STSv1",               0,        0},
    {"version: STSv2\n" V E A M,						  -1,             "its version is not STSv1",               0,        0},
    {V "mode: Enforce\n" A M,						     -1,
     "its mode is none of enforce, testing and none",										       0,        0},
 /* max_age */
    {V E M "max_age: 0\n",							MTASTS_ENFORCE, NULL,                                     0,        1},
    {V E M "max_age: 31557600\n",						 MTASTS_ENFORCE, NULL,                                     31557600, 1},
    {V E M "max_age: 0031557600\n",					       MTASTS_ENFORCE, NULL,                                     31557600, 1},
    {V E M "max_age: 00031557600\n",					      -1,             "its max_age is no number of seconds",
     0,																	       0},
    {V E M "max_age: 31557601\n",						 -1,             "its max_age is over 31557600 seconds",   0,
     0																		 },
    {V E M "max_age: 9999999999\n",					       -1,             "its max_age is over 31557600 seconds",
     0,																	       0},
    {V E M "max_age: -1\n",						       -1,             "its max_age is no number of seconds",    0,        0},
    {V E M "max_age: 1d\n",						       -1,             "its max_age is no number of seconds",    0,        0},
 /* mx */
    {V E A "mx: *.test\nmx: MX1.A-b.Test\nmx: localhost\n",                       MTASTS_ENFORCE,
     NULL,																  86400,    3},
    {V E A "mx: *\n",							     -1,             "one of its mx is no domain name",        0,        0},
    {V E A "mx: *.\n",							    -1,             "one of its mx is no domain name",        0,        0},
    {V E A "mx: a.*.test\n",						      -1,             "one of its mx is no domain name",        0,        0},
    {V E A "mx: *.*.test\n",						      -1,             "one of its mx is no domain name",        0,        0},
    {V E A "mx: a*.test\n",						       -1,             "one of its mx is no domain name",        0,        0},
    {V E A "mx: .a.test\n",						       -1,             "one of its mx is no domain name",        0,        0},
    {V E A "mx: a.test.\n",						       -1,             "one of its mx is no domain name",        0,        0},
    {V E A "mx: a..test\n",						       -1,             "one of its mx is no domain name",        0,        0},
    {V E A "mx: -a.test\n",						       -1,             "one of its mx is no domain name",        0,        0},
    {V E A "mx: a-.test\n",						       -1,             "one of its mx is no domain name",        0,        0},
    {V E A "mx: a_b.test\n",						      -1,             "one of its mx is no domain name",        0,        0},
    {V E A "mx: a.test b.test\n",						 -1,             "one of its mx is no domain name",        0,        0},
    {V E A "mx: m\xc3\xbcller.test\n",					    -1,             "one of its mx is no domain name",        0,
     0																		 },
    {V E A "mx: [192.0.2.1]\n",						   -1,             "one of its mx is no domain name",        0,        0},
};

static void
test_policies(void)
{
	struct mtasts_policy p;

	for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++) {
		const char *why;
		bool good = mtasts_policy_parse(
		    str_of(policies[i].text), &p, &why);

		if (good != (policies[i].mode != -1))
			fprintf(stderr, "policy %zu: %s\n", i, why);
		CHECK(good == (policies[i].mode != -1));
		CHECK_STR(why != NULL ? why : "",
		    policies[i].why != NULL ? policies[i].why : "");
		if (!good)
			continue;
		CHECK((int)p.mode == policies[i].mode);
		CHECK(p.max_age_s == policies[i].age);
		CHECK(p.n == policies[i].mx);
	}
}

static void
test_limits(void)
{
	char name[260];
	struct mtasts_policy p;
	const char *why;
	struct buf text;

	buf_init(&text, MB);
	buf_add(&text, STR(V E A));
	for (int i = 0; i < MTASTS_MX_MAX; i++)
		buf_addf(&text, "mx: mx%d.test\n", i);
	CHECK(mtasts_policy_parse(buf_str(&text), &p, &why));
	CHECK(p.n == MTASTS_MX_MAX);
	buf_add(&text, STR(M));
	CHECK(!mtasts_policy_parse(buf_str(&text), &p, &why));
	CHECK_STR(why, "it has more than 100 mx");

	buf_clear(&text);
	buf_add(&text, STR(V E A M));
	while (text.len < MTASTS_TEXT_MAX - 6)
		buf_add(&text, STR("x: y\n"));
	CHECK(mtasts_policy_parse(buf_str(&text), &p, &why));
	while (text.len <= MTASTS_TEXT_MAX)
		buf_add_char(&text, '\n');
	CHECK(!mtasts_policy_parse(buf_str(&text), &p, &why));
	CHECK_STR(why, "it is over 64 KiB");

	/* labels of 63 and names of 253 octets, and one more of each */
	for (int more = 0; more < 2; more++) {
		buf_clear(&text);
		buf_add(&text, STR(V E A));
		buf_addf(&text, "mx: %0*d.test\n", 63 + more, 1);
		CHECK(mtasts_policy_parse(buf_str(&text), &p, &why) == !more);
		memset(name, 'a', sizeof(name));
		for (int i = 50; i < 250; i += 50)
			name[i] = '.';
		name[253 + more] = '\0';
		buf_clear(&text);
		buf_add(&text, STR(V E A));
		buf_addf(&text, "mx: %s\n", name);
		CHECK(mtasts_policy_parse(buf_str(&text), &p, &why) == !more);
	}
	buf_release(&text);
	/* a NUL is an octet like others, and none that a value may have */
	CHECK(!mtasts_policy_parse(STR(V E A "mx: a.test\0\n"), &p, &why));
}

static void
test_matching(void)
{
	static const struct {
		const char *mx, *host;
		bool matches;
	} rows[] = {
  /* RFC 8461 s4.1 */
	    {"*.example.com",    "mail.example.com",    true },
	    {"*.example.com",    "example.com",         false},
	    {"*.example.com",    "foo.bar.example.com", false},
	    {"mail.example.com", "mail.example.com",    true },
	    {"Mail.Example.com", "mail.example.com",    true },
	    {"*.Example.com",    "mail.example.com",    true },
	    {"mail.example.com", "mail.example.org",    false},
	    {"mail.example.com", "xmail.example.com",   false},
	    {"example.com",      "mail.example.com",    false},
	    {"*.example.com",    ".example.com",        false},
	    {"*.example.com",    "mail.xexample.com",   false},
	    {"*.com",            "example.com",         true },
	    {"*.com",            "com",                 false},
	    {"example.com",      "",                    false},
	    {"*.example.com",    "",                    false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct mtasts_policy p = {
		    .n = 2, .mx = {STR("z.test"), str_of(rows[i].mx)}
                };

		CHECK(mtasts_matches(&p, str_of(rows[i].host)) ==
		      rows[i].matches);
	}
	CHECK(!mtasts_matches(&(struct mtasts_policy){0}, STR("a.test")));
}

int
main(void)
{
	test_records();
	test_policies();
	test_limits();
	test_matching();
	return TEST_EXIT();
}
