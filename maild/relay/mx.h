/* SPDX-License-Identifier: MIT */
/*
 * mx: where to connect for a domain (RFC 5321 s5.1, RFC 7505).
 *
 *	MX --records--> by preference, equals shuffled --A, AAAA--> targets
 *	 |--none--> the domain itself --A, AAAA--> targets
 *	 |--"0 ."--> never takes mail
 *
 * At most 100 records are looked at, the addresses of five hosts are asked at
 * a time, the next five only when these have none, and at most 10 addresses
 * are given.  A host that is ourselves takes with it all that are not better.
 */
#ifndef MAILD_RELAY_MX_H
#define MAILD_RELAY_MX_H

#include "common/dns/message.h"
#include "common/dns/resolver.h"
#include "common/net/address.h"
#include "common/net/loop.h"
#include "maild/proto/smtp_outcome.h"
#include "maild/relay/relay_self.h"

#define MX_TARGETS_MAX 10

struct mx_target {
	char host[256]; /* A-label; the literal for [192.0.2.1] */
	bool literal;   /* host is no name to be verified or sent in SNI */
	struct address address; /* with the port */
	bool secure; /* MX, name and address came by DNSSEC: DANE may apply */
	char canonical[256]; /* where the host's CNAMEs led by secure answers,
	                      * or empty */
};

struct mx_targets {
	size_t n;
	struct mx_target at[MX_TARGETS_MAX]; /* in the order to be tried */
	char expanded[256]; /* where the domain's own CNAMEs led by secure
	                     * answers, or empty: with the domain a name that
	                     * is as good as the host's (RFC 7672 s3.2.2) */
};

struct mx_options { /* borrowed until free */
	struct loop *loop;
	struct resolver *resolver;
	struct relay_self *self;
	uint16_t port;
	bool direct; /* the domain is a host that a person has named: MX is not
	              * asked, and it may be on this machine */
};

/* why is NULL and targets is not empty; or why says what to do with the mail:
 * SMTP_TEMP or SMTP_PERM.  Both are valid during the call; the mx may be freed
 * in it. */
typedef void mx_found(void *arg, const struct smtp_outcome *why,
    const struct mx_targets *targets);

struct mx;

/* Find the targets of a folded domain, or of a literal "[192.0.2.1]".  found
 * is called once, never before this returned, unless freed before. */
struct mx *mx_new(
    const struct mx_options *o, struct str domain, mx_found *found, void *arg);
void mx_free(struct mx *m);

#endif
