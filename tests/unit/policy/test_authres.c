/* SPDX-License-Identifier: MIT */
#include "common/policy/authres.h"

#include "common/util/mem.h"
#include "tests/test.h"

#define HOST STR("mx.d.test")

static void
writing(void)
{
	struct authres a;
	struct buf out;

	buf_init(&out, 8 * KB);
	authres_begin(&a, &out, HOST);
	authres_end(&a);
	CHECK_STR(out.data, "Authentication-Results: mx.d.test; none\r\n");

	buf_clear(&out);
	authres_begin(&a, &out, HOST);
	authres_method(&a, "spf", "pass", NULL);
	authres_property(&a, "smtp", "mailfrom", STR("ann@a.example"));
	authres_method(&a, "dkim", "pass", "2048-bit; (key)\\\r\n");
	authres_property(&a, "header", "d", STR("a.example"));
	authres_property(&a, "header", "i", STR("@a.example"));
	authres_property(&a, "header", "b", STR("oVxOH/NU"));
	authres_property(&a, "policy", "iprev", STR("2001:db8::1"));
	authres_end(&a);
	CHECK_STR(out.data,
	    "Authentication-Results: mx.d.test;\r\n"
	    "\tspf=pass smtp.mailfrom=ann@a.example;\r\n"
	    "\tdkim=pass (2048-bit key) header.d=a.example "
	    "header.i=@a.example\r\n"
	    "\theader.b=\"oVxOH/NU\" policy.iprev=\"2001:db8::1\"\r\n");
	buf_release(&out);
}

/* What is written for a value (A119). */
static void
values(void)
{
	static const struct {
		struct str value;
		const char *text; /* NULL: nothing */
	} cases[] = {
	    {{"a.example", 9},           "a.example"       },
	    {{"a@b", 3},                 "a@b"             },
	    {{"j\xc3\xb6rg@b", 7},       "j\xc3\xb6rg@b"   },
	    {{"\"x; dkim=pass\"@b", 16}, "@b"              },
	    {{"\"x\"@b", 5},             "@b"              },
	    {{"x;dmarc=pass", 12},       "\"x?dmarc=pass\""},
	    {{"a b", 3},                 "\"a b\""         },
	    {{"a\"b\\", 4},              "\"a\\\"b\\\\\""  },
	    {{"a\r\nb: c", 7},           "\"ab: c\""       },
	    {{"\xff"
	      "a\xfe",
		 3},
             "\"a\""				       },
	    {{"a@b;c", 5},               "\"a@b?c\""       },
	    {{"\x00\x01\x7f", 3},        NULL              },
	    {{"", 0},                    NULL              },
	};
	struct authres a;
	struct buf out;

	buf_init(&out, 8 * KB);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char want[100] = "";

		if (cases[i].text != NULL)
			snprintf(want, sizeof(want), " t.n=%s", cases[i].text);
		buf_clear(&out);
		a = (struct authres){.out = &out};
		authres_property(&a, "t", "n", cases[i].value);
		CHECK_STR(out.len > 0 ? out.data : "", want);
	}
	buf_release(&out);
}

static void
reading(void)
{
	struct str s = STR(" (c) \"mx.d.test\" 1 (x;y);\r\n\tspf=pass "
			   "smtp.mailfrom=\"a;b\" (c;d) ;DKIM / 1 = Fail\r\n "
			   "header.d=x; arc=none;");
	struct authres_result r;
	char id[256];

	CHECK(authres_read_id(&s, id));
	CHECK_STR(id, "mx.d.test");
	CHECK(authres_read_next(&s, &r) == 1);
	CHECK_STR(r.method, "spf");
	CHECK_STR(r.result, "pass");
	CHECK(str_eq(r.rest, STR("smtp.mailfrom=\"a;b\" (c;d)")));
	CHECK(authres_read_next(&s, &r) == 1);
	CHECK_STR(r.method, "dkim");
	CHECK_STR(r.result, "fail");
	CHECK(str_eq(r.rest, STR("header.d=x")));
	CHECK(authres_read_next(&s, &r) == 1);
	CHECK_STR(r.method, "arc");
	CHECK(r.rest.len == 0);
	CHECK(authres_read_next(&s, &r) == 0);

	s = STR("mx.d.test; none");
	CHECK(authres_read_id(&s, id) && authres_read_next(&s, &r) == 0);
	s = STR("mx.d.test");
	CHECK(authres_read_id(&s, id) && authres_read_next(&s, &r) == 0);
}

