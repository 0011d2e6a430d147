/* SPDX-License-Identifier: MIT */
#include "tests/bench/letter.h"

#include "common/util/buf.h"
#include "common/util/mem.h"

static uint64_t
draw(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return *seed >> 33;
}

/* Few words come often, and many now and then: 4,096 of three syllables. */
static void
add_prose(struct buf *b, size_t until, uint64_t *seed)
{
	static const char *const words[] = {"the ", "mail ", "server ", "and ",
	    "letter ", "of ", "Alice ", "to ", "Bob ", "which ", "arrived ",
	    "early\r\n", "morning ", "with ", "kind ", "regards\r\n"};
	static const char *const parts[] = {"ba", "co", "di", "fen", "gar",
	    "ho", "il", "kan", "lo", "mer", "nu", "os", "per", "ri", "sta",
	    "ve"};

	while (b->len < until) {
		uint64_t lot = draw(seed);

		if (lot % 4 > 0)
			buf_addf(b, "%s", words[lot / 4 % 16]);
		else
			buf_addf(b, "%s%s%s ", parts[lot / 4 % 16],
			    parts[lot / 64 % 16], parts[lot / 1024 % 16]);
	}
	buf_cut(b, until);
	if (b->data[until - 1] == '\r')
		b->data[until - 1] = 'r';
}

static void
add_base64(struct buf *b, size_t until, uint64_t *seed)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijkl"
				     "mnopqrstuvwxyz0123456789+/";

	for (size_t column = 0; b->len < until; column++) {
		if (column == 76) {
			buf_add(b, STR("\r\n"));
			column = 0;
		}
		buf_add_char(b, digits[draw(seed) % 64]);
	}
	buf_cut(b, until);
}

char *
letter_compose(uint64_t size, uint64_t seed)
{
	struct str between = STR("\r\n--=_load\r\nContent-Type: "
				 "application/octet-stream\r\nContent-Transfer-"
				 "Encoding: base64\r\n\r\n");
	struct str after = STR("\r\n--=_load--\r\n.\r\n");
	size_t text = size / 2 < 8 * KB ? size / 2 : 8 * KB;
	struct buf b;

	buf_init(&b, size + KB);
	buf_add(&b, STR("--=_load\r\nContent-Type: text/plain; "
			"charset=us-ascii\r\n\r\n"
			"..dots are doubled on the way\r\n"));
	add_prose(&b, b.len + text - between.len, &seed);
	buf_add(&b, between);
	add_base64(&b, size - (after.len - 3), &seed);
	buf_add(&b, after);
	return buf_take(&b);
}
