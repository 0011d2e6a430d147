/* SPDX-License-Identifier: MIT */
#include "common/policy/spf.h"

#include "common/policy/spf_ip.h"
#include "common/policy/spf_macro.h"
#include "common/policy/spf_record.h"
#include "common/util/mem.h"
#include "tests/policy/zone.h"
#include "tests/test.h"

static const uint8_t v4[] = {192, 0, 2, 3};
static const uint8_t v6[] = {
    0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xcb, 1};
static const uint8_t mapped[] = {
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 192, 0, 2, 3};

/* Check to the end.  How many questions that takes is in *questions. */
static struct spf_output
check(const struct zone *z, const uint8_t *ip, size_t ip_len, const char *helo,
    struct str sender, size_t *questions)
{
	struct spf_input in = {.ip = ip,
	    .ip_len = ip_len,
	    .helo = str_of(helo),
	    .sender = sender,
	    .receiver = STR("mx.d.test"),
	    .now_s = 1767225600};
	struct facts *f = facts_new();
	struct spf_output out;
	size_t n, all = 0;

	while (!spf_check(f, &in, &out)) {
		n = zone_answer(z, f);
		CHECK(n > 0); /* it waits for something */
		all += n;
		if (n == 0)
			break;
	}
	if (questions != NULL)
		*questions = all;
	facts_free(f);
	return out;
}

static const struct {
	const char *macro, *want;
	bool v6;
} macros[] = {
  /* RFC 7208 s7.4 */
    {"%{s}",			      "strong-bad@email.example.com",       false},
    {"%{o}",			      "email.example.com",                  false},
    {"%{d}",			      "email.example.com",                  false},
    {"%{d4}",			     "email.example.com",                  false},
    {"%{d3}",			     "email.example.com",                  false},
    {"%{d2}",			     "example.com",                        false},
    {"%{d1}",			     "com",				false},
    {"%{dr}",			     "com.example.email",                  false},
    {"%{d2r}",			    "example.email",                      false},
    {"%{l}",			      "strong-bad",                         false},
    {"%{l-}",			     "strong.bad",                         false},
    {"%{lr}",			     "strong-bad",                         false},
    {"%{lr-}",			    "bad.strong",                         false},
    {"%{l1r-}",			   "strong",			     false},
    {"%{ir}.%{v}._spf.%{d2}",             "3.2.0.192.in-addr._spf.example.com", false},
    {"%{lr-}.lp._spf.%{d2}",              "bad.strong.lp._spf.example.com",     false},
    {"%{lr-}.lp.%{ir}.%{v}._spf.%{d2}",
     "bad.strong.lp.3.2.0.192.in-addr._spf.example.com",                        false},
    {"%{ir}.%{v}.%{l1r-}.lp._spf.%{d2}",
     "3.2.0.192.in-addr.strong.lp._spf.example.com",                            false},
    {"%{d2}.trusted-domains.example.net",
     "example.com.trusted-domains.example.net",                                 false},
    {"%{ir}.%{v}._spf.%{d2}",
     "1.0.B.C.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.B.D.0.1.0.0.2.ip6."
	"_spf.example.com",						     true },
 /* and beyond */
    {"%{c}",			      "2001:db8::cb01",                     true },
    {"%{S}",			      "strong-bad%40email.example.com",     false},
    {"%{h}|%{H}",			 "a_b/c|a_b%2Fc",                      false},
    {"%{h/_}",			    "a.b.c",			      false},
    {"%{h2r/_}",			  "b.a",				false},
    {"%{l1000r-}",			"bad.strong",                         false},
    {"%{l99999999999999999999-}",         "strong.bad",                         false},
    {"%{L-+=,}",			  "strong.bad",                         false},
    {"%%%_%-",			    "% %20",			      false},
    {"%{p}%{r}%{t}",		      "unknownunknown-1",                   false},
    {"",				  "",				   false},
};

static void
test_macros(void)
{
	struct spf_names names = {.local = STR("strong-bad"),
	    .origin = STR("email.example.com"),
	    .domain = STR("email.example.com"),
	    .helo = STR("a_b/c"),
	    .now_s = -1};

	for (size_t i = 0; i < sizeof(macros) / sizeof(*macros); i++) {
		struct str text = str_of(macros[i].macro);
		struct buf out;

		names.ip = macros[i].v6 ? v6 : v4;
		names.ip_len = macros[i].v6 ? 16 : 4;
		CHECK(spf_macro_is_string(text, SPF_IN_EXPLAIN));
		buf_init(&out, 300);
		buf_add_char(&out, '|');
		spf_macro_expand(text, &names, false, &out);
		CHECK_STR(out.data + 1, macros[i].want);
		buf_release(&out);
		/* the end stays, the front goes */
		buf_init(&out, 14);
		spf_macro_expand(text, &names, true, &out);
		struct str want = str_of(macros[i].want);
		CHECK(out.len >= (want.len < 7 ? want.len : 7));
		CHECK(str_ends_nocase(want, buf_str(&out)));
		buf_release(&out);
	}
}

