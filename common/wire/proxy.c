/* SPDX-License-Identifier: MIT */
#include "common/wire/proxy.h"

#include <string.h>

#define V2_FIXED   16 /* octets before the addresses */
#define V2_FIRST   STR("\r\n\r\n\0\r\nQUIT\n")

#define TLV_HEAD   3
#define TLV_CRC32C 0x03

/* ---- version 1: a line ---- */

/* A number without needless zeros. */
static bool
read_decimal(struct str text, uint64_t max, uint64_t *out)
{
	return (text.len == 1 || (text.len > 1 && text.at[0] != '0')) &&
	       str_to_u64(text, max, out);
}

static bool
read_v4(struct str text, uint8_t out[4])
{
	for (int i = 0; i < 4; i++) {
		size_t dot;
		uint64_t n;

		if (str_find(text, '.', &dot) != (i < 3) ||
		    !read_decimal(str_cut(&text, '.'), 255, &n))
			return false;
		out[i] = (uint8_t)n;
	}
	return true;
}

static int
hex_digit(char c)
{
	c = str_lower(c);
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One to four digits. */
static bool
take_group(struct str *in, uint8_t out[2])
{
	unsigned n = 0;
	size_t digits = 0;

	while (in->len > 0 && digits < 4 && hex_digit(in->at[0]) >= 0) {
		n = n * 16 + (unsigned)hex_digit(in->at[0]);
		*in = str_after(*in, 1);
		digits++;
	}
	out[0] = (uint8_t)(n >> 8);
	out[1] = (uint8_t)n;
	return digits > 0;
}

/* RFC 4291 s2.2: groups, "::" at most once, perhaps IPv4 at the end. */
static bool
read_v6(struct str text, uint8_t out[16])
{
	uint8_t octets[16] = {0};
	size_t n = 0, gap = SIZE_MAX; /* where "::" stands */

	if (str_take_nocase(&text, STR("::")))
		gap = 0;
	while (text.len > 0) {
		if (n <= 12 && read_v4(text, octets + n)) {
			n += 4;
			break;
		}
		if (n == 16 || !take_group(&text, octets + n))
			return false;
		n += 2;
		if (text.len == 0)
			break;
		if (!str_take(&text, ':') || text.len == 0)
			return false;
		if (str_take(&text, ':')) {
			if (gap != SIZE_MAX)
				return false;
			gap = n;
		}
	}
	if (gap == SIZE_MAX ? n != 16 : n > 14)
		return false;
	if (gap == SIZE_MAX)
		gap = n;
	memset(out, 0, 16);
	memcpy(out, octets, gap);
	memcpy(out + 16 - (n - gap), octets + gap, n - gap);
	return true;
}

static bool
read_ip(struct str text, size_t ip_len, uint8_t out[16])
{
	return ip_len == 4 ? read_v4(text, out) : read_v6(text, out);
}

/* What is between "PROXY " and CRLF. */
static bool
read_line(struct str line, struct proxy_header *out)
{
	uint8_t destination[16];
	struct str word = str_cut(&line, ' ');
	uint64_t port, to_port;
	struct str source, to, from;

	out->local = str_eq(word, STR("UNKNOWN"));
	if (out->local)
		return true;
	if (!str_eq(word, STR("TCP4")) && !str_eq(word, STR("TCP6")))
		return false;
	out->ip_len = word.at[3] == '4' ? 4 : 16;
	source = str_cut(&line, ' ');
	to = str_cut(&line, ' ');
	from = str_cut(&line, ' ');
	if (!read_ip(source, out->ip_len, out->source) ||
	    !read_ip(to, out->ip_len, destination) ||
	    !read_decimal(from, UINT16_MAX, &port) ||
	    !read_decimal(line, UINT16_MAX, &to_port))
		return false;
	out->port = (uint16_t)port;
	return true;
}

static enum proxy_result
take_v1(struct str *in, struct proxy_header *out)
{
	struct str line = str_first(*in, PROXY_V1_MAX);
	size_t n = 0;

	while (n < line.len && line.at[n] >= ' ' && line.at[n] <= '~')
		n++;
	if (n == PROXY_V1_MAX ||
	    (n < line.len &&
		!str_starts(STR("\r\n"), str_first(str_after(line, n), 2))))
		return PROXY_BAD;
	if (line.len < n + 2)
		return n + 2 > PROXY_V1_MAX ? PROXY_BAD : PROXY_MORE;
	line = str_after(str_first(line, n), strlen("PROXY "));
	if (!read_line(line, out))
		return PROXY_BAD;
	*in = str_after(*in, n + 2);
	return PROXY_READY;
}

/* ---- version 2: binary ---- */

static unsigned
number_16(struct str s, size_t at)
{
	return (unsigned)(unsigned char)s.at[at] << 8 |
	       (unsigned char)s.at[at + 1];
}

/* CRC32c (RFC 3309), the four octets from `hole' on read as zeros. */
static uint32_t
crc32c(struct str s, size_t hole)
{
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < s.len; i++) {
		if (i < hole || i >= hole + 4)
			crc ^= (unsigned char)s.at[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
	}
	return ~crc;
}

static bool
is_sound(struct str header, size_t at)
{
	uint32_t said = (uint32_t)number_16(header, at) << 16 |
	                number_16(header, at + 2);

	return crc32c(header, at) == said;
}

/* TLVs from `at' on fill the header, and the checksum is right. */
static bool
check_tlvs(struct str header, size_t at)
{
	while (at < header.len) {
		size_t len;

		if (header.len - at < TLV_HEAD)
			return false;
		len = number_16(header, at + 1);
		if (header.len - at - TLV_HEAD < len)
			return false;
		if (header.at[at] == TLV_CRC32C &&
		    (len != 4 || !is_sound(header, at + TLV_HEAD)))
			return false;
		at += TLV_HEAD + len;
	}
	return true;
}

/* What the command, family and transport say about the addresses. */
static const struct form {
	unsigned char command, family;
	bool any_family; /* it is not looked at */
	bool local;      /* nor are the addresses */
	size_t ip_len;
} forms[] = {
    {0x20, 0x00, true,  true,  0 }, /* LOCAL */
    {0x21, 0x00, false, true,  0 }, /* PROXY, UNSPEC */
    {0x21, 0x11, false, false, 4 }, /* TCP over IPv4 */
    {0x21, 0x21, false, false, 16}, /* TCP over IPv6 */
};

static const struct form *
form_of(unsigned char command, unsigned char family)
{
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		if (forms[i].command == command &&
		    (forms[i].any_family || forms[i].family == family))
			return &forms[i];
	return NULL;
}

static enum proxy_result
take_v2(struct str *in, struct proxy_header *out)
{
	const struct form *form;
	struct str header;
	size_t len, addresses;

	if (in->len < V2_FIXED)
		return PROXY_MORE;
	form = form_of((unsigned char)in->at[12], (unsigned char)in->at[13]);
	len = V2_FIXED + number_16(*in, 14);
	if (form == NULL || len > PROXY_V2_MAX)
		return PROXY_BAD;
	if (in->len < len)
		return PROXY_MORE;
	header = str_first(*in, len);
	addresses = form->ip_len * 2 + (form->local ? 0 : 4);
	if (len - V2_FIXED < addresses ||
	    (!form->local && !check_tlvs(header, V2_FIXED + addresses)))
		return PROXY_BAD;
	out->local = form->local;
	out->ip_len = form->ip_len;
	if (!form->local) {
		memcpy(out->source, header.at + V2_FIXED, form->ip_len);
		out->port = (uint16_t)number_16(
		    header, V2_FIXED + form->ip_len * 2);
	}
	*in = str_after(*in, len);
	return PROXY_READY;
}

enum proxy_result
proxy_take(struct str *in, struct proxy_header *out)
{
	struct str v1 = STR("PROXY "), v2 = V2_FIRST;

	*out = (struct proxy_header){0};
	if (str_starts(*in, v1))
		return take_v1(in, out);
	if (str_starts(*in, v2))
		return take_v2(in, out);
	return str_starts(v1, *in) || str_starts(v2, *in) ? PROXY_MORE
	                                                  : PROXY_BAD;
}
