/* SPDX-License-Identifier: MIT */
/* The file of `mailctl dev --internet': what is read, and what is refused
 * where; with the records, times and places that are in it. */
#include <stdlib.h>

#include "common/dns/resolver.h"
#include "mailctl/duration.h"
#include "mailctl/internet.h"
#include "mailctl/json_place.h"
#include "mailctl/rrtext.h"
#include "tests/test.h"

static void
check_durations(void)
{
	static const struct {
		const char *text;
		int64_t ms; /* -1: none */
	} cases[] = {
	    {"0s",      0            },
	    {"250ms",   250          },
	    {"90s",     90000        },
	    {"5m",      300000       },
	    {"4h",      14400000     },
	    {"5d",      432000000    },
	    {"100000d", 8640000000000},
	    {"100001d", -1           },
	    {"",        -1           },
	    {"5",       -1           },
	    {"d",       -1           },
	    {"-5d",     -1           },
	    {"5 d",     -1           },
	    {"5dd",     -1           },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		int64_t ms = -1;
		bool good = duration_parse(str_of(cases[i].text), &ms);

		CHECK(good == (cases[i].ms != -1));
		CHECK(ms == cases[i].ms);
	}
}

static void
check_records(void)
{
	static const struct {
		const char *type, *text;
		struct str rdata; /* no `at': refused */
	} cases[] = {
	    {"A",     "192.0.2.1",     {"\300\0\2\1", 4}                       },
	    {"A",     "::1",           {NULL, 0}                               },
	    {"A",     "192.0.2.1 x",   {NULL, 0}                               },
	    {"AAAA",  "::1",           {"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 16}},
	    {"CNAME", "a.b.",          {"\1a\1b\0", 5}                         },
	    {"MX",    "10 mx.b",       {"\0\12\2mx\1b\0", 8}                   },
	    {"mx",    "0 .",           {"\0\0\0", 3}                           },
	    {"MX",    "mx.b",          {NULL, 0}                               },
	    {"MX",    "70000 mx.b",    {NULL, 0}                               },
	    {"MX",    "10 a..b",       {NULL, 0}                               },
	    {"TXT",   "v=spf1 -all",   {"\13v=spf1 -all", 12}                  },
	    {"TXT",   "\"a b\" \"c\"", {"\3a b\1c", 6}                         },
	    {"TXT",   "\"a",           {NULL, 0}                               },
	    {"SRV",   "0 1 25 m",      {"\0\0\0\1\0\31\1m\0", 9}               },
	    {"TLSA",  "3 1 1 a1 B2",   {"\3\1\1\241\262", 5}                   },
	    {"TLSA",  "3 1 1",         {NULL, 0}                               },
	    {"TLSA",  "3 1 1 a",       {NULL, 0}                               },
	    {"TLSA",  "3 1 256 aa",    {NULL, 0}                               },
	    {"TYPE9", "\\# 3 a1b2 c3", {"\241\262\303", 3}                     },
	    {"A",     "\\# 0",         {"", 0}                                 },
	    {"TYPE9", "\\# 2 a1b2c3",  {NULL, 0}                               },
	    {"TYPE9", "a1",            {NULL, 0}                               },
	};
	uint16_t type;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct buf out;
		bool good;

		buf_init(&out, 1 * KB);
		CHECK(rrtext_type(str_of(cases[i].type), &type));
		good = rrtext_read(type, str_of(cases[i].text), &out);
		if (good != (cases[i].rdata.at != NULL) ||
		    (good && !str_eq(buf_str(&out), cases[i].rdata)))
			fprintf(stderr, "%s\n", cases[i].text);
		CHECK(good == (cases[i].rdata.at != NULL));
		CHECK(!good || str_eq(buf_str(&out), cases[i].rdata));
		buf_release(&out);
	}
	CHECK(!rrtext_type(STR("MXX"), &type));
	CHECK(!rrtext_type(STR("TYPE65536"), &type));
	CHECK(rrtext_type(STR("TYPE15"), &type) && type == DNS_MX);
	CHECK_STR(rrtext_form(DNS_MX), "10 mx.example.org");
}

static void
check_places(void)
{
	static const struct str text = {
	    "{\"a\": 1,\n \"b,}\": [true , \"x\\\"]\",\n  {\"c\":\n-2.5e1}]}",
	    47};
	static const struct {
		const char *path[4];
		size_t n;
		bool name;
		size_t line, column;
	} cases[] = {
	    {{NULL},            0, false, 1, 1 },
	    {{"a"},             1, false, 1, 7 },
	    {{"a"},             1, true,  1, 2 },
	    {{"b,}"},           1, true,  2, 2 },
	    {{"b,}", "0"},      2, false, 2, 10},
	    {{"b,}", "1"},      2, false, 2, 17},
	    {{"b,}", "2", "c"}, 3, true,  3, 4 },
	    {{"b,}", "2", "c"}, 3, false, 4, 1 },
	    {{"b,}", "3"},      2, false, 2, 9 }, /* as far as it goes */
	    {{"z"},             1, true,  1, 1 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct json_place at = json_place_find(
		    text, cases[i].path, cases[i].n, cases[i].name);

		if (at.line != cases[i].line || at.column != cases[i].column)
			fprintf(
			    stderr, "%zu: %zu:%zu\n", i, at.line, at.column);
		CHECK(at.line == cases[i].line);
		CHECK(at.column == cases[i].column);
	}
	/* what is no JSON leads nowhere, and no further than its end */
	for (size_t cut = 0; cut < text.len; cut++)
		for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
			char *copy = mem_new(cut > 0 ? cut : 1, 1);

			memcpy(copy, text.at, cut);
			json_place_find((struct str){copy, cut}, cases[i].path,
			    cases[i].n, cases[i].name);
			free(copy);
		}
}

static void
check_good(void)
{
	static const char text[] =
	    "{\"dns\": {\"Remote.Test.\": {\"MX\": [\"10 mx.remote.test\"],"
	    " \"TLSA\": \"servfail\", \"delay\": \"2s\"},"
	    " \"down.test\": \"drop\", \"empty.test\": {}},"
	    " \"servers\": {\"mx.remote.test\": {\"address\": \"127.0.0.9\","
	    " \"tls\": \"wrong-name\", \"greylist\": \"5m\", \"size\": 10000,"
	    " \"full\": \"bob\", \"accept\": false, \"replies\":"
	    " {\"RCPT\": [\"450-a\\n450 b\", \"hang\"], \".\": \"drop\"}},"
	    " \"b.test\": {}}}";
	struct fail f = {0};
	struct internet *i = internet_parse("f", str_of(text), &f);
	const struct actor_script *rcpt;

	CHECK_STR(f.text, "");
	CHECK(i != NULL);
	if (i == NULL)
		return;
	CHECK(i->n_records == 1 && i->n_habits == 4 && i->n_servers == 2);
	CHECK_STR(i->records[0].name, "remote.test");
	CHECK(i->records[0].type == DNS_MX);
	CHECK(i->habits[0].type == DNS_TLSA);
	CHECK(i->habits[0].mood == INTERNET_SERVFAIL);
	CHECK(i->habits[1].delay_ms == 2000);
	CHECK(i->habits[2].mood == INTERNET_DROP);
	CHECK(i->habits[3].mood == INTERNET_NODATA);
	CHECK_STR(i->servers[0].address, "127.0.0.9");
	CHECK(i->servers[0].tls == ACTOR_TLS_WRONG_NAME);
	CHECK(i->servers[0].greylist_ms == 300000);
	CHECK(i->servers[0].size == 10000 && i->servers[0].refuses);
	CHECK(i->servers[0].full.n == 1 && i->servers[0].unknown.n == 0);
	rcpt = &i->servers[0].scripts[ACTOR_RCPT];
	CHECK(rcpt->n == 2);
	CHECK_STR(rcpt->replies[0].text, "450-a\r\n450 b\r\n");
	CHECK(rcpt->replies[1].kind == ACTOR_SAY_NOTHING);
	CHECK(i->servers[0].scripts[ACTOR_END].n == 1);
	CHECK(i->servers[1].tls == ACTOR_TLS_GOOD);
	CHECK(i->servers[1].address == NULL);
	internet_free(i);
	internet_free(NULL);
}

static void
check_bad(void)
{
	static const struct {
		const char *text, *said;
	} cases[] = {
	    {"",							      "f:1:"			      },
	    {"[]",							    "f:1:1: it must be {\"dns\""        },
	    {"{\"dms\": {}}",						 "f:1:2: there is no \"dms\""        },
	    {"{\"dns\": []}",						 "f:1:9: it must be"                 },
	    {"{\"dns\": {\"a..b\": {}}}",                                     "f:1:10: \"a..b\" is no domain name"},
	    {"{\"dns\": {\"a\": 1}}",					 "f:1:15: it must be {\"TYPE\""      },
	    {"{\"dns\": {\"a\": {\"A\": 1}}}",                                "f:1:21: it must be a list"         },
	    {"{\"dns\": {\"a\": {\"A\": [1]}}}",
             "f:1:22: it must be text like \"192.0.2.1\""                                                         },
	    {"{\"dns\": {\"a\": {\"delay\": 1}}}",                            "f:1:25: it must be a time"         },
	    {"{\"servers\": {\"a\": []}}",                                    "f:1:19: it must be {}"             },
	    {"{\"servers\": {\"a\": {\"size\": 0}}}",
             "f:1:28: it must be a whole"									 },
	    {"{\"servers\": {\"a\": {\"full\": [1]}}}",
             "f:1:28: it must be names"									   },
	    {"{\"servers\": {\"a\": {\"accept\": 1}}}",
             "f:1:30: it must be true"									    },
	    {"{\"servers\": {\"a\": {\"replies\": []}}}",
             "f:1:31: it must be like"									    },
	    {"{\"servers\": {\"a\": {\"replies\": {\"rcpt\": \"250 ok\"}}}}",
             "f:1:32: \"rcpt\" is no command"								     },
	    {"{\"servers\": {\"a\": {\"replies\": {\"RCPT\": \"250-ok\"}}}}",
             "f:1:40: it must be a reply"									 },
	    {"{\"servers\": {\"a\": {\"replies\": {\"RCPT\": \"250-a\\n251 "
	     "b\"}}}}",					  "f:1:40: it must be a reply"        },
	    {"{\"servers\": {\"a\": {\"replies\": {\"RCPT\": \"150 ok\"}}}}",
             "f:1:40: it must be a reply"									 },
	    {"{\"servers\": {\"a\": {\"replies\": {\"RCPT\": \"250 a\\r\\n250 "
	     "b\"}}}}",					  "f:1:40: it must be a reply"        },
	    {"{\"servers\": {\"a\": {\"replies\": {\"BODY\": \"250 ok\"}}}}",
             "f:1:40: in the middle"									      },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct fail f = {0};
		struct internet *got = internet_parse(
		    "f", str_of(cases[i].text), &f);

		CHECK(got == NULL);
		CHECK(f.kind == FAIL_SYNTAX);
		if (!str_starts(str_of(f.text), str_of(cases[i].said)))
			CHECK_STR(f.text, cases[i].said);
		internet_free(got);
	}
	struct fail f = {0};
	CHECK(internet_read("/nowhere/internet.json", &f) == NULL);
	CHECK(f.kind == FAIL_PERM);
}

int
main(void)
{
	check_durations();
	check_records();
	check_places();
	check_good();
	check_bad();
	return TEST_EXIT();
}