static const char *const bad_macros[] = {"%", "a%", "%{", "%{}", "%{l", "%{z}",
    "%{l0}", "%{l00}", "%{lr1}", "%{l-r}", "%{l r}", "%{l;}", "%(l)", "%a",
    "%{%{l}}", "a\001", "a\177", "a\200", "a\r\nb", "%{lrr}"};

static void
test_bad_macros(void)
{
	for (size_t i = 0; i < sizeof(bad_macros) / sizeof(*bad_macros); i++)
		CHECK(!spf_macro_is_string(
		    str_of(bad_macros[i]), SPF_IN_EXPLAIN));
	CHECK(!spf_macro_is_string(STR("a b"), SPF_IN_TERM));
	CHECK(!spf_macro_is_string(STR("%{c}"), SPF_IN_TERM));
	CHECK(spf_macro_is_string(STR("%{c}"), SPF_IN_UNKNOWN));
	CHECK(spf_macro_is_string(STR("a b"), SPF_IN_EXPLAIN));
	CHECK(spf_macro_uses(STR("x%{d}%{L}"), "sl"));
	CHECK(!spf_macro_uses(STR("sl%{d}"), "sl"));
}

static const struct {
	const char *spec;
	bool ok;
} domains[] = {
    {"example.com",     true },
    {"example.com.",    true },
    {"x.a-b",           true },
    {"%{d}",            true },
    {"a%{d}",           true },
    {"a.%%",            true },
    {"%_.x",            true },
    {"foo:bar/baz.com", true },
    {".com",            true },
    {"a.b.1c",          true },
    {"",		false},
    {"com",	     false},
    {"com.",            false},
    {"a.123",           false},
    {"a.-b",            false},
    {"a.b-",            false},
    {"a.b..",           false},
    {"a.",	      false},
    {".",	       false},
    {"a.com/24",        false},
    {"a.b_c",           false},
    {"%{d}x",           false},
    {"%{d}.1",          false},
    {"a.com:80",        false},
};

static void
test_domains(void)
{
	for (size_t i = 0; i < sizeof(domains) / sizeof(*domains); i++) {
		bool ok = spf_macro_is_domain(str_of(domains[i].spec));

		if (ok != domains[i].ok)
			fprintf(stderr, "%s\n", domains[i].spec);
		CHECK(ok == domains[i].ok);
	}
}

static const struct {
	const char *text, *want; /* NULL: no address */
} addresses[] = {
    {"192.0.2.3",             "192.0.2.3"          },
    {"0.0.0.0",               "0.0.0.0"            },
    {"255.255.255.255",       "255.255.255.255"    },
    {"256.0.0.1",             NULL                 },
    {"1.2.3",		 NULL                 },
    {"1.2.3.4.5",             NULL                 },
    {"1.2.3.04",              NULL                 },
    {"1.2.3.",		NULL                 },
    {"1..3.4",		NULL                 },
    {"",		      NULL		 },
    {"1.2.3.4 ",              NULL                 },
    {"::",		    "::"		 },
    {"::1",		   "::1"                },
    {"1::",		   "1::"                },
    {"2001:DB8::cb01",        "2001:db8::cb01"     },
    {"1:2:3:4:5:6:7:8",       "1:2:3:4:5:6:7:8"    },
    {"1:0:0:4:0:0:0:8",       "1:0:0:4::8"         },
    {"1:0:3:4:5:6:7:8",       "1:0:3:4:5:6:7:8"    },
    {"::ffff:192.0.2.3",      "::ffff:c000:203"    },
    {"1:2:3:4:5:6:1.2.3.4",   "1:2:3:4:5:6:102:304"},
    {"1:2:3:4:5:6:7::",       "1:2:3:4:5:6:7:0"    },
    {"1:2:3:4:5:6:7:8::",     NULL                 },
    {"1::2::3",               NULL                 },
    {":::",		   NULL		 },
    {":1::",		  NULL		 },
    {"1:::2",		 NULL                 },
    {"12345::",               NULL                 },
    {"g::",		   NULL		 },
    {"1:2:3:4:5:6:7",         NULL                 },
    {"1:2:3:4:5:6:7:8:9",     NULL                 },
    {"1:2:3:4:5:6:7:1.2.3.4", NULL                 },
    {"1.2.3.4::",             NULL                 },
    {"::1.2.3.4:5",           NULL                 },
    {"fe80::1%eth0",          NULL                 },
    {":",		     NULL		 },
    {"1:",		    NULL		 },
};

