/* SPDX-License-Identifier: MIT */
/* Which paths are paths, and what is in them (RFC 5321 s4.1.2, s4.5.3.1). */
#include "common/util/buf.h"
#include "common/util/mem.h"
#include "smtpd/proto/smtp_path.h"
#include "tests/test.h"

static const struct {
	const char *text, *spec, *local, *domain;
	bool literal, routed, utf8;
} good[] = {
    {"<a@b.c>",			      "a@b.c",                      "a",				"b.c",         false, false, false},
    {"<A.b-c+d@B>",			  "A.b-c+d@B",                  "A.b-c+d",                          "B",           false, false, false},
    {"<!#$%&'*+-/=?^_`{|}~@x>",              "!#$%&'*+-/=?^_`{|}~@x",      "!#$%&'*+-/=?^_`{|}~",
     "x",														     false, false, false},
    {"<\"a b\"@c.d>",			"\"a b\"@c.d",                "\"a b\"",                          "c.d",         false, false, false},
    {"<\"a\\\"b\\\\\"@c>",                   "\"a\\\"b\\\\\"@c",           "\"a\\\"b\\\\\"",                   "c",           false,
     false,																 false},
    {"<\"x@y\"@c>",			  "\"x@y\"@c",                  "\"x@y\"",                          "c",           false, false, false},
    {"<a@1.2-3.x4>",			 "a@1.2-3.x4",                 "a",                                "1.2-3.x4",    false, false, false},
    {"<a@[192.0.2.1]>",                      "a@[192.0.2.1]",              "a",                                "[192.0.2.1]", true,  false,
     false																       },
    {"<a@[IPv6:2001:db8::1]>",               "a@[IPv6:2001:db8::1]",       "a",
     "[IPv6:2001:db8::1]",												    true,  false, false},
    {"<a@[ipv6:::]>",			"a@[ipv6:::]",                "a",                                "[ipv6:::]",   true,  false, false},
    {"<a@[IPv6:1:2:3:4:5:6:7:8]>",           "a@[IPv6:1:2:3:4:5:6:7:8]",   "a",
     "[IPv6:1:2:3:4:5:6:7:8]",												true,  false, false},
    {"<a@[IPv6:::ffff:192.0.2.1]>",          "a@[IPv6:::ffff:192.0.2.1]",  "a",
     "[IPv6:::ffff:192.0.2.1]",											       true,  false, false},
    {"<@x.y,@z:a@b>",			"a@b",                        "a",                                "b",           false, true,  false},
    {"<@x:a@b>",			     "a@b",			"a",				"b",           false, true,  false},
    {"<\xc3\xbc@b>",			 "\xc3\xbc@b",                 "\xc3\xbc",                         "b",           false, false, true },
    {"<\xe0\xa0\x80\xed\x9f\xbf@b>",         "\xe0\xa0\x80\xed\x9f\xbf@b",
     "\xe0\xa0\x80\xed\x9f\xbf",									       "b",           false, false, true },
    {"<\xf0\x90\x80\x80\xf4\x8f\xbf\xbf@b>",
     "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf@b",				 "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", "b",           false, false, true },
    {"<a@[IPv6:ABCD:ef09::]>",               "a@[IPv6:ABCD:ef09::]",       "a",
     "[IPv6:ABCD:ef09::]",												    true,  false, false},
    {"<srs1="
     "0123456789012345678901234567890123456789012345678901234567890123456789=x@"
     "b>",			      "srs1="
	"0123456789012345678901234567890123456789012345678901234567890123456789"
	"=x@b",					     "srs1="
	"0123456789012345678901234567890123456789012345678901234567890123456789"
	"=x",								    "b",           false, false, false},
    {"<a@\xc3\xbc.b>",		       "a@\xc3\xbc.b",               "a",                                "\xc3\xbc.b",  false, false, true },
    {"<\"\xe2\x82\xac \"@b>",                "\"\xe2\x82\xac \"@b",        "\"\xe2\x82\xac \"",                "b",
     false,															  false, true },
    {"<\xf0\x9f\x90\xa7@b>",                 "\xf0\x9f\x90\xa7@b",         "\xf0\x9f\x90\xa7",                 "b",
     false,															  false, true },
};

