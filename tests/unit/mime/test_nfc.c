/* SPDX-License-Identifier: MIT */
#include "common/mime/nfc.h"

#include "tests/test.h"

int
main(void)
{
	static const struct {
		const char *text, *want; /* NULL: refused */
		size_t room;
	} cases[] = {
	    {"plain",                    "plain",          10},
	    {"",			 "",               10},
	    {"u\314\210",                "\303\274",       10},
	    {"\303\274",                 "\303\274",       10},
	    {"\341\204\200\341\205\241", "\352\260\200",   10}, /* Hangul */
	    {"\342\204\253",             "\303\205",       10}, /* Angstrom */
	    {"\357\274\241",             "\357\274\241",   10}, /* full width */
	    {"\377",		     NULL,             10},
	    {"a\314",                    NULL,             10},
	    {"\355\240\200",             NULL,             10},
	    {"12345678",                 "12345678",       8 },
	    {"123456789",                NULL,             8 },
	    {"12345u\314\210a",          "12345\303\274a", 8 },
	    {"123456u\314\210a",         NULL,             8 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf b;
		bool good;

		buf_init(&b, cases[i].room + 1);
		buf_add_char(&b, '.');
		good = nfc_add(str_of(cases[i].text), &b);
		CHECK(good == (cases[i].want != NULL));
		CHECK(!b.overrun && b.data[0] == '.');
		CHECK_STR(
		    b.data + 1, cases[i].want != NULL ? cases[i].want : "");
		buf_release(&b);
	}
	return TEST_EXIT();
}
