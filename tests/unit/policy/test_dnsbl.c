/* SPDX-License-Identifier: MIT */
#include "common/policy/dnsbl.h"

#include "tests/policy/zone.h"
#include "tests/test.h"

static const struct {
	const char *word;
	bool ok;
	const char *zone;
	int weight;
	uint8_t codes[4];
} words[] = {
    {"bl.example",                  true,  "bl.example",       1,    {0}         },
    {"zen.spamhaus.org=10",         true,  "zen.spamhaus.org", 10,   {0}         },
    {"wl.example=-5",               true,  "wl.example",       -5,   {0}         },
    {"list.example=127.0.0.4*3",    true,  "list.example",     3,    {0, 0, 0, 4}},
    {"list.example=127.0.2.4",      true,  "list.example",     1,    {0, 0, 2, 4}},
    {"list.example=127.1.0.0*-100", true,  "list.example",     -100, {0, 1, 0, 0}},
    {"_a.example=0",                true,  "_a.example",       0,    {0}         },
    {"",			    false, "",                 0,    {0}         },
    {"=1",			  false, "",                 0,    {0}         },
    {"bl",			  false, "",                 0,    {0}         },
    {"bl.example.",                 false, "",                 0,    {0}         },
    {"bl..example",                 false, "",                 0,    {0}         },
    {".bl.example",                 false, "",                 0,    {0}         },
    {"bl.exa mple",                 false, "",                 0,    {0}         },
    {"bl.example=",                 false, "",                 0,    {0}         },
    {"bl.example=101",              false, "",                 0,    {0}         },
    {"bl.example=-101",             false, "",                 0,    {0}         },
    {"bl.example=+1",               false, "",                 0,    {0}         },
    {"bl.example=1*1",              false, "",                 0,    {0}         },
    {"bl.example=126.0.0.1*1",      false, "",                 0,    {0}         },
    {"bl.example=127.0.0*1",        false, "",                 0,    {0}         },
    {"bl.example=127.0.0.*1",       false, "",                 0,    {0}         },
    {"bl.example=127.0.0.1.*1",     false, "",                 0,    {0}         },
    {"bl.example=127.0.0.1.2*1",    false, "",                 0,    {0}         },
    {"bl.example=127.0.0.256*1",    false, "",                 0,    {0}         },
    {"bl.example=127.0.0.1*",       false, "",                 0,    {0}         },
    {"bl.example=127.0.0.1*1*1",    false, "",                 0,    {0}         },
    {"bl.example=1=2",              false, "",                 0,    {0}         },
};

static void
test_parse(void)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		struct dnsbl_list l;
		bool ok = dnsbl_parse(str_of(words[i].word), &l);

		if (ok != words[i].ok)
			fprintf(stderr, "%s\n", words[i].word);
		CHECK(ok == words[i].ok);
		if (!ok || !words[i].ok)
			continue;
		CHECK(str_eq(l.zone, str_of(words[i].zone)));
		CHECK(l.weight == words[i].weight);
		CHECK(memcmp(l.codes, words[i].codes, 4) == 0);
	}
}

static const char zone_text[] =
    "1.2.0.192.a.example A 127.0.0.2\n"
    "1.2.0.192.a.example A 127.0.0.4\n"
    "1.2.0.192.a.example TXT see \\013\\010http://a.example\\255\n"
    "1.2.0.192.b.example A 127.0.0.3\n"
    "1.2.0.192.b.example TXT b's word\n"
    "1.2.0.192.c.example A 127.255.255.254\n"
    "1.2.0.192.d.example A 192.0.2.80\n"
    "1.2.0.192.e.example ANY TIMEOUT\n"
    "1.2.0.192.w.example A 127.0.0.1\n"
    "1.2.0.192.w.example TXT a good one\n"
    "1.2.0.192.m.example A 127.0.0.2\n"
    "1.2.0.192.m.example A 127.255.255.252\n"
    "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.a.example"
    " A 127.0.0.2\n";