static const char *const bad[] = {
    "",
    "a@b",
    "<",
    "<>x",
    "<a",
    "<a>",
    "<a@>",
    "<@b>",
    "<a@b",
    "<a@b.>",
    "<a@.b>",
    "<a@b..c>",
    "<.a@b>",
    "<a.@b>",
    "<a..b@c>",
    "<a b@c>",
    "<a@b c>",
    "<a@b@c>",
    "<a,b@c>",
    "<a(x)@c>",
    "<a@c(x)>",
    "<a;b@c>",
    "<<a@b>>",
    "<\"\"@b>",
    "<\"a@b>",
    "<\"a\"b@c>",
    "<a\"b\"@c>",
    "<\"a\tb\"@c>",
    "<\"a\\\tb\"@c>",
    "<\"a\\\">",
    "<\"\\",
    "<a@-b>",
    "<a@b->",
    "<a@b-.c>",
    "<a@b_c>",
    "<a@b.c:25>",
    "<a@[]>",
    "<a@[1.2.3]>",
    "<a@[1.2.3.4.5]>",
    "<a@[1.2.3.4.]>",
    "<a@[1.2.3.256]>",
    "<a@[1.2.3.4>",
    "<a@[1.2.3.4]x>",
    "<a@[x:y]>",
    "<a@[IPv6:]>",
    "<a@[IPv6:1:2]>",
    "<a@[IPv6:1::2::3]>",
    "<a@[IPv6::::]>",
    "<a@[IPv6:1:::2]>",
    "<a@[IPv6:1:2:3:4:5:6:7:8:9]>",
    "<a@[IPv6:12345::]>",
    "<a@[IPv6:g::]>",
    "<a@[IPv6:1:2:3:4:5:6:7:]>",
    "<a@[IPv6:1:2:3:4:5:6:7::8]>",
    "<a@[IPv6::1]>",
    "<@x,y:a@b>",
    "<@x a@b>",
    "<@x,:a@b>",
    "<@x,@y>",
    "<:a@b>",
    "<\xfc@b>",
    "<\xc0\xaf@b>",
    "<\xed\xa0\x80@b>",
    "<\xf4\x90\x80\x80@b>",
    "<\xe2\x82@b>",
    "<\xc3>",
    "<a@\xc3>",
    "<\xf8\x88\x80\x80\x80@b>",
    "<\xe0\x9f\xbf@b>",     /* overlong */
    "<\xf0\x8f\xbf\xbf@b>", /* overlong */
    "<\xf5\x80\x80\x80@b>",
    "<\xc3\x7f@b>",
    "<\xe2\x82\x7f@b>",
    "<\xe2\x82\xc0@b>",
    "<\"\xe2\x82\"@b>",
    "<\"a\x7f\"@b>",
    "<\"a\\\x7f\"@b>",
    "<a@[IPv6:1;2]>",
    "<a@[IPv6:1:2:3:4:5:6:7:8;]>",
    "<a@[IPv6:/::]>",
    "<a@[IPv6:G::]>",
    "<@-x:a@b>",
    "<@:a@b>",
    "<a@b/c>",
    "<a@b{c>",
    "<a\x7f@b>",
    "<a\x01@b>",
    "<postmaster@>",
};

static bool
takes(const char *text, enum smtp_path_kind kind)
{
	struct str in = str_of(text);
	struct smtp_path p;

	return smtp_path_take(&in, kind, &p) && in.len == 0;
}

static void
test_good(void)
{
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct str in = str_of(good[i].text);
		struct smtp_path p;

		CHECK(smtp_path_take(&in, SMTP_PATH_FORWARD, &p));
		CHECK(in.len == 0);
		CHECK(str_eq(p.spec, str_of(good[i].spec)));
		CHECK(str_eq(p.local, str_of(good[i].local)));
		CHECK(str_eq(p.domain, str_of(good[i].domain)));
		CHECK(p.literal == good[i].literal);
		CHECK(p.routed == good[i].routed);
		CHECK(p.utf8 == good[i].utf8);
	}
}

