/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <stdio.h>

#include "common/net/address.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is accepted can be written and read back as the same. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = {(const char *)data, size};
	char ip[ADDRESS_TEXT_MAX], text[ADDRESS_TEXT_MAX * 2];
	char literal[ADDRESS_TEXT_MAX];
	struct address a, again;

	if (!address_parse(in, &a))
		return 0;
	address_ip_text(&a, ip);
	address_literal_text(&a, literal);
	snprintf(text, sizeof(text), address_is_v6(&a) ? "[%s]:%u" : "%s:%u",
	    ip, address_port(&a));
	assert(address_parse(str_of(text), &again));
	assert(address_same_ip(&a, &again));
	assert(address_port(&a) == address_port(&again));
	assert(address_limit_key(&a) == address_limit_key(&again));
	assert(address_is_loopback(&a) == address_is_loopback(&again));
	return 0;
}
