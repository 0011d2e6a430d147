/* SPDX-License-Identifier: MIT */
#include "common/mime/xtext.h"

#include "common/util/mem.h"
#include "tests/test.h"

static const struct {
	struct str plain, xtext;
} rows[] = {
    {STR(""),             STR("")             },
    {STR("QQ314159"),     STR("QQ314159")     },
    {STR("a+b=c d"),      STR("a+2Bb+3Dc+20d")},
    {STR("\r\n\x7f\xff"), STR("+0D+0A+7F+FF") },
};

static const struct str bad[] = {STR("a+"), STR("a+2"), STR("+zz"),
    STR("a+2bb"), STR("+aF"), STR("+Fa"), STR("+:0"), STR("+0:"), STR("+G0"),
    STR("+0G"), STR("+/0"), STR("+@0"), STR("a=b"), STR("a b"),
    STR("\xc3\xa4")};

int
main(void)
{
	struct buf out;

	buf_init(&out, 4 * KB);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_clear(&out);
		xtext_encode(rows[i].plain, &out);
		CHECK(str_eq(buf_str(&out), rows[i].xtext));
		buf_clear(&out);
		CHECK(xtext_decode(rows[i].xtext, &out));
		CHECK(str_eq(buf_str(&out), rows[i].plain));
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		buf_clear(&out);
		buf_add(&out, STR("before"));
		CHECK(!xtext_decode(bad[i], &out));
		CHECK(str_eq(buf_str(&out), STR("before")));
	}
	buf_release(&out);
	return TEST_EXIT();
}