static void
test_addresses(void)
{
	for (size_t i = 0; i < sizeof(addresses) / sizeof(*addresses); i++) {
		struct str text = str_of(addresses[i].text);
		uint8_t ip[16];
		struct buf out;
		bool four = spf_ip_parse4(text, ip);

		buf_init(&out, 100);
		if (four || spf_ip_parse6(text, ip))
			spf_ip_text(ip, four ? 4 : 16, &out);
		else
			buf_add(&out, STR("none"));
		CHECK_STR(out.data,
		    addresses[i].want != NULL ? addresses[i].want : "none");
		buf_release(&out);
	}
	for (unsigned bits = 0; bits <= 32; bits++) {
		uint8_t a[4] = {170, 85, 170, 85}, b[4] = {170, 85, 170, 85};

		CHECK(spf_ip_same(a, b, 4, bits));
		if (bits > 0) {
			b[(bits - 1) / 8] ^= (uint8_t)(128 >> (bits - 1) % 8);
			CHECK(!spf_ip_same(a, b, 4, bits));
			CHECK(spf_ip_same(a, b, 4, bits - 1));
		}
	}
}

static const struct {
	const char *record;
	bool ok;
} records[] = {
    {"v=spf1",			   true },
    {"V=SPF1   ",			true },
    {"v=spf1 -ALL",		      true },
    {"v=spf1 A/24//64 mX:a.b/0//0 -all", true },
    {"v=spf1 ip4:1.2.3.4/32",            true },
    {"v=spf1 a=b exp.x=%{c} z-_.9= all", true },
    {"v=spf1 iP6:::/0",                  true },
    {"v=spf1 redirect=a.b exp=c.d",      true },
    {"v=spf1 REDIRECT=a.b",              true },
    {"v=spf1 x= x= x=",                  true },
    {"v=spf1 ptr",		       true },
    {"v=spf1 ptr:a.b",                   true },
    {"v=spf1 redirect=a.b redirect=a.b", false},
    {"v=spf1 exp=a.b exp=c.d",           false},
    {"v=spf1 redirect=",                 false},
    {"v=spf1 exp=",		      false},
    {"v=spf1 -exp=a.b",                  false},
    {"v=spf1 redirect:a.b",              false},
    {"v=spf1 redirect",                  false},
    {"v=spf1 all.",		      false},
    {"v=spf1 all:",		      false},
    {"v=spf1 all/8",		     false},
    {"v=spf1 -all:a.b",                  false},
    {"v=spf1 include",                   false},
    {"v=spf1 include:",                  false},
    {"v=spf1 include/24",                false},
    {"v=spf1 exists:",                   false},
    {"v=spf1 ptr/0",		     false},
    {"v=spf1 a:",			false},
    {"v=spf1 a/",			false},
    {"v=spf1 a//",		       false},
    {"v=spf1 a/33",		      false},
    {"v=spf1 a//129",                    false},
    {"v=spf1 a/01",		      false},
    {"v=spf1 a/00",		      false},
    {"v=spf1 a///3",		     false},
    {"v=spf1 a/3/4",		     false},
    {"v=spf1 a:/24",		     false},
    {"v=spf1 a//64/24",                  false},
    {"v=spf1 a/4294967304",              false},
    {"v=spf1 ip4",		       false},
    {"v=spf1 ip4:",		      false},
    {"v=spf1 ip4/24",                    false},
    {"v=spf1 ip4:1.2.3.4/",              false},
    {"v=spf1 ip4:1.2.3.4//32",           false},
    {"v=spf1 ip4:::1",                   false},
    {"v=spf1 ip6:1.2.3.4",               false},
    {"v=spf1 +",			 false},
    {"v=spf1 -+all",		     false},
    {"v=spf1 =a",			false},
    {"v=spf1 9=a",		       false},
    {"v=spf1 a\tmx",		     false},
    {"v=spf1 a\nall",                    false},
    {"v=spf1 x=%",		       false},
    {"v=spf1 v=spf1 x",                  false},
    {"v=spf1 h\303\251=x",               false},
    {"v=spf1 moo",		       false},
    {"v=spf1 a,",			false},
};

