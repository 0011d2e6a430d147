/* SPDX-License-Identifier: MIT */
#include "common/wire/bare.h"

#include "common/util/buf.h"
#include "common/util/mem.h"
#include "tests/test.h"

static const struct {
	const char *piece;
	bool after_cr, ends, seen;
} rows[] = {
    {"",	 false, false, false},
    {"",	 true,  false, false}, /* the CR waits for what follows */
    {"a",        false, false, false},
    {"a",        true,  false, true },
    {"\n",       false, false, true },
    {"\n",       true,  true,  false},
    {"\r\n",     false, true,  false},
    {"\r\n",     true,  true,  true },
    {"a\r\n",    false, true,  false},
    {"a\n",      false, false, true },
    {"a\rb\r\n", false, true,  true },
    {"a\r",      false, false, false},
    {"\r\r",     false, false, true },
    {"\r",       true,  false, true },
};

int
main(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct str piece = str_of(rows[i].piece);

		CHECK(bare_ends_line(piece, rows[i].after_cr) == rows[i].ends);
		CHECK(bare_seen(piece, rows[i].after_cr) == rows[i].seen);
	}
	CHECK(str_eq(bare_piece(STR("a\nb\n")), STR("a\n")));
	CHECK(str_eq(bare_piece(STR("ab\r")), STR("ab\r")));
	CHECK(bare_piece(STR("")).len == 0);
	return TEST_EXIT();
}
