/* SPDX-License-Identifier: MIT */
#include "common/control/server_name.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "common/mime/addr.h"

/* An address with or without brackets. */
static bool
add_address(struct str text, struct buf *out)
{
	char plain[INET6_ADDRSTRLEN], shown[INET6_ADDRSTRLEN];
	uint8_t octets[16];
	int family;

	if (str_take(&text, '['))
		text = str_first(text, text.len > 0 ? text.len - 1 : 0);
	if (text.len >= sizeof(plain))
		return false;
	snprintf(plain, sizeof(plain), "%.*s", STR_FMT(text));
	family = strchr(plain, ':') != NULL ? AF_INET6 : AF_INET;
	if (inet_pton(family, plain, octets) != 1)
		return false;
	inet_ntop(family, octets, shown, sizeof(shown));
	buf_addf(out, "[%s]", shown);
	return true;
}

/* ":25" */
static bool
read_port(struct str text, uint16_t *out)
{
	uint64_t port;

	if (!str_take(&text, ':') || !str_to_u64(text, UINT16_MAX, &port) ||
	    port == 0)
		return false;
	*out = (uint16_t)port;
	return true;
}

bool
server_name_read(struct str text, struct buf *host, uint16_t *port)
{
	struct str name = text, rest = STR("");
	size_t at;

	*port = 0;
	if (str_starts(text, STR("["))) {
		if (!str_find(text, ']', &at))
			return false;
		name = str_first(text, at + 1);
		rest = str_after(text, at + 1);
	} else if (str_find(text, ':', &at)) {
		name = str_first(text, at);
		rest = str_after(text, at);
	}
	if (rest.len > 0 && !read_port(rest, port))
		return false;
	if (add_address(name, host))
		return true;
	return !str_starts(name, STR("[")) && addr_domain_fold(name, host);
}