static void
test_records(void)
{
	for (size_t i = 0; i < sizeof(records) / sizeof(*records); i++) {
		struct str text = str_of(records[i].record);
		struct spf_record r;
		bool ok;

		CHECK(spf_record_is(text));
		ok = spf_record_parse(text, &r);
		if (ok != records[i].ok)
			fprintf(stderr, "%s\n", records[i].record);
		CHECK(ok == records[i].ok);
		CHECK(ok || r.why != NULL);
	}
	CHECK(!spf_record_is(STR("v=spf10 all")));
	CHECK(!spf_record_is(STR("v=spf1\tall")));
	CHECK(!spf_record_is(STR(" v=spf1")));
	CHECK(!spf_record_is(STR("v=spf")));
	CHECK(!spf_record_is(STR("")));
}

/* What people read. */
static void
test_words(void)
{
	struct zone *z = zone_of(
	    "a.example TXT v=spf1 ip4:192.0.2.0/24 -all\n"
	    "b.example TXT v=spf1 include:A.example -all\n"
	    "c.example TXT v=spf1 redirect=b.example exp=gone.example\n"
	    "d.example TXT v=spf1 foo:bar -all\n"
	    "e.example TXT TIMEOUT\n"
	    "f.example TXT v=spf1 include:n.example -all\n"
	    "g.example TXT v=spf1 -all exp=x.example\n"
	    "x.example TXT Not %{i} (%{h}) for %{s} at %{r}, %{t}\n"
	    "xn--bcher-kva.example TXT v=spf1 +a:%{o} -all\n"
	    "xn--bcher-kva.example A 192.0.2.3\n");
	static const struct {
		const char *sender;
		enum spf_result result;
		const char *domain, *term, *problem, *explain;
	} rows[] = {
	    {"u@A.example.",            SPF_PASS,      "a.example",             "ip4:192.0.2.0/24",  "", ""},
	    {"u@b.example",             SPF_PASS,      "b.example",             "include:A.example", "", ""},
	    {"u@c.example",             SPF_PASS,      "c.example",             "include:A.example", "", ""},
	    {"u@d.example",             SPF_PERMERROR, "d.example",             "",
             "d.example: in its SPF record, \"foo:bar\": there is no such "
		"mechanism",									     ""},
	    {"u@e.example",             SPF_TEMPERROR, "e.example",             "",
             "e.example: DNS gave no answer",							    ""},
	    {"u@f.example",             SPF_PERMERROR, "f.example",             "",
             "n.example: it is included, and has no SPF record",                                         ""},
	    {"u@g.example",             SPF_FAIL,      "g.example",             "-all",              "",
             "Not 192.0.2.3 (h.example) for u@g.example at mx.d.test, "
		"1767225600"									       },
	    {"u@n.example",             SPF_NONE,      "n.example",             "",                  "", ""},
	    {"u@b\303\274cher.example", SPF_PASS,      "xn--bcher-kva.example",
             "+a:%{o}",									      "", ""},
	    {"@g.example",              SPF_FAIL,      "g.example",             "-all",              "",
             "Not 192.0.2.3 (h.example) for postmaster@g.example at "
		"mx.d.test, 1767225600"								    },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct spf_output out = check(
		    z, v4, 4, "h.example", str_of(rows[i].sender), NULL);

		CHECK_STR(spf_word(out.result), spf_word(rows[i].result));
		CHECK_STR(out.domain, rows[i].domain);
		CHECK_STR(out.term, rows[i].term);
		CHECK_STR(out.problem, rows[i].problem);
		CHECK_STR(out.explain, rows[i].explain);
		CHECK(!out.by_helo);
	}
	struct spf_output out = check(
	    z, mapped, 16, "A.example", STR(""), NULL);
	CHECK(out.result == SPF_PASS && out.by_helo);
	CHECK_STR(out.domain, "a.example");
	out = check(z, v6, 16, "a.example", STR(""), NULL);
	CHECK(out.result == SPF_FAIL);
	zone_free(z);
}

