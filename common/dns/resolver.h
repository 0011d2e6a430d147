/* SPDX-License-Identifier: MIT */
/*
 * resolver: DNS questions without blocking (libunbound).
 *
 * libunbound runs in a child process that is forked by resolver_new(), so
 * call it before keys or databases are opened and before a sandbox is entered.
 * If the child dies, pending questions get DNS_TEMPFAIL and it is started
 * again.
 *
 * Names are plain ASCII A-labels without the final dot, at most 253 bytes.
 * Answers follow CNAMEs.  Every question ends by itself within 10 s.
 */
#ifndef DNS_RESOLVER_H
#define DNS_RESOLVER_H

#include "common/net/loop.h"
#include "common/util/fail.h"
#include "common/util/str.h"

struct resolver;
struct resolver_query;

enum dns_type {
	DNS_A = 1,
	DNS_CNAME = 5,
	DNS_PTR = 12,
	DNS_MX = 15,
	DNS_TXT = 16,
	DNS_AAAA = 28,
	DNS_SRV = 33,
	DNS_TLSA = 52
};

enum dns_status {
	DNS_OK,       /* at least one record of the type asked for */
	DNS_NODATA,   /* the name exists, without such a record */
	DNS_NXDOMAIN, /* no such name */
	DNS_TEMPFAIL, /* SERVFAIL, time-out, bogus: nothing is known */
};

struct dns_record {
	struct str data; /* rdata bytes as on the wire, names uncompressed */
};

#define DNS_WHY_BOGUS "DNSSEC: "

struct dns_answer {
	enum dns_status status;
	bool secure; /* validated by DNSSEC */
	uint32_t ttl_s;
	const char *canonical; /* where CNAMEs led (A-label, lower case, no
	                        * final dot), or NULL: there were none */
	size_t n;              /* at most 100 are given */
	const struct dns_record *records;
	const char *why; /* DNS_TEMPFAIL: a sentence; after DNS_WHY_BOGUS when
	                  * there is an answer, which does not validate */
};

/* Called exactly once unless cancelled; a is valid during the call. */
typedef void resolver_answer(void *arg, const struct dns_answer *a);

struct resolver_options {
	/* NULL and "" are the same */
	const char *forward; /* "127.0.0.1:5353": ask this server, or NULL:
	                        /etc/resolv.conf */
	const char *anchor;  /* file with trust anchors, or NULL: the root's;
	                      * with forward: none, nothing is validated */
	bool confined;       /* the child enters a sandbox (net/sandbox.h) */
};

struct resolver *resolver_new(
    struct loop *l, const struct resolver_options *o, struct fail *f);

/* For unit tests: fn answers instead of the network, at once or later
 * through resolver_inject(). */
typedef void resolver_fake(
    void *arg, struct resolver_query *q, struct str name, enum dns_type type);
struct resolver *resolver_new_fake(
    struct loop *l, resolver_fake *fn, void *arg);
void resolver_inject(struct resolver_query *q, const struct dns_answer *a);

/* Ask.  fn is never called before resolver_ask() returned. */
struct resolver_query *resolver_ask(struct resolver *r, struct str name,
    enum dns_type type, resolver_answer *fn, void *arg);
void resolver_cancel(struct resolver_query *q);
void resolver_free(struct resolver *r); /* pending ones are dropped */

#endif
