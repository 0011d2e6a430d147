/* SPDX-License-Identifier: MIT */
#include "common/mime/charset.h"

#include <stdlib.h>

#include "common/util/mem.h"
#include "common/util/utf8.h"
#include "tests/test.h"

#define U "\xef\xbf\xbd" /* U+FFFD */

static const struct {
	const char *charset, *text, *want;
} vectors[] = {
    {"utf-8",            "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f"       },
    {"UTF-8",            "a\xff\x62",          "a" U "b"                  },
    {"utf-8",            "\xe2\x82",           U U                        },
    {"utf-8",            "\xc0\x80",           U U                        },
    {"us-ascii",         "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f"       },
    {"us-ascii",         "gr\xfc\xdf",         "gr\xc3\xbc\xc3\x9f"       },
    {"",		 "\x93x\x94",          "\xe2\x80\x9cx\xe2\x80\x9d"},
    {"unknown-8bit",     "gr\xfc\xdf",         "gr\xc3\xbc\xc3\x9f"       },
    {"x-nobody-knows",   "gr\xfc\xdf!",        "gr" U U "!"               },
    {"../../etc/passwd", "a\xfc",              "a" U                      },
    {"utf-8//TRANSLIT",  "a\xfc",              "a" U                      },
    {"iso-8859-1",       "\xfc\x80",           "\xc3\xbc\xe2\x82\xac"     },
    {" ISO-8859-15 ",    "\xa4",               "\xe2\x82\xac"             },
    {"koi8-r",           "\xcd\xc9\xd2",       "\xd0\xbc\xd0\xb8\xd1\x80" },
    {"windows-1251",     "\xec\xe8\xf0",       "\xd0\xbc\xd0\xb8\xd1\x80" },
    {"gb2312",           "\xc4\xe3\xba\xc3",   "\xe4\xbd\xa0\xe5\xa5\xbd" },
    {"GB18030",          "\x81\x30\x81\x30",   "\xc2\x80"                 },
    {"big5",	     "\xa7\x41\xa6\x6e",   "\xe4\xbd\xa0\xe5\xa5\xbd" },
    {"euc-kr",           "\xb0\xa1",           "\xea\xb0\x80"             },
    {"ks_c_5601-1987",   "\xb0\xa1",           "\xea\xb0\x80"             },
    {"shift_jis",        "\x93\xfa\x96\x7b",   "\xe6\x97\xa5\xe6\x9c\xac" },
    {"euc-jp",           "\xc6\xfc\xcb\xdc",   "\xe6\x97\xa5\xe6\x9c\xac" },
    {"iso-2022-jp",      "\x1b$BF|K\\\x1b(B!", "\xe6\x97\xa5\xe6\x9c\xac!"},
    {"iso-2022-jp",      "\x1b$BF|K\\",        "\xe6\x97\xa5\xe6\x9c\xac" },
    {"utf-7",            "a+AOQ-b",
     "a\xc3\xa4"
	"b"							       },
    {"iso-2022-jp",      "a\x1b",              "a" U                      },
    {"ansi_x3.4-1968",   "a\xe4",              "a\xc3\xa4"                },
    {"x-nobody-knows",   "",                   ""                         },
    {"utf-16be",         "a",                  U			  },
};

/* Who keeps the tables converts as anybody does; they may be dropped. */
static void
check_tables(void)
{
	struct charset_tables *t = charset_load();

	for (int i = 0; i < 2; i++) {
		struct buf out;

		buf_init(&out, 1 * KB);
		charset_to_utf8(STR("koi8-r"), STR("\xcd"), &out);
		charset_to_utf8(STR("shift_jis"), STR("\x93\xfa"), &out);
		CHECK_STR(out.data, "\xd0\xbc\xe6\x97\xa5");
		buf_release(&out);
		charset_unload(t);
		t = NULL;
	}
}

int
main(void)
{
	static const char *const stateful[] = {"iso-2022-jp", "iso-2022-kr",
	    "iso-2022-cn", "utf-7", "hz-gb-2312", "gb18030", "big5", "euc-jp",
	    "utf-16", "johab"};
	struct buf out;

	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		buf_init(&out, 1 * KB);
		charset_to_utf8(
		    str_of(vectors[i].charset), str_of(vectors[i].text), &out);
		CHECK_STR(out.data != NULL ? out.data : "", vectors[i].want);
		buf_release(&out);
	}
	CHECK(charset_known(STR("utf-8")) && charset_known(STR("US-ASCII")));
	CHECK(charset_known(STR("Big5")) && !charset_known(STR("x-nobody")));
	CHECK(!charset_known(STR("")));
	CHECK(charset_known(STR("ANSI_X3.4-1968")));
	CHECK(charset_known(STR("iso646-us")) && !charset_known(STR("8bit")));

	/* cut at a whole character */
	buf_init(&out, 4);
	charset_to_utf8(STR("utf-8"), STR("abc\xc3\xbc"), &out);
	CHECK_STR(out.data, "abc");
	CHECK(out.overrun);
	buf_release(&out);

	/* nothing more once it does not fit, whatever reads it */
	for (size_t i = 0; i < 3; i++) {
		static const char *const readers[] = {
		    "utf-8", "koi8-r", "x-nobody"};

		buf_init(&out, 5);
		charset_to_utf8(str_of(readers[i]),
		    STR("abcd\xcd\xcd"
			"efgh"),
		    &out);
		CHECK_STR(out.data, "abcd");
		CHECK(out.overrun);
		buf_release(&out);
	}

	/* more than one round of the converter */
	buf_init(&out, 64 * KB);
	for (size_t i = 0; i < 5000; i++)
		buf_add_char(&out, '\xcd');
	char *text = buf_take(&out);
	buf_init(&out, 64 * KB);
	charset_to_utf8(STR("koi8-r"), (struct str){text, 5000}, &out);
	CHECK(out.len == 10000 && utf8_valid(buf_str(&out)));
	CHECK(str_ends_nocase(buf_str(&out), STR("\xd0\xbc")));
	buf_release(&out);
	free(text);

	/* noise in every charset ends, as UTF-8 */
	for (size_t i = 0; i < sizeof(stateful) / sizeof(stateful[0]); i++) {
		char noise[512];

		for (size_t k = 0; k < sizeof(noise); k++)
			noise[k] = (char)(k * 37 + k / 7 * 91 + i);
		buf_init(&out, 8 * KB);
		charset_to_utf8(str_of(stateful[i]),
		    (struct str){noise, sizeof(noise)}, &out);
		CHECK(out.len > 0 && utf8_valid(buf_str(&out)));
		buf_release(&out);
	}
	check_tables();
	return TEST_EXIT();
}