/* s5.2: only a pass of what is included is a match. */
static void
test_include(void)
{
	static const struct {
		const char *inner;
		enum spf_result want;
	} rows[] = {
	    {"+all",               SPF_SOFTFAIL },
            {"-all",               SPF_NEUTRAL  },
	    {"~all",               SPF_NEUTRAL  },
            {"?all",               SPF_NEUTRAL  },
            {"",                   SPF_NEUTRAL  },
	    {"redirect=pass.test", SPF_SOFTFAIL },
	    {"redirect=none.test", SPF_PERMERROR},
	    {"include:pass.test",  SPF_SOFTFAIL },
            {"foo",                SPF_PERMERROR},
	    {"a:slow.test",        SPF_TEMPERROR},
            {"a:gone.test",        SPF_NEUTRAL  }
        };

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char text[400];
		struct zone *z;

		snprintf(text, sizeof(text),
		    "x.test TXT v=spf1 ~include:y.test ?all exp=e.test\n"
		    "y.test TXT v=spf1 %s exp=e.test\n"
		    "e.test TXT words\n"
		    "pass.test TXT v=spf1 ip4:192.0.2.3\n"
		    "slow.test ANY TIMEOUT\n",
		    rows[i].inner);
		z = zone_of(text);
		struct spf_output out = check(
		    z, v4, 4, "h.test", STR("u@x.test"), NULL);
		CHECK_STR(spf_word(out.result), spf_word(rows[i].want));
		CHECK_STR(out.explain, "");
		zone_free(z);
	}
}

/* s7.3: the domain itself, else a name below it, else any that is true. */
static void
test_validated(void)
{
	static const char *const rows[][2] = {
	    {"",			   "unknown"   },
            {"liar.test",                  "unknown"   },
	    {"liar.test other.test",       "other.test"},
	    {"other.test a.x.test",        "a.x.test"  },
	    {"a.x.test x.test other.test", "x.test"    },
	    {"ax.test other.test",         "ax.test"   },
            {"slow.test",                  "unknown"   }
        };

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct str names = str_of(rows[i][0]);
		struct spf_output out;
		struct zone *z;

		z = zone_of("x.test TXT v=spf1 -all exp=e.test\n"
			    "e.test TXT %{p}\n"
			    "x.test A 192.0.2.3\n"
			    "a.x.test A 192.0.2.3\n"
			    "ax.test A 192.0.2.3\n"
			    "other.test A 192.0.2.3\n"
			    "liar.test A 192.0.2.4\n"
			    "slow.test ANY TIMEOUT\n");
		while (names.len > 0) {
			struct str name = str_cut(&names, ' ');
			char line[100];

			snprintf(line, sizeof(line),
			    "3.2.0.192.in-addr.arpa PTR %.*s", STR_FMT(name));
			CHECK(zone_add(z, str_of(line)));
		}
		out = check(z, v4, 4, "h.test", STR("u@x.test"), NULL);
		CHECK(out.result == SPF_FAIL);
		CHECK_STR(out.explain, rows[i][1]);
		zone_free(z);
	}
}

/* No DNS at all is never a pass, nor an accusation. */
static void
test_given_up(void)
{
	static const char *const texts[] = {"v=spf1 a -all", "v=spf1 mx -all",
	    "v=spf1 exists:%{i}.x.test -all", "v=spf1 include:x.test -all",
	    "v=spf1 redirect=x.test"};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct str record = str_of(texts[i]);
		struct spf_input in = {
		    .ip = v4, .ip_len = 4, .sender = STR("u@a.test")};
		struct facts *f = facts_new();
		struct facts_question q;
		struct spf_output out;

		CHECK(!spf_check(f, &in, &out));
		CHECK(facts_wanted(f, &q) && q.type == FACT_TXT);
		facts_answer(
		    f, q.id, &(struct fact){.n = 1, .records = &record});
		CHECK(!spf_check(f, &in, &out));
		facts_give_up(f);
		CHECK(spf_check(f, &in, &out));
		CHECK(out.result == SPF_TEMPERROR);
		facts_free(f);
	}
}

static void
repeat(struct buf *b, const char *fmt, int n)
{
	for (int i = 0; i < n; i++) {
		char text[200];

		snprintf(text, sizeof(text), fmt, i, i);
		buf_add(b, str_of(text));
	}
}

