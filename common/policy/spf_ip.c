/* SPDX-License-Identifier: MIT */
#include "common/policy/spf_ip.h"

#include <assert.h>
#include <string.h>

bool
spf_ip_parse4(struct str text, uint8_t out[4])
{
	for (int i = 0; i < 4; i++) {
		bool last = i == 3;
		struct str number;
		uint64_t n;
		size_t at;

		if (str_find(text, '.', &at) == last)
			return false;
		number = str_cut(&text, '.');
		if (!str_to_u64(number, 255, &n) ||
		    (number.len > 1 && number.at[0] == '0'))
			return false;
		out[i] = (uint8_t)n;
	}
	return true;
}

/* One to four hexadecimal digits. */
static bool
parse_group(struct str text, uint8_t out[2])
{
	static const char digits[] = "0123456789abcdef";
	unsigned n = 0;

	if (text.len == 0 || text.len > 4)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		const char *d = memchr(
		    digits, str_lower(text.at[i]), sizeof(digits) - 1);

		if (d == NULL)
			return false;
		n = n << 4 | (unsigned)(d - digits);
	}
	out[0] = (uint8_t)(n >> 8);
	out[1] = (uint8_t)n;
	return true;
}

/* Groups with ":" between, the last may be an IPv4 address where that is
 * allowed.  Gives how many octets they are, or -1. */
static int
parse_groups(struct str text, bool may_end_v4, uint8_t out[16])
{
	int n = 0;
	size_t at;

	if (text.len == 0)
		return 0;
	for (;;) {
		bool last = !str_find(text, ':', &at);
		struct str group = str_cut(&text, ':');

		if (last && may_end_v4 && n <= 12 &&
		    spf_ip_parse4(group, out + n))
			return n + 4;
		if (n == 16 || !parse_group(group, out + n))
			return -1;
		n += 2;
		if (last)
			return n;
	}
}

bool
spf_ip_parse6(struct str text, uint8_t out[16])
{
	uint8_t head[16], tail[16];
	struct str left, right;
	int nhead, ntail;
	size_t gap;

	if (!str_find_str(text, STR("::"), &gap))
		return parse_groups(text, true, out) == 16;
	left = str_first(text, gap);
	right = str_after(text, gap + 2);
	nhead = parse_groups(left, false, head);
	ntail = parse_groups(right, true, tail);
	/* "::" stands for one group at least */
	if (nhead == -1 || ntail == -1 || nhead + ntail > 14)
		return false;
	memset(out, 0, 16);
	memcpy(out, head, (size_t)nhead);
	memcpy(out + 16 - ntail, tail, (size_t)ntail);
	return true;
}

bool
spf_ip_same(const uint8_t *a, const uint8_t *b, size_t len, unsigned bits)
{
	size_t whole = bits / 8;

	assert(bits <= 8 * len);
	if (memcmp(a, b, whole) != 0)
		return false;
	return bits % 8 == 0 || (a[whole] ^ b[whole]) >> (8 - bits % 8) == 0;
}

void
spf_ip_unmap(const uint8_t **ip, size_t *len)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	if (*len != 16 || memcmp(*ip, mapped, sizeof(mapped)) != 0)
		return;
	*ip += sizeof(mapped);
	*len = 4;
}

/* The longest run of two zero groups or more, the first among equals (RFC 5952
 * s4.2).  Its length; 0: none. */
static size_t
longest_zeros(const uint8_t ip[16], size_t *begin)
{
	size_t best = 1, run = 0;

	for (size_t i = 0; i < 8; i++) {
		run = ip[2 * i] == 0 && ip[2 * i + 1] == 0 ? run + 1 : 0;
		if (run <= best)
			continue;
		best = run;
		*begin = i + 1 - run;
	}
	return best > 1 ? best : 0;
}

void
spf_ip_text(const uint8_t *ip, size_t len, struct buf *out)
{
	size_t begin = 8, zeros;

	if (len == 4) {
		buf_addf(out, "%u.%u.%u.%u", ip[0], ip[1], ip[2], ip[3]);
		return;
	}
	zeros = longest_zeros(ip, &begin);
	for (size_t i = 0; i < 8; i++) {
		if (i == begin) {
			buf_add(out, STR("::"));
			i += zeros - 1;
		} else {
			buf_addf(out, "%s%x",
			    i > 0 && i != begin + zeros ? ":" : "",
			    ip[2 * i] << 8 | ip[2 * i + 1]);
		}
	}
}

void
spf_ip_dotted(const uint8_t *ip, size_t len, struct buf *out)
{
	if (len == 4) {
		spf_ip_text(ip, len, out);
		return;
	}
	for (size_t i = 0; i < len; i++)
		buf_addf(
		    out, "%s%X.%X", i > 0 ? "." : "", ip[i] >> 4, ip[i] & 15);
}
