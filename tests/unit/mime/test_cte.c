/* SPDX-License-Identifier: MIT */
#include "common/mime/cte.h"

#include "common/util/mem.h"
#include "tests/test.h"

static void
check_7bit(void)
{
	struct buf line;

	CHECK(cte_is_7bit(STR("")));
	CHECK(cte_is_7bit(STR("a\tb\r\nc~\r\n")));
	CHECK(!cte_is_7bit(STR("\xc3\xa4")));
	CHECK(!cte_is_7bit(STR("a\nb")));
	CHECK(!cte_is_7bit(STR("a\rb")));
	CHECK(!cte_is_7bit(STR("a\r")));
	CHECK(!cte_is_7bit(STR("a\0b")));
	CHECK(!cte_is_7bit(STR("\x1b[2J")));
	CHECK(!cte_is_7bit(STR("\x7f")));
	buf_init(&line, 4 * KB);
	for (int i = 0; i < 998; i++)
		buf_add_char(&line, 'x');
	buf_add(&line, STR("\r\n"));
	CHECK(cte_is_7bit(buf_str(&line)));
	buf_cut(&line, 998);
	buf_add(&line, STR("x\r\n"));
	CHECK(!cte_is_7bit(buf_str(&line)));
	buf_release(&line);
}

/* The octets that quoted-printable stands for (RFC 2045 s6.7). */
static void
decode(struct str s, struct buf *out)
{
	unsigned octet;

	while (s.len > 0) {
		if (s.at[0] != '=') {
			buf_add_char(out, s.at[0]);
			s = str_after(s, 1);
		} else if (str_starts(s, STR("=\r\n"))) {
			s = str_after(s, 3);
		} else {
			char hex[3] = {s.at[1], s.at[2], '\0'};

			CHECK(s.len >= 3 && sscanf(hex, "%2X", &octet) == 1);
			buf_add_char(out, (char)octet);
			s = str_after(s, 3);
		}
	}
}

static void
check_quoted(void)
{
	static const struct {
		struct str in;
		const char *out;
	} vectors[] = {
	    {STR("a=b\r\n"),          "a=3Db\r\n"            },
	    {STR("\xc3\xa4"),         "=C3=A4"               },
	    {STR("a \r\nb\t\r\n c "), "a=20\r\nb=09\r\n c=20"},
	    {STR("a\nb\rc"),          "a=0Ab=0Dc"            },
	    {STR("\r\n\r\n"),         "\r\n\r\n"             },
	    {STR("\0"),               "=00"                  },
	};
	char all[4 * 256];
	struct buf out, back;

	buf_init(&out, 64 * KB);
	buf_init(&back, 64 * KB);
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		buf_clear(&out);
		cte_quote_printable(vectors[i].in, &out);
		CHECK_STR(out.data, vectors[i].out);
	}
	for (size_t i = 0; i < sizeof(all); i++)
		all[i] = (char)(i * 7 + i / 256);
	buf_clear(&out);
	cte_quote_printable((struct str){all, sizeof(all)}, &out);
	decode(buf_str(&out), &back);
	CHECK(back.len == sizeof(all) && memcmp(back.data, all, back.len) == 0);
	for (struct str rest = buf_str(&out); rest.len > 0;) {
		CHECK(str_cut(&rest, '\r').len <= 76);
		str_take(&rest, '\n');
	}
	CHECK(cte_is_7bit(buf_str(&out)));
	buf_release(&out);
	buf_release(&back);
}

int
main(void)
{
	check_7bit();
	check_quoted();
	return TEST_EXIT();
}
