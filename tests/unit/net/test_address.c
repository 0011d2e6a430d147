/* SPDX-License-Identifier: MIT */
#include "common/net/address.h"

#include "tests/test.h"

static const struct {
	const char *text;
	bool good;
	const char *ip;
	unsigned port;
} parse_cases[] = {
    {"192.0.2.1:25",             true,  "192.0.2.1",   25   },
    {"[2001:db8::1]:25",         true,  "2001:db8::1", 25   },
    {"*:25",		     true,  "::",          25   },
    {"0.0.0.0:0",                true,  "0.0.0.0",     0    },
    {"[::ffff:192.0.2.1]:65535", true,  "192.0.2.1",   65535},
    {"192.0.2.1:65536",          false, NULL,          0    },
    {"192.0.2.1:",               false, NULL,          0    },
    {"192.0.2.1",                false, NULL,          0    },
    {"192.0.2.1:-1",             false, NULL,          0    },
    {"192.0.2.1:+1",             false, NULL,          0    },
    {"192.0.2.1: 1",             false, NULL,          0    },
    {"192.0.2:25",               false, NULL,          0    },
    {"192.0.2.256:25",           false, NULL,          0    },
    {"192.0.02.1:25",            false, NULL,          0    },
    {"2001:db8::1:25",           false, NULL,          0    },
    {"[192.0.2.1]:25",           false, NULL,          0    },
    {"[2001:db8::1:25",          false, NULL,          0    },
    {"[]:25",		    false, NULL,          0    },
    {"[fe80::1%lo]:25",          false, NULL,          0    },
    {":25",		      false, NULL,          0    },
    {"localhost:25",             false, NULL,          0    },
    {"",			 false, NULL,          0    },
    {":",			false, NULL,          0    },
};

static void
test_parse(void)
{
	for (size_t i = 0; i < sizeof(parse_cases) / sizeof(parse_cases[0]);
	     i++) {
		char text[ADDRESS_TEXT_MAX];
		struct address a;
		bool good = address_parse(str_of(parse_cases[i].text), &a);

		if (good != parse_cases[i].good)
			fprintf(stderr, "case: %s\n", parse_cases[i].text);
		CHECK(good == parse_cases[i].good);
		if (!good)
			continue;
		CHECK_STR(address_ip_text(&a, text), parse_cases[i].ip);
		CHECK(address_port(&a) == parse_cases[i].port);
	}
	/* not cut at a NUL */
	struct address a;
	CHECK(!address_parse(
	    (struct str){"192.0.2.1\0:25", sizeof("192.0.2.1\0:25") - 1}, &a));
	CHECK(!address_from_ip(STR("192.0.2.1\0"), 1, &a));
}

static struct address
ip(const char *text)
{
	struct address a;

	CHECK(address_from_ip(str_of(text), 25, &a));
	return a;
}

static void
test_meaning(void)
{
	char text[ADDRESS_TEXT_MAX];
	struct address v4 = ip("192.0.2.1"), mapped = ip("::ffff:192.0.2.1");
	struct address v6 = ip("2001:db8::1"), near = ip("2001:db8::ffff:1");
	struct address far = ip("2001:db8:0:1::1"), one = ip("::1");
	struct address net127 = ip("127.9.9.9"), other = ip("192.0.2.2");

	CHECK(address_same_ip(&v4, &mapped));
	CHECK(!address_same_ip(&v4, &other));
	CHECK(!address_same_ip(&v4, &v6));
	CHECK(address_is_v6(&v6) && !address_is_v6(&v4) &&
	      !address_is_v6(&mapped));
	CHECK(address_is_loopback(&one) && address_is_loopback(&net127));
	CHECK(!address_is_loopback(&v4) && !address_is_loopback(&v6));
	CHECK_STR(address_literal_text(&v4, text), "192.0.2.1");
	CHECK_STR(address_literal_text(&mapped, text), "192.0.2.1");
	CHECK_STR(address_literal_text(&v6, text), "IPv6:2001:db8::1");
	CHECK(address_limit_key(&v4) == address_limit_key(&mapped));
	CHECK(address_limit_key(&v4) != address_limit_key(&other));
	CHECK(address_limit_key(&v6) == address_limit_key(&near));
	CHECK(address_limit_key(&v6) != address_limit_key(&far));
	CHECK(address_port(&v6) == 25);
}

static void
test_bytes(void)
{
	static const uint8_t bytes[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 7};
	struct address a = address_from_bytes(bytes, 16, 25);
	struct address b = address_from_bytes(bytes, 4, 26);
	char text[ADDRESS_TEXT_MAX];

	CHECK_STR(address_ip_text(&a, text), "2001:db8::7");
	CHECK_STR(address_ip_text(&b, text), "32.1.13.184");
	CHECK(address_port(&b) == 26);
}

static void
test_path(void)
{
	char text[ADDRESS_TEXT_MAX];
	char path[200];
	struct address a;

	memset(path, 'x', sizeof(path));
	path[107] = '\0'; /* unix(7): 108 with NUL */
	CHECK(address_from_path(path, &a));
	CHECK(address_len(&a) == 2 + 108);
	CHECK_STR(address_ip_text(&a, text), "local");
	CHECK(!address_is_loopback(&a) && !address_same_ip(&a, &a));
	path[107] = 'x';
	path[108] = '\0';
	CHECK(!address_from_path(path, &a));
	CHECK(!address_from_path("", &a));
}

int
main(void)
{
	test_parse();
	test_meaning();
	test_bytes();
	test_path();
	return TEST_EXIT();
}
