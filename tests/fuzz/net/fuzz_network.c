/* SPDX-License-Identifier: MIT */
/* What is a network has its own address in it; every address is in the network
 * it is counted for, and is private, public or neither, not both. */
#include <assert.h>
#include <string.h>

#include "common/net/network.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_address(const struct address *a)
{
	char text[NETWORK_TEXT_MAX];
	struct network n;

	assert(!network_is_private(a) || !network_is_public(a));
	bool read = network_parse(str_of(network_of(a, text)), &n);
	assert(read && network_has(&n, a));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = {(const char *)data, size};
	struct network n;
	struct address a;

	if (network_parse(text, &n)) {
		assert(n.ip_len == 4 || n.ip_len == 16);
		assert(n.bits <= 8 * n.ip_len);
		a = address_from_bytes(n.ip, n.ip_len, 25);
		assert(network_has(&n, &a));
		check_address(&a);
	}
	if (address_from_ip(text, 25, &a))
		check_address(&a);
	if (size == 4 || size == 16) {
		a = address_from_bytes(data, size, 25);
		check_address(&a);
	}
	return 0;
}