static const uint8_t v4[] = {192, 0, 2, 1};
static const uint8_t other[] = {192, 0, 2, 2};
static const uint8_t v6[] = {
    0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
static const uint8_t mapped[] = {
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 192, 0, 2, 1};

static const struct {
	const uint8_t *ip;
	size_t ip_len;
	const char *lists; /* words */
	int weight;
	const char *on, *reason, *problem;
} rows[] = {
    {v4,     4,  "a.example=10",                       10, "a.example",           "see http://a.example", ""                                    },
    {mapped, 16, "a.example=10",                       10, "a.example",           "see http://a.example", ""                                    },
    {v6,     16, "a.example=10",                       10, "a.example",           "",                     ""                                    },
    {other,  4,  "a.example=10 b.example",             0,  "",                    "",                     ""                                    },
    {v4,     4,  "b.example=20 a.example=10",          30, "b.example a.example", "b's word",
     ""																	 },
    {v4,     4,  "a.example=127.0.0.4*3",              3,  "a.example",           "see http://a.example",
     ""																	 },
    {v4,     4,  "a.example=127.0.0.9*3",              0,  "",                    "",                     ""                                    },
    {v4,     4,  "a.example=127.9.0.4*3",              0,  "",                    "",                     ""                                    },
 /* an error is never a listing, nor with a code of its own */
    {v4,     4,  "c.example=10",                       0,  "",                    "",                     "c.example refuses to answer us"      },
    {v4,     4,  "c.example=127.255.255.254*10",       0,  "",                    "",
     "c.example refuses to answer us"													   },
    {v4,     4,  "m.example=10",                       0,  "",                    "",                     "m.example refuses to answer us"      },
    {v4,     4,  "d.example=10",                       0,  "",                    "",                     "d.example answers what is no listing"},
    {v4,     4,  "e.example=10 b.example=2 c.example", 2,  "b.example",           "b's word",
     "e.example gives no answer; c.example refuses to answer us"										},
    {v4,     4,  "a.example=4 w.example=-3",           1,  "a.example w.example",
     "see http://a.example",									      ""				    },
    {v4,     4,  "w.example=-3",                       -3, "w.example",           "",                     ""                                    },
    {v4,     4,  "",				   0,  "",                    "",                     ""				    },
};

static size_t
parse_lists(const char *text, struct dnsbl_list lists[DNSBL_LISTS_MAX])
{
	struct str rest = str_of(text);
	size_t n = 0;

	while (rest.len > 0)
		CHECK(dnsbl_parse(str_cut(&rest, ' '), &lists[n++]));
	return n;
}

static void
test_check(void)
{
	struct zone *z = zone_of(zone_text);

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct dnsbl_list lists[DNSBL_LISTS_MAX];
		size_t n = parse_lists(rows[i].lists, lists);
		struct facts *f = facts_new();
		struct dnsbl_output out;
		int rounds = 0;

		while (!dnsbl_check(
		    f, rows[i].ip, rows[i].ip_len, lists, n, &out)) {
			CHECK(zone_answer(z, f) > 0);
			rounds++;
		}
		CHECK(rounds <= 2); /* all lists at once, then the reason */
		CHECK(out.weight == rows[i].weight);
		CHECK_STR(out.lists, rows[i].on);
		CHECK_STR(out.reason, rows[i].reason);
		CHECK_STR(out.problem, rows[i].problem);
		facts_free(f);
	}
	zone_free(z);
}

static void
test_given_up(void)
{
	struct dnsbl_list lists[DNSBL_LISTS_MAX];
	size_t n = parse_lists("a.example=10 b.example", lists);
	struct facts *f = facts_new();
	struct dnsbl_output out;

	CHECK(!dnsbl_check(f, v4, 4, lists, n, &out));
	facts_give_up(f);
	CHECK(dnsbl_check(f, v4, 4, lists, n, &out));
	CHECK(out.weight == 0);
	CHECK_STR(out.problem,
	    "a.example gives no answer; b.example gives no answer");
	facts_free(f);
}

int
main(void)
{
	test_parse();
	test_check();
	test_given_up();
	return TEST_EXIT();
}
