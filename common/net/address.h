/* SPDX-License-Identifier: MIT */
/*
 * address: an IPv4 or IPv6 socket address, as text and as bytes.
 */
#ifndef NET_ADDRESS_H
#define NET_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "common/util/str.h"

#define ADDRESS_TEXT_MAX 64 /* with NUL */

struct address {
	struct sockaddr_storage sa;
};

/* "192.0.2.1:25", "[2001:db8::1]:25", "*:25" ([::]).  False if not that. */
bool address_parse(struct str text, struct address *out);

/* An IP address without port; the port is given beside it. */
bool address_from_ip(struct str ip, uint16_t port, struct address *out);

/* From the bytes of an A (4) or AAAA (16) record. */
struct address address_from_bytes(
    const uint8_t *bytes, size_t len, uint16_t port);

/* And back: 4 or 16, an IPv4-mapped one as 4; 0 if it is no IP address. */
size_t address_ip_bytes(const struct address *a, uint8_t out[16]);

uint16_t address_port(const struct address *a);
bool address_is_loopback(const struct address *a);
bool address_is_v6(const struct address *a);

/* Same IP, whatever the port; an IPv4-mapped IPv6 address equals its IPv4. */
bool address_same_ip(const struct address *a, const struct address *b);

/* The IP as text ("192.0.2.1", "2001:db8::1"); v4-mapped is shown as IPv4. */
const char *address_ip_text(
    const struct address *a, char out[ADDRESS_TEXT_MAX]);

/* As in Received and HELO literals: "192.0.2.1", "IPv6:2001:db8::1". */
const char *address_literal_text(
    const struct address *a, char out[ADDRESS_TEXT_MAX]);

/* A Unix socket's path as an address; false when it is too long for one. */
bool address_from_path(const char *path, struct address *out);

/* Bytes of sa in use, as connect(2) and bind(2) want it. */
socklen_t address_len(const struct address *a);

/* The key limits are counted by: IPv4 whole, IPv6 its /64. */
uint64_t address_limit_key(const struct address *a);

#endif
