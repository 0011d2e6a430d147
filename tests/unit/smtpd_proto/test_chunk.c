/* SPDX-License-Identifier: MIT */
#include "smtpd/proto/smtp_chunk.h"

#include "tests/test.h"

static const struct {
	const char *arg;
	bool good, last;
	uint64_t octets;
} args[] = {
    {"0",			 true,  false, 0         },
    {"1",			 true,  false, 1         },
    {"86 LAST",		   true,  true,  86        },
    {"86   lAsT",                 true,  true,  86        },
    {"00000000000000000012",      true,  false, 12        },
    {"18446744073709551615 LAST", true,  true,  UINT64_MAX},
    {"18446744073709551616",      false, false, 0         },
    {"000000000000000000012",     false, false, 0         },
    {"99999999999999999999999",   false, false, 0         },
    {"",			  false, false, 0         },
    {"LAST",		      false, false, 0         },
    {" LAST",		     false, false, 0         },
    {"-1",			false, false, 0         },
    {"+1",			false, false, 0         },
    {"0x10",		      false, false, 0         },
    {"1.5",		       false, false, 0         },
    {"1,LAST",		    false, false, 0         },
    {"1 LASTLY",		  false, false, 0         },
    {"1 LAST x",		  false, false, 0         },
    {"1 2",		       false, false, 0         },
};

static void
test_arguments(void)
{
	for (size_t i = 0; i < sizeof(args) / sizeof(args[0]); i++) {
		uint64_t octets;
		bool last;

		if (smtp_chunk_parse(str_of(args[i].arg), &octets, &last) !=
		    args[i].good) {
			fprintf(stderr, "\"%s\":\n", args[i].arg);
			CHECK(false);
		} else if (args[i].good) {
			CHECK(octets == args[i].octets);
			CHECK(last == args[i].last);
		}
	}
}

static const struct {
	struct str text;
	bool bare, nul, after_cr;
	size_t longest;
} texts[] = {
    {{"", 0},             false, false, false, 0},
    {{"\r\n", 2},         false, false, false, 0},
    {{"abc\r\nd\r\n", 8}, false, false, false, 3},
    {{"a\r\nbcd", 6},     false, false, false, 3},
    {{"a\n", 2},          true,  false, false, 2},
    {{"\n", 1},           true,  false, false, 1},
    {{"a\rb\r\n", 5},     true,  false, false, 3},
    {{"a\r\r\n", 4},      true,  false, false, 2},
    {{"\n\r", 2},         true,  false, true,  1},
    {{"ab\r", 3},         false, false, true,  2},
    {{"a\0b\r\n", 5},     false, true,  false, 3},
    {{"\r\n.\r\n", 5},    false, false, false, 1},
};

/* Cut in two and in pieces of one octet, it is the same text. */
static void
test_texts(void)
{
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		for (size_t cut = 0; cut <= texts[i].text.len; cut++) {
			struct str rest = str_after(texts[i].text, cut);
			struct smtp_text t = {0};

			smtp_text_look(&t, str_first(texts[i].text, cut));
			for (; rest.len > 0; rest = str_after(rest, 1))
				smtp_text_look(&t, str_first(rest, 1));
			CHECK(t.bare == texts[i].bare);
			CHECK(t.nul == texts[i].nul);
			CHECK(t.after_cr == texts[i].after_cr);
			CHECK(t.longest == texts[i].longest);
		}
}

int
main(void)
{
	test_arguments();
	test_texts();
	return TEST_EXIT();
}
