/* SPDX-License-Identifier: MIT */
#include "common/net/network.h"

#include "tests/test.h"

static const struct {
	const char *text;
	bool good;
	const char *in, *out; /* addresses; NULL: none is looked at */
} cases[] = {
    {"192.0.2.0/24",           true,  "192.0.2.255",          "192.0.3.0"  },
    {"192.0.2.128/25",         true,  "192.0.2.128",          "192.0.2.127"},
    {"192.0.2.7",              true,  "192.0.2.7",            "192.0.2.6"  },
    {"192.0.2.7/32",           true,  "192.0.2.7",            "192.0.2.8"  },
    {"0.0.0.0/0",              true,  "203.0.113.9",          "::1"        },
    {"::/0",		   true,  "2001:db8::1",          "192.0.2.1"  },
    {"2001:db8::/32",          true,  "2001:db8:ff::1",       "2001:db9::1"},
    {"2001:db8:0:0:8000::/65", true,  "2001:db8::8000:0:0:1",
     "2001:db8::7fff:0:0:1"						},
    {"::1",		    true,  "::1",                  "::2"        },
    {"127.0.0.0/8",            true,  "::ffff:127.9.9.9",     "::1"        },
    {"192.0.2.1/24",           false, NULL,                   NULL         },
    {"192.0.2.0/33",           false, NULL,                   NULL         },
    {"2001:db8::/129",         false, NULL,                   NULL         },
    {"192.0.2.0/",             false, NULL,                   NULL         },
    {"192.0.2.0/+8",           false, NULL,                   NULL         },
    {"192.0.2.0/24/24",        false, NULL,                   NULL         },
    {"192.0.2/24",             false, NULL,                   NULL         },
    {"[::1]/128",              false, NULL,                   NULL         },
    {"localhost",              false, NULL,                   NULL         },
    {"/8",		     false, NULL,                   NULL         },
    {"",		       false, NULL,                   NULL         },
};

static struct address
address(const char *ip)
{
	struct address a;

	CHECK(address_from_ip(str_of(ip), 4711, &a));
	return a;
}

static void
test_parse(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct address in, out;
		struct network n;
		bool good = network_parse(str_of(cases[i].text), &n);

		if (good != cases[i].good) {
			fprintf(stderr, "%s\n", cases[i].text);
			CHECK(!"as expected");
		}
		if (cases[i].in == NULL)
			continue;
		in = address(cases[i].in);
		out = address(cases[i].out);
		CHECK(network_has(&n, &in));
		CHECK(!network_has(&n, &out));
	}
}

static void
test_private(void)
{
	static const char *const mine[] = {"127.0.0.1", "10.255.0.1",
	    "192.168.3.4", "172.31.255.255", "169.254.1.1", "100.127.0.1",
	    "::1", "fe80::1", "fd00::1", "::ffff:10.0.0.1", "0.0.0.0", "::"};
	static const char *const others[] = {"192.0.2.1", "172.32.0.1",
	    "100.128.0.1", "11.0.0.1", "192.169.0.1", "2001:db8::1", "fec0::1",
	    "::ffff:192.0.2.1"};

	for (size_t i = 0; i < sizeof(mine) / sizeof(mine[0]); i++) {
		struct address a = address(mine[i]);

		CHECK(network_is_private(&a));
	}
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		struct address a = address(others[i]);

		CHECK(!network_is_private(&a));
	}
}

static void
test_public(void)
{
	static const char *const no[] = {"127.0.0.1", "10.0.0.1", "::1",
	    "198.19.255.1", "192.0.0.8", "224.0.0.1", "239.1.2.3", "240.0.0.1",
	    "255.255.255.255", "64:ff9b::7f00:1", "64:ff9b::a00:1",
	    "64:ff9b::e000:1", "64:ff9b:1::102:304", "2002:7f00:1::1",
	    "2002:c0a8:101::", "fec0::1", "feff::1", "ff02::1", "::7f00:1",
	    "100::1", "::ffff:10.0.0.1", "::ffff:198.18.0.1"};
	static const char *const yes[] = {"192.0.1.1", "198.20.0.1",
	    "198.17.255.255", "223.255.255.255", "2001:db8::1",
	    "64:ff9b::102:304", "64:ff9b:0:0:0:1:7f00:1", "2002:102:304::1",
	    "2003::1", "100:0:0:1::1", "::ffff:1.2.3.4"};

	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++) {
		struct address a = address(no[i]);

		CHECK(!network_is_public(&a));
	}
	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
		struct address a = address(yes[i]);

		CHECK(network_is_public(&a));
	}
}

static void
test_of(void)
{
	char text[NETWORK_TEXT_MAX];
	struct address a = address("192.0.2.77");

	CHECK_STR(network_of(&a, text), "192.0.2.0/24");
	a = address("2001:db8:1:2:3:4:5:6");
	CHECK_STR(network_of(&a, text), "2001:db8:1:2::/64");
	a = address("::ffff:192.0.2.77");
	CHECK_STR(network_of(&a, text), "192.0.2.0/24");
	CHECK(address_from_path("/x", &a));
	CHECK_STR(network_of(&a, text), "local");
}

int
main(void)
{
	test_parse();
	test_private();
	test_public();
	test_of();
	return TEST_EXIT();
}
