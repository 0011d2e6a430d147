/* SPDX-License-Identifier: MIT */
#include "common/policy/iprev.h"

#include "tests/policy/zone.h"
#include "tests/test.h"

static const char zone_text[] =
    "1.2.0.192.in-addr.arpa PTR mail.example\n"
    "mail.example A 192.0.2.9\n"
    "mail.example A 192.0.2.1\n"
    "2.2.0.192.in-addr.arpa PTR wrong.example\n"
    "2.2.0.192.in-addr.arpa PTR second.example\n"
    "wrong.example A 192.0.2.9\n"
    "second.example A 192.0.2.2\n"
    "3.2.0.192.in-addr.arpa PTR wrong.example\n"
    "4.2.0.192.in-addr.arpa PTR TIMEOUT\n"
    "5.2.0.192.in-addr.arpa PTR wrong.example\n"
    "5.2.0.192.in-addr.arpa PTR slow.example\n"
    "slow.example ANY TIMEOUT\n"
    "6.2.0.192.in-addr.arpa PTR slow.example\n"
    "6.2.0.192.in-addr.arpa PTR six.example\n"
    "six.example A 192.0.2.6\n"
    "7.2.0.192.in-addr.arpa PTR n1.example\n"
    "7.2.0.192.in-addr.arpa PTR n2.example\n"
    "7.2.0.192.in-addr.arpa PTR n3.example\n"
    "7.2.0.192.in-addr.arpa PTR n4.example\n"
    "7.2.0.192.in-addr.arpa PTR n5.example\n"
    "7.2.0.192.in-addr.arpa PTR n6.example\n"
    "n6.example A 192.0.2.7\n"
    "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"
    " PTR six.example\n"
    "six.example AAAA 2001:db8::1\n";

static const struct {
	uint8_t ip[16];
	size_t len;
	enum iprev_result want;
	const char *name;
} rows[] = {
    {{192, 0, 2, 1},					   4,  IPREV_PASS,      "mail.example"  },
    {{192, 0, 2, 2},					   4,  IPREV_PASS,      "second.example"},
    {{192, 0, 2, 3},					   4,  IPREV_FAIL,      "wrong.example" },
    {{192, 0, 2, 4},					   4,  IPREV_TEMPERROR, ""              },
    {{192, 0, 2, 5},					   4,  IPREV_TEMPERROR, "wrong.example" },
    {{192, 0, 2, 6},					   4,  IPREV_PASS,      "six.example"   },
    {{192, 0, 2, 7},					   4,  IPREV_FAIL,      "n1.example"    }, /* the sixth of names */
    {{192, 0, 2, 8},					   4,  IPREV_PERMERROR, ""              },
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 192, 0, 2, 1},   16, IPREV_PASS,
     "mail.example"										 },
    {{0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 16, IPREV_PASS,
     "six.example"										  },
};

static void
test_rows(void)
{
	struct zone *z = zone_of(zone_text);

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct facts *f = facts_new();
		struct iprev_output out;

		while (!iprev_check(f, rows[i].ip, rows[i].len, &out))
			CHECK(zone_answer(z, f) > 0);
		CHECK_STR(iprev_word(out.result), iprev_word(rows[i].want));
		CHECK_STR(out.name, rows[i].name);
		facts_free(f);
	}
	zone_free(z);
}

static void
test_given_up(void)
{
	struct facts *f = facts_new();
	struct iprev_output out;

	CHECK(!iprev_check(f, rows[0].ip, 4, &out));
	facts_give_up(f);
	CHECK(iprev_check(f, rows[0].ip, 4, &out));
	CHECK(out.result == IPREV_TEMPERROR);
	facts_free(f);
}

static void
test_name(void)
{
	char name[256], zone[255];

	iprev_name(rows[0].ip, 4, NULL, name);
	CHECK_STR(name, "1.2.0.192.in-addr.arpa");
	iprev_name(rows[0].ip, 4, "bl.example", name);
	CHECK_STR(name, "1.2.0.192.bl.example");
	iprev_name(rows[9].ip, 16, "bl.example", name);
	CHECK_STR(name, "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d."
			"0.1.0.0.2.bl.example");
	memset(zone, 'x', sizeof(zone) - 1);
	zone[sizeof(zone) - 1] = '\0';
	iprev_name(rows[9].ip, 16, zone, name);
	CHECK_STR(name, "");
}

int
main(void)
{
	test_rows();
	test_given_up();
	test_name();
	return TEST_EXIT();
}