static void
test_bad(void)
{
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (takes(bad[i], SMTP_PATH_FORWARD))
			fprintf(stderr, "taken: %s\n", bad[i]);
		CHECK(!takes(bad[i], SMTP_PATH_FORWARD));
		CHECK(!takes(bad[i], SMTP_PATH_REVERSE));
	}
}

/* <> is a sender, <postmaster> a recipient, and not the other way round. */
static void
test_special(void)
{
	struct str in = STR("<> SIZE=1");
	struct smtp_path p;

	CHECK(smtp_path_take(&in, SMTP_PATH_REVERSE, &p));
	CHECK(p.spec.len == 0 && p.domain.len == 0);
	CHECK(str_eq(in, STR(" SIZE=1")));
	CHECK(!takes("<>", SMTP_PATH_FORWARD));
	in = STR("<PostMaster>");
	CHECK(smtp_path_take(&in, SMTP_PATH_FORWARD, &p));
	CHECK(str_eq(p.spec, STR("PostMaster")) && p.domain.len == 0);
	CHECK(!takes("<postmaster>", SMTP_PATH_REVERSE));
	CHECK(!takes("<alice>", SMTP_PATH_FORWARD));
}

/* n times c, between head and tail. */
static bool
takes_long(const char *head, char c, size_t n, const char *tail)
{
	struct buf b;
	bool taken;

	buf_init(&b, 4 * KB);
	buf_add(&b, str_of(head));
	for (size_t i = 0; i < n; i++)
		buf_add_char(&b, c);
	buf_add(&b, str_of(tail));
	taken = takes(b.data, SMTP_PATH_FORWARD);
	buf_release(&b);
	return taken;
}

static void
test_lengths(void)
{
	struct buf b;

	CHECK(takes_long("<", 'a', 64, "@b>"));
	CHECK(!takes_long("<", 'a', 65, "@b>"));
	CHECK(takes_long("<\"", 'a', 62, "\"@b>"));
	CHECK(!takes_long("<\"", 'a', 63, "\"@b>"));
	CHECK(takes_long("<a@", 'b', 63, ".c>"));
	CHECK(!takes_long("<a@", 'b', 64, ".c>"));
	/* 256 octets of path, brackets included: "<a@" + 4 labels + ">" */
	buf_init(&b, 4 * KB);
	for (int last = 59; last <= 62; last++) {
		buf_clear(&b);
		buf_add(&b, STR("<a@"));
		for (int label = 0; label < 4; label++) {
			if (label > 0)
				buf_add_char(&b, '.');
			for (int i = 0; i < (label < 3 ? 63 : last); i++)
				buf_add_char(&b, 'x');
		}
		buf_add_char(&b, '>');
		CHECK(takes(b.data, SMTP_PATH_FORWARD) ==
		      (b.len <= SMTP_PATH_MAX));
	}
	buf_clear(&b);
	buf_add(&b, STR("<a@b"));
	for (int i = 0; i < 125; i++)
		buf_add(&b, STR(".c"));
	buf_add_char(&b, '>');
	CHECK(b.len == 255 && takes(b.data, SMTP_PATH_FORWARD));
	buf_release(&b);
}

static void
test_hosts(void)
{
	static const char *const hosts[] = {"c.test", "localhost", "WIN_10",
	    "[192.0.2.1]", "[IPv6:::1]", "1.2.3.4", "a.b."};
	static const char *const others[] = {"", "a b", "(a)", "a\"", "\xff",
	    "[a]", "[192.0.2.1", "[192.0.2.1]x", "a;b", "a<b>", "::1", "a\x1b"};

	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++)
		CHECK(smtp_path_is_host(str_of(hosts[i])));
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		CHECK(!smtp_path_is_host(str_of(others[i])));
}

int
main(void)
{
	test_good();
	test_bad();
	test_special();
	test_lengths();
	test_hosts();
	return TEST_EXIT();
}