static void
reading_rubbish(void)
{
	static const char *const no_id[] = {"", ";", "; a=b", "(x", "\"x",
	    "<x>;", "a b;", "a=b;", "x/1;", "x 1 2;", "\r\nx;"};
	static const char *const no_result[] = {"; a", "; a=", "; =b", ";;",
	    "a=b", "; a=b (", "; a=b \"", "; a/=b", "; a b=c",
	    "; aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa=b"};
	struct authres_result r;
	char id[256];

	for (size_t i = 0; i < sizeof(no_id) / sizeof(no_id[0]); i++) {
		struct str s = str_of(no_id[i]);

		CHECK(!authres_read_id(&s, id));
	}
	for (size_t i = 0; i < sizeof(no_result) / sizeof(no_result[0]); i++) {
		struct str s = str_of(no_result[i]);

		CHECK(authres_read_next(&s, &r) == -1 && s.len == 0);
	}
}

/* A118 */
static const struct {
	const char *field;
	bool forged;
} fields[] = {
    {"Authentication-Results: mx.d.test; dkim=pass\r\n",           true },
    {"AUTHENTICATION-RESULTS : MX.d.test;dkim=pass\r\n",           true },
    {"Authentication-Results:\r\n\tmx.d.test;\r\n\tdkim=pass\r\n", true },
    {"Authentication-Results: (x) mx.d.test; dkim=pass\r\n",       true },
    {"Authentication-Results: \"mx.d.test\" 1; dkim=pass\r\n",     true },
    {"Authentication-Results: \"mx\\.d.test\"; dkim=pass\r\n",     true },
    {"Authentication-Results: mx.d.test.; dkim=pass\r\n",          true },
    {"Authentication-Results: mx.d.test\r\n",                      true },
    {"Authentication-Results: \xef\xbd\x8dx.d.test; x=y\r\n",      true },
    {"Authentication-Results: \xff; x=y\r\n",                      true },
    {"Authentication-Results:\r\n",                                false},
    {"Authentication-Results: dkim=pass\r\n",                      false},
    {"Authentication-Results: [mx.d.test]; dkim=pass\r\n",         true },
    {"Authentication-Results\r\n : mx.d.test; dkim=pass\r\n",      true },
    {"Authentication\x01-Results: other.test; dkim=pass\r\n",      true },
    {"Authentication-Results: other.test; dkim=pass\r\n",          false},
    {"Authentication-Results: d.test; dkim=pass\r\n",              false},
    {"Authentication-Results: mx.d.test2; dkim=pass\r\n",          false},
    {"Authentication-Results: mx_1; dkim=pass\r\n",                false},
    {"ARC-Authentication-Results: i=1; mx.d.test; x=y\r\n",        false},
    {"Received-SPF: pass\r\n",				     false},
    {"Received-SPF: pass (MX.d.test: domain of a@b)\r\n",          true },
    {"RECEIVED-SPF : pass (a) receiver=MX.D.TEST;\r\n",            true },
    {"Received-SPF: pass receiver=\"mx.d.test\"\r\n",              true },
    {"Received-SPF: pass receiver=\r\n",                           false},
    {"Received-SPF: pass receiver=other.test\r\n",                 false},
    {"Subject: Authentication-Results: mx.d.test; a=b\r\n",        false},
};

static void
stripping(void)
{
	struct buf all, want, got;
	size_t removed, forged = 0;

	buf_init(&all, 16 * KB);
	buf_init(&want, 16 * KB);
	buf_init(&got, 16 * KB);
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		struct str field = str_of(fields[i].field);

		buf_clear(&got);
		authres_strip(field, HOST, &got, &removed);
		CHECK(removed == fields[i].forged);
		CHECK_STR(got.len > 0 ? got.data : "",
		    fields[i].forged ? "" : fields[i].field);
		buf_add(&all, field);
		forged += fields[i].forged;
		if (!fields[i].forged)
			buf_add(&want, field);
	}
	buf_clear(&got);
	authres_strip(buf_str(&all), HOST, &got, &removed);
	CHECK(removed == forged);
	CHECK_STR(got.data, want.data);
	buf_release(&got);
	buf_release(&want);
	buf_release(&all);
}

int
main(void)
{
	writing();
	values();
	reading();
	reading_rubbish();
	stripping();
	return TEST_EXIT();
}