/* A123: whatever a record asks for, it is a bounded number of questions. */
static void
test_limits(void)
{
	static const struct {
		const char *head, *each;
		int n;
		const char *tail;
		enum spf_result want;
		size_t most;
	} rows[] = {
	    {"x.test TXT v=spf1 include:y.test -all\n"
	     "y.test TXT v=spf1 include:x.test -all\n", "",		     0,  "",        SPF_PERMERROR, 2 },
	    {"x.test TXT v=spf1 redirect=x.test\n",                  "",                     0,  "",        SPF_PERMERROR,
             1													       },
	    {"x.test TXT v=spf1 include:x.test include:x.test\n",    "",                     0,  "",
             SPF_PERMERROR,												1 },
	    {"ok.test A 192.0.2.9\nx.test TXT v=spf1",               " a:ok.test",           10,
             " -all\n",										     SPF_FAIL,      2 },
	    {"ok.test A 192.0.2.9\nx.test TXT v=spf1",               " a:ok.test",           11,
             " -all\n",										     SPF_PERMERROR, 2 },
	    {"ok.test A 192.0.2.9\nx.test TXT v=spf1",               " a:ok.test",           10,
             " redirect=y.test\ny.test TXT v=spf1 -all\n",                                                  SPF_PERMERROR, 2 },
	    {"x.test TXT v=spf1",				    " a:v%d.test",          2,  " -all\n", SPF_FAIL,      3 },
	    {"x.test TXT v=spf1",				    " a:v%d.test",          3,  " -all\n", SPF_PERMERROR,
             4													       },
	    {"x.test TXT v=spf1 mx -all\n",
             "x.test MX 1 m%d.test\nm%d.test A 192.0.2.9\n",                                 10, "",
             SPF_FAIL,												     12},
	    {"x.test TXT v=spf1 mx -all\n",
             "x.test MX 1 m%d.test\nm%d.test A 192.0.2.9\n",                                 11, "",
             SPF_PERMERROR,												2 },
 /* the eleventh name is not looked at */
	    {"x.test TXT v=spf1 ptr -all\nm10.x.test A 192.0.2.3\n",
             "3.2.0.192.in-addr.arpa PTR m%d.x.test\n",                                      11, "",        SPF_FAIL,
             12													      },
	    {"x.test TXT v=spf1 ptr -all\nm9.x.test A 192.0.2.3\n",
             "3.2.0.192.in-addr.arpa PTR m%d.x.test\n",                                      11, "",        SPF_PASS,
             12													      },
	    {"x.test TXT v=spf1",				    " include:slow%d.test", 10,
             " -all\nslow0.test ANY TIMEOUT\n",							     SPF_TEMPERROR, 2 },
	    {"x.test TXT v=spf1 -all exp=%{p}.x.test\n",
             "3.2.0.192.in-addr.arpa PTR m%d.x.test\n",                                      50, "",        SPF_FAIL,
             14													      },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct buf text;
		struct spf_output out;
		struct zone *z;
		size_t questions;

		buf_init(&text, 64 * KB);
		buf_add(&text, str_of(rows[i].head));
		repeat(&text, rows[i].each, rows[i].n);
		buf_add(&text, str_of(rows[i].tail));
		z = zone_of(text.data);
		out = check(z, v4, 4, "h.test", STR("u@x.test"), &questions);
		if (out.result != rows[i].want || questions > rows[i].most)
			fprintf(stderr, "row %zu: %zu questions, %s\n", i,
			    questions, out.problem);
		CHECK_STR(spf_word(out.result), spf_word(rows[i].want));
		CHECK(questions <= rows[i].most);
		zone_free(z);
		buf_release(&text);
	}
}

/* One record, what it makes of a sender, and the name it asks for last. */
static void
check_record(const char *record, struct str sender, enum spf_result want)
{
	struct buf text;
	struct zone *z;
	struct spf_output out;

	buf_init(&text, 256 * KB);
	buf_addf(&text,
	    "x.test TXT %s\ne.x.test TXT a\\013\\010550 b\n"
	    "f.x.test TXT 8\\200bit\ng.x.test TXT %%{l}\n"
	    "h.x.test TXT one\nh.x.test TXT two\n"
	    "i.x.test TXT %%{z}\n",
	    record);
	z = zone_of(text.data);
	out = check(z, v4, 4, "h.test", sender, NULL);
	CHECK_STR(spf_word(out.result), spf_word(want));
	CHECK_STR(out.explain, "");
	zone_free(z);
	buf_release(&text);
}

