/* SPDX-License-Identifier: MIT */
/*
 * Modified UTF-7 is ASCII, where `&' begins UTF-16 in base 64 (with `,' for
 * `/' and no padding) and `-' ends it; "&-" is `&' itself.
 */
#include "common/mime/mutf7.h"

#include <string.h>

#include "common/util/utf8.h"

static const char digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

static bool
is_direct(uint32_t c)
{
	return c >= ' ' && c <= '~';
}

static void
add_utf8(struct buf *out, uint32_t c)
{
	if (c < 0x800) {
		buf_add_char(out, (char)(0xc0 | c >> 6));
	} else if (c < 0x10000) {
		buf_add_char(out, (char)(0xe0 | c >> 12));
		buf_add_char(out, (char)(0x80 | (c >> 6 & 0x3f)));
	} else {
		buf_add_char(out, (char)(0xf0 | c >> 18));
		buf_add_char(out, (char)(0x80 | (c >> 12 & 0x3f)));
		buf_add_char(out, (char)(0x80 | (c >> 6 & 0x3f)));
	}
	buf_add_char(out, (char)(0x80 | (c & 0x3f)));
}

/* One unit of UTF-16; *high is a surrogate that waits for its second half. */
static bool
take_unit(uint32_t unit, uint32_t *high, struct buf *out)
{
	bool is_high = unit >= 0xd800 && unit < 0xdc00;
	bool is_low = unit >= 0xdc00 && unit < 0xe000;

	if (unit < 0x80 || is_low != (*high != 0))
		return false;
	if (is_high) {
		*high = unit;
	} else if (is_low) {
		add_utf8(
		    out, 0x10000 + ((*high - 0xd800) << 10) + (unit - 0xdc00));
		*high = 0;
	} else {
		add_utf8(out, unit);
	}
	return true;
}

/* What is between `&' and `-', not nothing. */
static bool
decode_run(struct str run, struct buf *out)
{
	uint32_t bits = 0, high = 0;
	unsigned n = 0;

	for (size_t i = 0; i < run.len; i++) {
		const char *digit = memchr(digits, run.at[i], 64);

		if (digit == NULL)
			return false;
		bits = bits << 6 | (uint32_t)(digit - digits);
		n += 6;
		if (n >= 16) {
			n -= 16;
			if (!take_unit(bits >> n & 0xffff, &high, out))
				return false;
			bits &= (1u << n) - 1;
		}
	}
	/* no digit that says nothing, no bit that is lost */
	return n < 6 && bits == 0 && high == 0;
}

static bool
decode(struct str name, struct buf *out)
{
	bool after_run = false;
	size_t end;

	while (name.len > 0) {
		char c = name.at[0];

		name = str_after(name, 1);
		if (!is_direct((unsigned char)c))
			return false;
		if (c != '&' || str_take(&name, '-')) {
			buf_add_char(out, c);
			after_run = false;
			continue;
		}
		/* two runs would be one */
		if (after_run || !str_find(name, '-', &end) ||
		    !decode_run(str_first(name, end), out))
			return false;
		name = str_after(name, end + 1);
		after_run = true;
	}
	return true;
}

bool
mutf7_decode(struct str name, struct buf *out)
{
	size_t len = out->len;

	if (decode(name, out))
		return true;
	buf_cut(out, len);
	return false;
}

struct run {
	uint32_t bits;
	unsigned n;
	bool open;
};

static void
add_unit(struct run *r, uint32_t unit, struct buf *out)
{
	r->bits = r->bits << 16 | unit;
	r->n += 16;
	while (r->n >= 6) {
		r->n -= 6;
		buf_add_char(out, digits[r->bits >> r->n & 0x3f]);
	}
	r->bits &= (1u << r->n) - 1;
}

static void
end_run(struct run *r, struct buf *out)
{
	if (!r->open)
		return;
	if (r->n > 0)
		buf_add_char(out, digits[r->bits << (6 - r->n) & 0x3f]);
	buf_add_char(out, '-');
	*r = (struct run){0};
}

void
mutf7_encode(struct str utf8, struct buf *out)
{
	struct run r = {0};
	uint32_t c;

	while (utf8_take(&utf8, &c)) {
		if (is_direct(c)) {
			end_run(&r, out);
			buf_add_char(out, (char)c);
			if (c == '&')
				buf_add_char(out, '-');
			continue;
		}
		if (!r.open)
			buf_add_char(out, '&');
		r.open = true;
		if (c >= 0x10000) {
			add_unit(&r, 0xd800 + ((c - 0x10000) >> 10), out);
			c = 0xdc00 + ((c - 0x10000) & 0x3ff);
		}
		add_unit(&r, c, out);
	}
	end_run(&r, out);
}
