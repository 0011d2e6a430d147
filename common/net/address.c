/* SPDX-License-Identifier: MIT */
#include "common/net/address.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

static struct sockaddr_in *
as_v4(struct address *a)
{
	return (struct sockaddr_in *)&a->sa;
}

static struct sockaddr_in6 *
as_v6(struct address *a)
{
	return (struct sockaddr_in6 *)&a->sa;
}

size_t
address_ip_bytes(const struct address *a, uint8_t out[16])
{
	const struct sockaddr_in6 *v6 = (const void *)&a->sa;

	if (a->sa.ss_family == AF_INET) {
		const struct sockaddr_in *v4 = (const void *)&a->sa;

		memcpy(out, &v4->sin_addr, 4);
		return 4;
	}
	if (a->sa.ss_family != AF_INET6)
		return 0;
	if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
		memcpy(out, v6->sin6_addr.s6_addr + 12, 4);
		return 4;
	}
	memcpy(out, v6->sin6_addr.s6_addr, 16);
	return 16;
}

struct address
address_from_bytes(const uint8_t *bytes, size_t len, uint16_t port)
{
	struct address a = {0};

	assert(len == 4 || len == 16);
	if (len == 4) {
		as_v4(&a)->sin_family = AF_INET;
		as_v4(&a)->sin_port = htons(port);
		memcpy(&as_v4(&a)->sin_addr, bytes, 4);
	} else {
		as_v6(&a)->sin6_family = AF_INET6;
		as_v6(&a)->sin6_port = htons(port);
		memcpy(&as_v6(&a)->sin6_addr, bytes, 16);
	}
	return a;
}

bool
address_from_ip(struct str ip, uint16_t port, struct address *out)
{
	char text[ADDRESS_TEXT_MAX];
	uint8_t bytes[16];
	size_t colon;
	bool v6 = str_find(ip, ':', &colon);

	if (ip.len == 0 || ip.len >= sizeof(text) ||
	    memchr(ip.at, '\0', ip.len) != NULL)
		return false;
	memcpy(text, ip.at, ip.len);
	text[ip.len] = '\0';
	if (inet_pton(v6 ? AF_INET6 : AF_INET, text, bytes) != 1)
		return false;
	*out = address_from_bytes(bytes, v6 ? 16 : 4, port);
	return true;
}

bool
address_parse(struct str text, struct address *out)
{
	struct str ip;
	uint64_t port;
	size_t colon;

	if (!str_find_last(text, ':', &colon))
		return false;
	ip = str_first(text, colon);
	if (!str_to_u64(str_after(text, colon + 1), UINT16_MAX, &port))
		return false;
	if (str_eq(ip, STR("*")))
		return address_from_ip(STR("::"), (uint16_t)port, out);
	if (str_take(&ip, '[')) {
		if (ip.len == 0 || ip.at[ip.len - 1] != ']')
			return false;
		ip.len--;
		return str_find(ip, ':', &colon) &&
		       address_from_ip(ip, (uint16_t)port, out);
	}
	return !str_find(ip, ':', &colon) &&
	       address_from_ip(ip, (uint16_t)port, out);
}

bool
address_from_path(const char *path, struct address *out)
{
	struct sockaddr_un *un = (struct sockaddr_un *)&out->sa;
	size_t len = strlen(path);

	*out = (struct address){0};
	if (len == 0 || len >= sizeof(un->sun_path))
		return false;
	un->sun_family = AF_UNIX;
	memcpy(un->sun_path, path, len + 1);
	return true;
}

socklen_t
address_len(const struct address *a)
{
	const struct sockaddr_un *un = (const void *)&a->sa;

	switch (a->sa.ss_family) {
	case AF_INET:
		return sizeof(struct sockaddr_in);
	case AF_INET6:
		return sizeof(struct sockaddr_in6);
	case AF_UNIX:
		return (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
				   strlen(un->sun_path) + 1);
	}
	return sizeof(a->sa);
}

uint16_t
address_port(const struct address *a)
{
	switch (a->sa.ss_family) {
	case AF_INET:
		return ntohs(((const struct sockaddr_in *)&a->sa)->sin_port);
	case AF_INET6:
		return ntohs(((const struct sockaddr_in6 *)&a->sa)->sin6_port);
	}
	return 0;
}

bool
address_is_loopback(const struct address *a)
{
	static const uint8_t v6[16] = {[15] = 1};
	uint8_t ip[16];
	size_t len = address_ip_bytes(a, ip);

	return (len == 4 && ip[0] == 127) ||
	       (len == 16 && memcmp(ip, v6, 16) == 0);
}

bool
address_is_v6(const struct address *a)
{
	uint8_t ip[16];

	return address_ip_bytes(a, ip) == 16;
}

bool
address_same_ip(const struct address *a, const struct address *b)
{
	uint8_t x[16], y[16];
	size_t len = address_ip_bytes(a, x);

	return len > 0 && address_ip_bytes(b, y) == len &&
	       memcmp(x, y, len) == 0;
}

const char *
address_ip_text(const struct address *a, char out[ADDRESS_TEXT_MAX])
{
	uint8_t ip[16];
	size_t len = address_ip_bytes(a, ip);

	if (len == 0)
		snprintf(out, ADDRESS_TEXT_MAX, "local");
	else
		inet_ntop(
		    len == 4 ? AF_INET : AF_INET6, ip, out, ADDRESS_TEXT_MAX);
	return out;
}

const char *
address_literal_text(const struct address *a, char out[ADDRESS_TEXT_MAX])
{
	char ip[ADDRESS_TEXT_MAX];

	/* RFC 5321 s4.1.3 */
	snprintf(out, ADDRESS_TEXT_MAX, "%s%.*s",
	    address_is_v6(a) ? "IPv6:" : "", INET6_ADDRSTRLEN,
	    address_ip_text(a, ip));
	return out;
}

uint64_t
address_limit_key(const struct address *a)
{
	uint8_t ip[16];
	size_t len = address_ip_bytes(a, ip);
	uint64_t key = 0;

	/* the first half of an IPv6 address is never one of these: 0::/64
	 * holds nothing but ::1, and ::/128 */
	for (size_t i = 0; i < (len == 16 ? 8 : len); i++)
		key = key << 8 | ip[i];
	return key;
}
