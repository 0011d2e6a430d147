/* SPDX-License-Identifier: MIT */
#include "common/net/network.h"

#include <stdio.h>
#include <string.h>

#define V4_BITS 24 /* networks that network_of() gives */
#define V6_BITS 64

/* Clear all but the first bits. */
static void
mask(uint8_t *ip, size_t len, unsigned bits)
{
	for (size_t i = 0; i < len; i++) {
		unsigned keep = bits > 8 ? 8 : bits;

		ip[i] &= (uint8_t)(0xff00 >> keep);
		bits -= keep;
	}
}

bool
network_parse(struct str text, struct network *out)
{
	struct str ip = str_cut(&text, '/');
	bool has_bits = text.at != NULL && ip.at + ip.len < text.at;
	struct address a;
	uint8_t masked[16];
	uint64_t bits;

	if (!address_from_ip(ip, 0, &a))
		return false;
	out->ip_len = address_ip_bytes(&a, out->ip);
	if (out->ip_len == 0)
		return false;
	bits = out->ip_len * 8;
	if (has_bits && !str_to_u64(text, bits, &bits))
		return false;
	out->bits = (unsigned)bits;
	memcpy(masked, out->ip, out->ip_len);
	mask(masked, out->ip_len, out->bits);
	return memcmp(masked, out->ip, out->ip_len) == 0;
}

bool
network_has(const struct network *n, const struct address *a)
{
	uint8_t ip[16];
	size_t len = address_ip_bytes(a, ip);

	if (len != n->ip_len)
		return false;
	mask(ip, len, n->bits);
	return memcmp(ip, n->ip, len) == 0;
}

bool
network_is_private(const struct address *a)
{
	static const struct network private[] = {
	    {{0},          4,  8  },
	    {{10},         4,  8  },
	    {{100, 64},    4,  10 },
	    {{127},        4,  8  },
	    {{169, 254},   4,  16 },
	    {{172, 16},    4,  12 },
	    {{192, 168},   4,  16 },
	    {{[15] = 1},   16, 128},
	    {{0},          16, 128},
	    {{0xfc},       16, 7  },
	    {{0xfe, 0x80}, 16, 10 },
	};

	for (size_t i = 0; i < sizeof(private) / sizeof(private[0]); i++)
		if (network_has(&private[i], a))
			return true;
	return false;
}

/* The IPv4 address that an IPv6 one is translated to, or a itself. */
static struct address
translated(const struct address *a)
{
	static const struct {
		struct network network;
		size_t at; /* of the IPv4 address in it */
	} ways[] = {
	    {{{0, 0x64, 0xff, 0x9b}, 16, 96}, 12}, /* RFC 6052 s2.1 */
	    {{{0x20, 0x02}, 16, 16},          2 }, /* RFC 3056 s2 */
	};
	uint8_t ip[16];

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		if (network_has(&ways[i].network, a)) {
			address_ip_bytes(a, ip);
			return address_from_bytes(ip + ways[i].at, 4, 0);
		}
	return *a;
}

bool
network_is_public(const struct address *a)
{
	static const struct network others[] = {
	    {{192, 0, 0},                    4,  24},
            {{198, 18},                      4,  15},
	    {{224},			  4,  4 }, /* multicast */
	    {{240},			  4,  4 },
            {{0},                            16, 96}, /* RFC 4291 s2.5.5.1 */
	    {{0, 0x64, 0xff, 0x9b, 0, 0x01}, 16, 48}, /* RFC 8215 */
	    {{1},			    16, 64}, /* RFC 6666 */
	    {{0xfe, 0xc0},                   16, 10}, /* RFC 3879 */
	    {{0xff},			 16, 8 }, /* multicast */
	};
	struct address to = translated(a);

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (network_has(&others[i], &to))
			return false;
	return !network_is_private(&to);
}

const char *
network_of(const struct address *a, char out[NETWORK_TEXT_MAX])
{
	char text[ADDRESS_TEXT_MAX];
	uint8_t ip[16];
	size_t len = address_ip_bytes(a, ip);
	unsigned bits = len == 4 ? V4_BITS : V6_BITS;
	struct address base;

	if (len == 0) {
		snprintf(out, NETWORK_TEXT_MAX, "local");
		return out;
	}
	mask(ip, len, bits);
	base = address_from_bytes(ip, len, 0);
	snprintf(
	    out, NETWORK_TEXT_MAX, "%s/%u", address_ip_text(&base, text), bits);
	return out;
}
