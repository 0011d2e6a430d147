/* SPDX-License-Identifier: MIT */
#include "common/mime/people.h"

#include <assert.h>

#include "common/util/mem.h"
#include "tests/test.h"

static const char *
text_of(const struct buf *b)
{
	return b->data != NULL ? b->data : "";
}

static void
check_words(void)
{
	static const struct {
		struct str said;
		size_t max;
		bool utf8;
		const char *want;
	} rows[] = {
	    {STR(""),             10, false, ""               },
	    {STR(" \r\n"),        10, false, ""               },
	    {STR("a  b\r\n\tc "), 20, false, "a b c"          },
	    {STR("\ta"),          20, false, "a"              },
	    {STR("a\x1b[31m~"),   20, false, "a\\x1b[31m~"    },
	    {STR("\x7f\x01\0"),   20, false, "\\x7f\\x01\\x00"},
	    {STR("gr\xc3\xbc"),   20, false, "gr\\xc3\\xbc"   },
	    {STR("gr\xc3\xbc"),   20, true,  "gr\xc3\xbc"     },
	    {STR("a\xff z"),      20, true,  "a\\xff z"       },
	    {STR("\xc2\x85x"),    20, true,  "\\xc2\\x85x"    }, /* C1 */
	    {STR("abcdef"),       6,  false, "abcdef"         },
	    {STR("abcdefg"),      6,  false, "abcdef ..."     },
	    {STR("abc defg"),     4,  false, "abc ..."        },
	    {STR("abcd    "),     4,  false, "abcd"           },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf out;

		buf_init(&out, 1 * KB);
		people_words(rows[i].said, rows[i].max, rows[i].utf8, &out);
		CHECK_STR(text_of(&out), rows[i].want);
		buf_release(&out);
	}
}

#define TEN "0123456789"

static void
check_paragraph(void)
{
	static const struct {
		const char *indent, *text, *want;
	} rows[] = {
	    {"",   "",						  "\r\n"     },
	    {"  ", " a b ",					     "  a b\r\n"},
	    {"",   TEN " " TEN " " TEN " " TEN " " TEN " " TEN " " TEN,
             TEN " " TEN " " TEN " " TEN " " TEN " " TEN "\r\n" TEN "\r\n"         },
 /* a word that no line has room for is broken */
	    {"",   TEN TEN TEN TEN TEN TEN TEN TEN,
             TEN TEN TEN TEN TEN TEN TEN "01\r\n23456789\r\n"                      },
 /* the break falls on a space */
	    {"",   TEN TEN TEN TEN TEN TEN TEN "01 x",
             TEN TEN TEN TEN TEN TEN TEN "01\r\nx\r\n"                             },
	};

	static_assert(PEOPLE_LINE == 72, "the rows are made for it");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf out;

		buf_init(&out, 1 * KB);
		people_paragraph(rows[i].indent, str_of(rows[i].text), &out);
		CHECK_STR(text_of(&out), rows[i].want);
		buf_release(&out);
	}
}

static void
check_part(void)
{
	struct buf out;

	buf_init(&out, 1 * KB);
	people_part(STR("a\r\n"), &out);
	CHECK_STR(out.data, "\r\na\r\n");
	buf_clear(&out);
	people_part(STR("gr\xc3\xbc\r\n"), &out);
	CHECK_STR(out.data, "Content-Transfer-Encoding: quoted-printable\r\n"
			    "\r\ngr=C3=BC\r\n");
	buf_release(&out);
}

int
main(void)
{
	check_words();
	check_paragraph();
	check_part();
	return TEST_EXIT();
}