/* A124: macros at their worst. */
static void
test_hostile_macros(void)
{
	struct buf record, sender;

	buf_init(&record, 64 * KB);
	buf_init(&sender, 4 * KB);
	for (int i = 0; i < 64; i++)
		buf_add_char(&sender, '%');
	buf_add(&sender, STR("@x.test"));
	check_record("v=spf1 exists:%{l}.x -all", buf_str(&sender), SPF_FAIL);
	check_record("v=spf1 exists:%{L}.x -all", buf_str(&sender), SPF_FAIL);
	check_record(
	    "v=spf1 exists:%{l1000r-}.x.test -all", STR("-@x.test"), SPF_FAIL);
	check_record("v=spf1 exists:%{ -all", STR("u@x.test"), SPF_PERMERROR);
	check_record("v=spf1 exists:%{z} -all", STR("u@x.test"), SPF_PERMERROR);
	check_record("v=spf1 exists:% -all", STR("u@x.test"), SPF_PERMERROR);
	buf_add(&record, STR("v=spf1 exists:"));
	for (size_t i = 0; i < 10 * KB / 4; i++)
		buf_add(&record, STR("%{h}"));
	buf_add(&record, STR(" exists:"));
	for (size_t i = 0; i < 10 * KB / 4; i++)
		buf_add(&record, STR("%{S}"));
	buf_add(&record, STR(".x.test -all"));
	check_record(record.data, buf_str(&sender), SPF_FAIL);
	/* no explanation that a reply could not carry */
	check_record("v=spf1 -all exp=e.x.test", STR("u@x.test"), SPF_FAIL);
	check_record("v=spf1 -all exp=f.x.test", STR("u@x.test"), SPF_FAIL);
	check_record(
	    "v=spf1 -all exp=g.x.test", STR("\"\r\n5\"@x.test"), SPF_FAIL);
	check_record(
	    "v=spf1 -all exp=g.x.test", STR("\303\251@x.test"), SPF_FAIL);
	check_record("v=spf1 -all exp=h.x.test", STR("u@x.test"), SPF_FAIL);
	check_record("v=spf1 -all exp=i.x.test", STR("u@x.test"), SPF_FAIL);
	buf_release(&record);
	buf_release(&sender);
}

/* A backslash in a macro is an octet of the name, not an escape of ours. */
static void
test_backslash(void)
{
	struct zone *z = zone_of("x.test TXT v=spf1 exists:%{h}.x.test -all\n");
	struct spf_input in = {.ip = v4,
	    .ip_len = 4,
	    .helo = STR("a\\b\\046.c"),
	    .sender = STR("u@x.test")};
	struct facts *f = facts_new();
	struct facts_question q;
	struct spf_output out;

	CHECK(!spf_check(f, &in, &out));
	CHECK(zone_answer(z, f) == 1);
	CHECK(!spf_check(f, &in, &out));
	CHECK(facts_wanted(f, &q));
	CHECK(str_eq(q.name, STR("a\\092b\\092046.c.x.test")));
	facts_free(f);
	zone_free(z);
}

/* s7.3: a name that is too long loses labels on its left. */
static void
test_cut(void)
{
	struct buf zone, local;
	struct spf_output out;
	struct zone *z;

	buf_init(&zone, 8 * KB);
	buf_init(&local, 1 * KB);
	/* 25 labels of 12 octets with the dot, and ".x.test" */
	for (int i = 0; i < 25; i++)
		buf_addf(&local, "%slabel-%05d", i > 0 ? "." : "", i);
	buf_add(&zone, STR("x.test TXT v=spf1 exists:%{l}.x.test -all\n"));
	/* 7 + 20 * 12 = 247, 21 would be 259: from label 5 on */
	for (int i = 5; i < 25; i++)
		buf_addf(&zone, "label-%05d.", i);
	buf_add(&zone, STR("x.test A 127.0.0.2\n"));
	z = zone_of(zone.data);
	buf_add(&local, STR("@x.test"));
	out = check(z, v4, 4, "h.test", buf_str(&local), NULL);
	CHECK(out.result == SPF_PASS);
	zone_free(z);
	buf_release(&zone);
	buf_release(&local);
}

/* RFC 8616 s4: such a local part is nobody's label. */
static void
test_international(void)
{
	struct zone *z = zone_of("x.test TXT v=spf1 exists:%{L}.x.test "
				 "include:%{l}.x.test a:y.test -all\n"
				 "y.test A 192.0.2.3\n"
				 "*.x.test A 127.0.0.2\n"
				 "z.test TXT v=spf1 redirect=%{l}.x.test\n");
	struct spf_output out = check(
	    z, v4, 4, "h.test", STR("j\303\274rg@x.test"), NULL);

	CHECK(out.result == SPF_PASS);
	CHECK_STR(out.term, "a:y.test");
	out = check(z, v4, 4, "h.test", STR("j\303\274rg@z.test"), NULL);
	CHECK(out.result == SPF_PERMERROR);
	/* and what is no domain has no record */
	out = check(z, v4, 4, "h.test", STR("u@\377\376.test"), NULL);
	CHECK(out.result == SPF_NONE);
	out = check(z, v4, 4, "\303\274", STR(""), NULL);
	CHECK(out.result == SPF_NONE && out.by_helo);
	zone_free(z);
}

