/* SPDX-License-Identifier: MIT */
/*
 * stubdns: a DNS server of our own on 127.0.0.1, which knows what it is told
 * and says NXDOMAIN to everything else: nothing asks, and no mail reaches, the
 * world outside.  It follows CNAMEs, and for some names it is not well.
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

/* A record of any type; what it holds is copied. */
void stubdns_add(
    struct stubdns *d, const char *name, uint16_t type, struct str rdata);

/* How questions for a name are answered; later ones count over earlier. */
struct stubdns_habit {
	const char *name; /* borrowed, outlives d */
	uint16_t type;    /* 0: whatever is asked */
	int rcode;        /* with this, and without records, if not 0 */
	bool empty;       /* without records: "no data" */
	bool silent;      /* not at all */
	int64_t delay_ms; /* after so long */
};
void stubdns_behave(struct stubdns *d, const struct stubdns_habit *h);

#endif
