/* SPDX-License-Identifier: MIT */
/* network: a range of addresses, as settings name it. */
#ifndef NET_NETWORK_H
#define NET_NETWORK_H

#include "common/net/address.h"

#define NETWORK_TEXT_MAX (ADDRESS_TEXT_MAX + 4) /* with NUL */

struct network {
	uint8_t ip[16];
	size_t ip_len; /* 4 or 16 */
	unsigned bits;
};

/* "192.0.2.0/24", "2001:db8::/32", or one address alone.  False if it is none
 * of these, or an address inside of a network ("192.0.2.1/24"). */
bool network_parse(struct str text, struct network *out);

/* Is the address, whatever its port, in it? */
bool network_has(const struct network *n, const struct address *a);

/* Is it one that means nothing in the Internet: this host's, a private or
 * link-local one, a carrier's (RFC 6890)? */
bool network_is_private(const struct address *a);

/* May a stranger's name send us to it: not private, nor one that stands for a
 * private IPv4 address, that is no single host's, or reserved (RFC 6890)? */
bool network_is_public(const struct address *a);

/* The network that mail of an address is counted for: "192.0.2.0/24",
 * "2001:db8:0:1::/64". */
const char *network_of(const struct address *a, char out[NETWORK_TEXT_MAX]);

#endif