/* RFC 7208 Appendix A. */
static void
test_appendix(void)
{
	static const char zone[] =
	    "example.com MX 10 mail-a.example.com\n"
	    "example.com MX 20 mail-b.example.com\n"
	    "example.com A 192.0.2.10\n"
	    "example.com A 192.0.2.11\n"
	    "amy.example.com A 192.0.2.65\n"
	    "bob.example.com A 192.0.2.66\n"
	    "mail-a.example.com A 192.0.2.129\n"
	    "mail-b.example.com A 192.0.2.130\n"
	    "example.org MX 10 mail-c.example.org\n"
	    "mail-c.example.org A 192.0.2.140\n"
	    "10.2.0.192.in-addr.arpa PTR example.com\n"
	    "65.2.0.192.in-addr.arpa PTR amy.example.com\n"
	    "140.2.0.192.in-addr.arpa PTR mail-c.example.org\n"
	    "4.0.0.10.in-addr.arpa PTR bob.example.com\n"
	    "mobile-users._spf.example.com TXT v=spf1 exists:%{l1r+-}._spf.%{d}"
	    " -all\n"
	    "mary._spf.mobile-users._spf.example.com A 127.0.0.2\n"
	    "example.com TXT ";
	static const struct {
		const char *record, *pass; /* addresses, a space between */
	} rows[] = {
	    {"v=spf1 +all",				   "192.0.2.10 192.0.2.11 192.0.2.65 192.0.2.129 "
			    "192.0.2.130 192.0.2.131 192.0.2.140 10.0.0.4"},
	    {"v=spf1 a -all",				 "192.0.2.10 192.0.2.11"                },
	    {"v=spf1 a:example.org -all",                     ""                                     },
	    {"v=spf1 mx -all",				"192.0.2.129 192.0.2.130"              },
	    {"v=spf1 mx:example.org -all",                    "192.0.2.140"                          },
	    {"v=spf1 mx mx:example.org -all",
             "192.0.2.129 192.0.2.130 192.0.2.140"                                                   },
	    {"v=spf1 mx/30 mx:example.org/30 -all",
             "192.0.2.129 192.0.2.130 192.0.2.131 192.0.2.140"                                       },
	    {"v=spf1 ptr -all",                               "192.0.2.10 192.0.2.65"                },
	    {"v=spf1 ip4:192.0.2.128/28 -all",
             "192.0.2.129 192.0.2.130 192.0.2.131 192.0.2.140"                                       },
	    {"v=spf1 mx include:mobile-users._spf.%{d} -all",
             "192.0.2.10 192.0.2.11 192.0.2.65 192.0.2.129 192.0.2.130 "
		"192.0.2.131 192.0.2.140 10.0.0.4"						   },
	};
	static const uint8_t clients[][4] = {
	    {192, 0, 2, 10 },
            {192, 0, 2, 11 },
            {192, 0, 2, 65 },
            {192, 0, 2, 129},
	    {192, 0, 2, 130},
            {192, 0, 2, 131},
            {192, 0, 2, 140},
	    {10,  0, 0, 4  }
        };

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct buf text, passed;
		struct zone *z;

		buf_init(&text, 4 * KB);
		buf_init(&passed, 4 * KB);
		buf_addf(&text, "%s%s\n", zone, rows[i].record);
		buf_add(&passed, STR(" "));
		z = zone_of(text.data);
		for (size_t k = 0; k < sizeof(clients) / 4; k++) {
			struct spf_output out = check(z, clients[k], 4,
			    "h.test", STR("mary@example.com"), NULL);

			CHECK(out.result == SPF_PASS || out.result == SPF_FAIL);
			if (out.result != SPF_PASS)
				continue;
			if (passed.len > 1)
				buf_add_char(&passed, ' ');
			spf_ip_text(clients[k], 4, &passed);
		}
		CHECK_STR(passed.data + 1, rows[i].pass);
		zone_free(z);
		buf_release(&text);
		buf_release(&passed);
	}
}

int
main(void)
{
	test_appendix();
	test_macros();
	test_bad_macros();
	test_domains();
	test_addresses();
	test_records();
	test_words();
	test_include();
	test_validated();
	test_given_up();
	test_limits();
	test_hostile_macros();
	test_backslash();
	test_cut();
	test_international();
	return TEST_EXIT();
}
