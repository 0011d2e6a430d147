/* SPDX-License-Identifier: MIT */
/*
 * stubdns: a DNS server of our own on 127.0.0.1, which knows what it is told
 * and says NXDOMAIN to everything else: nothing asks, and no mail reaches, the
 * world outside.
 */
#ifndef MAILCTL_STUBDNS_H
#define MAILCTL_STUBDNS_H

#include "common/net/loop.h"
#include "common/util/fail.h"
#include "common/util/str.h"

struct stubdns;

struct stubdns *stubdns_new(struct loop *l, struct fail *f);
void stubdns_free(struct stubdns *d);

/* "127.0.0.1:PORT", as dns.forward takes it; lives as long as d. */
const char *stubdns_address(const struct stubdns *d);

/* Names are lower-case A-labels without final dot; ip is IPv4 as text. */
void stubdns_add_mx(struct stubdns *d, const char *domain, const char *host);
void stubdns_add_txt(struct stubdns *d, const char *name, struct str text);
void stubdns_add_ptr(struct stubdns *d, const char *ip, const char *host);
void stubdns_add_a(struct stubdns *d, const char *host, const char *ip);

#endif
