/* SPDX-License-Identifier: MIT */
#include "common/util/enc.h"

#include <assert.h>
#include <sys/types.h>

static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char hex_digits[] = "0123456789abcdef";
static const char base32_digits[] = "0123456789abcdefghjkmnpqrstvwxyz";

static unsigned
octet(struct str s, size_t i)
{
	return i < s.len ? (unsigned char)s.at[i] : 0;
}

/* The values of the digits of base64, from + to z; -1 is none. */
static const int8_t base64_values[] = {62, -1, -1, -1, 63, 52, 53, 54, 55, 56,
    57, 58, 59, 60, 61, -1, -1, -1, -1, -1, -1, -1, 0, 1, 2, 3, 4, 5, 6, 7, 8,
    9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, -1, -1,
    -1, -1, -1, -1, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40,
    41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51};

/* The value of a digit, -1 if it is none. */
static int
base64_value(char c)
{
	return c >= '+' && c <= 'z' ? base64_values[c - '+'] : -1;
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = str_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int
base32_value(char c)
{
	size_t at;

	c = str_lower(c);
	if (c == 'i' || c == 'l')
		c = '1';
	else if (c == 'o')
		c = '0';
	return str_find(STR(base32_digits), c, &at) ? (int)at : -1;
}

void
enc_base64(struct str bytes, struct buf *out)
{
	char *to = buf_reserve(out, ENC_BASE64_LEN(bytes.len));
	size_t n = 0;

	if (to == NULL)
		return;
	for (size_t i = 0; i < bytes.len; i += 3) {
		unsigned bits = octet(bytes, i) << 16 |
		                octet(bytes, i + 1) << 8 | octet(bytes, i + 2);

		to[n++] = base64_digits[bits >> 18];
		to[n++] = base64_digits[bits >> 12 & 63];
		to[n++] = i + 1 < bytes.len ? base64_digits[bits >> 6 & 63]
		                            : '=';
		to[n++] = i + 2 < bytes.len ? base64_digits[bits & 63] : '=';
	}
	buf_added(out, n);
}

/* Decode digits into to; -1 if they are none, else how many octets. */
static ssize_t
base64_octets(struct str digits, char *to)
{
	unsigned bits = 0;
	ssize_t n = 0;

	for (size_t i = 0; i < digits.len; i++) {
		int value = base64_value(digits.at[i]);

		if (value == -1)
			return -1;
		bits = (bits << 6 | (unsigned)value) & 0xffffff;
		if (i % 4 != 0) /* 12, 18, 24 bits: 1, 2, 3 octets */
			to[n++] = (char)(bits >> (6 - i % 4 * 2));
	}
	/* RFC 4648 s3.5: the bits that no octet uses are zero */
	if (digits.len % 4 == 2 && (bits & 15) != 0)
		return -1;
	if (digits.len % 4 == 3 && (bits & 3) != 0)
		return -1;
	return n;
}

bool
enc_base64_decode(struct str text, struct buf *out)
{
	size_t pad = 0;
	ssize_t n;
	char *to;

	if (text.len % 4 != 0)
		return false;
	while (pad < 2 && pad < text.len && text.at[text.len - 1 - pad] == '=')
		pad++;
	if ((to = buf_reserve(out, text.len / 4 * 3)) == NULL)
		return false;
	n = base64_octets(str_first(text, text.len - pad), to);
	buf_added(out, n > 0 ? (size_t)n : 0);
	return n >= 0;
}

void
enc_hex(struct str bytes, struct buf *out)
{
	for (size_t i = 0; i < bytes.len; i++) {
		buf_add_char(out, hex_digits[octet(bytes, i) >> 4]);
		buf_add_char(out, hex_digits[octet(bytes, i) & 15]);
	}
}

bool
enc_hex_decode(struct str text, struct buf *out)
{
	size_t before = out->len;

	if (text.len % 2 != 0)
		return false;
	for (size_t i = 0; i < text.len; i += 2) {
		int high = hex_value(text.at[i]);
		int low = hex_value(text.at[i + 1]);

		if (high == -1 || low == -1 || buf_reserve(out, 1) == NULL) {
			buf_cut(out, before);
			return false;
		}
		buf_add_char(out, (char)(high << 4 | low));
	}
	return true;
}

void
enc_base32(uint64_t n, unsigned digits, struct buf *out)
{
	char text[13]; /* 64 bits in groups of 5 */
	unsigned used = 0;

	assert(digits <= sizeof(text));
	do {
		text[sizeof(text) - ++used] = base32_digits[n & 31];
		n >>= 5;
	} while (n > 0 || used < digits);
	buf_add(out, (struct str){text + sizeof(text) - used, used});
}

bool
enc_base32_decode(struct str text, uint64_t *n)
{
	uint64_t sum = 0;

	if (text.len == 0)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		int value = base32_value(text.at[i]);

		if (value == -1 || sum > UINT64_MAX >> 5)
			return false;
		sum = sum << 5 | (uint64_t)value;
	}
	*n = sum;
	return true;
}
