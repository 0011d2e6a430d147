/* SPDX-License-Identifier: MIT */
#include "common/mime/mutf7.h"

#include <string.h>

#include "common/util/mem.h"
#include "common/util/utf8.h"
#include "tests/test.h"

static void
test_pairs(void)
{
	static const struct {
		const char *wire, *utf8;
	} pairs[] = {
	    {"INBOX",			   "INBOX"                           },
	    {"",				""				},
	    {"&-",			      "&"			       },
	    {"a&-b",			    "a&b"			     },
	    {"&-&-",			    "&&"			      },
	    {"~peter/mail/&U,BTFw-/&ZeVnLIqe-",
             "~peter/mail/\xe5\x8f\xb0\xe5\x8c\x97/"
		"\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e"                            },
	    {"Entw&APw-rfe",                    "Entw\xc3\xbcrfe"                 },
	    {"&AOk-&-",			 "\xc3\xa9&"                       },
	    {"&-&AOk-",			 "&\xc3\xa9"                       },
	    {"&AOkA6Q-x",                       "\xc3\xa9\xc3\xa9x"               },
	    {"&2D3eAA-",                        "\xf0\x9f\x98\x80"                },
	    {"&2D3eANg93gA-",                   "\xf0\x9f\x98\x80\xf0\x9f\x98\x80"},
	    {"&AIA-",			   "\xc2\x80"                        },
	    {"&,,8-",			   "\xef\xbf\xbf"                    },
	    {"a b\"\\~",                        "a b\"\\~"                        },
	};
	struct buf out;

	buf_init(&out, 1 * KB);
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		buf_clear(&out);
		CHECK(mutf7_decode(str_of(pairs[i].wire), &out));
		CHECK(str_eq(buf_str(&out), str_of(pairs[i].utf8)));
		buf_clear(&out);
		mutf7_encode(str_of(pairs[i].utf8), &out);
		CHECK(str_eq(buf_str(&out), str_of(pairs[i].wire)));
	}
	buf_release(&out);
}

/* ATTACKS A143, RFC 3501 s5.1.3. */
static void
test_refused(void)
{
	static const char *const wrong[] = {"&", "&AGE", "&AGE-", "&AC8-",
	    "&AAA-", "&AAo-", "&2D0-", "&3gA-", "&2D0A6Q-", "&2D3YPQ-", "&AOk",
	    "&AO-", "&A-", "&AOkA-", "&AOl-", "&AOkB-", "&AOk=-", "&AO/-",
	    "&AOk-&AOk-", "&AO k-", "\xc3\xa9", "\xff", "a\x01", "a\x7f",
	    "\r\n", "&AOk-&", "& -", "&AOkA6-", "&&-", "&Jjo!"};
	struct buf out;

	buf_init(&out, 1 * KB);
	buf_add(&out, STR("before"));
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		bool good = mutf7_decode(str_of(wrong[i]), &out);

		if (good)
			fprintf(stderr, "taken: %s\n", wrong[i]);
		CHECK(!good);
		CHECK(str_eq(buf_str(&out), STR("before")));
	}
	CHECK(!mutf7_decode(STR("a\0b"), &out));
	buf_release(&out);
}

/* All that can be said can be read again, and is said in one way only. */
static void
test_every_character(void)
{
	struct buf wire, back;
	unsigned wrong = 0;

	buf_init(&wire, 1 * KB);
	buf_init(&back, 1 * KB);
	for (uint32_t lead = 0xc2; lead <= 0xf4; lead++)
		for (uint32_t next = 0x80; next <= 0xbf; next++) {
			char text[] = {'x', (char)lead, (char)next, (char)0x81,
			    (char)0xbf, 'y'};
			size_t len = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
			struct str s = {text, len + 1};

			if (!utf8_valid(s))
				continue;
			buf_clear(&wire);
			buf_clear(&back);
			mutf7_encode(s, &wire);
			if (str_has_8bit(buf_str(&wire)) ||
			    !mutf7_decode(buf_str(&wire), &back) ||
			    !str_eq(buf_str(&back), s))
				wrong++;
		}
	CHECK(wrong == 0);
	buf_release(&wire);
	buf_release(&back);
}

int
main(void)
{
	test_pairs();
	test_refused();
	test_every_character();
	return TEST_EXIT();
}
