/* SPDX-License-Identifier: MIT */
/*
 * spf_ip: addresses as SPF records and macros write them, pure.
 */
#ifndef POLICY_SPF_IP_H
#define POLICY_SPF_IP_H

#include "common/util/buf.h"

/* "192.0.2.1", no zeros in front (RFC 7208 s12, ip4-network). */
bool spf_ip_parse4(struct str text, uint8_t out[4]);

/* Any form of RFC 4291 s2.2, without a zone. */
bool spf_ip_parse6(struct str text, uint8_t out[16]);

/* Are the first `bits' of both the same?  bits: at most 8 * len. */
bool spf_ip_same(const uint8_t *a, const uint8_t *b, size_t len, unsigned bits);

/* Make an IPv4-mapped address (RFC 4291 s2.5.5.2) the IPv4 one it is. */
void spf_ip_unmap(const uint8_t **ip, size_t *len);

/* Append for people: "192.0.2.1", "2001:db8::1" (RFC 5952). */
void spf_ip_text(const uint8_t *ip, size_t len, struct buf *out);

/* Append as macro i: "192.0.2.1", "2.0.0.1.0.D.B.8...." (RFC 7208
 * s7.3). */
void spf_ip_dotted(const uint8_t *ip, size_t len, struct buf *out);

#endif
