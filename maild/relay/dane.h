/* SPDX-License-Identifier: MIT */
/*
 * dane: the TLSA records of one mail server (RFC 6698, RFC 7672), asked for
 * when its name and address were found by way of DNSSEC.
 */
#ifndef MAILD_RELAY_DANE_H
#define MAILD_RELAY_DANE_H

#include "common/dns/resolver.h"
#include "common/net/tlsa.h"

enum dane_result {
	DANE_NONE,     /* there are none: as without DANE */
	DANE_USABLE,   /* the server must match one of them */
	DANE_UNUSABLE, /* all are of kinds that mail does not know: TLS, with
	                * whomever (RFC 7672 s2.2) */
	DANE_UNKNOWN,  /* DNS does not say: the server must not be used now
	                * (RFC 7672 s2.1.2) */
};

struct dane_answer {
	enum dane_result result;
	size_t n;
	const struct tlsa *records; /* valid during the call; DANE_USABLE: those
	                             * that are; DANE_UNUSABLE: as they came */
	const char *base; /* TLSA base domain: the name the server may have */
	const char *why;  /* DANE_UNKNOWN: which question, and why it failed */
	bool bogus;       /* then: there is an answer, which DNSSEC refutes */
};

typedef void dane_found(void *arg, const struct dane_answer *a);

struct dane;

/* host as MX names it; canonical: where its CNAMEs led by secure answers, or
 * NULL: asked first then, host when that has none (RFC 7672 s2.2.3).  found is
 * called once, never before this returned; d may be freed in it. */
struct dane *dane_ask(struct resolver *r, struct str host,
    const char *canonical, uint16_t port, dane_found *found, void *arg);
void dane_free(struct dane *d); /* found is not called any more */

#endif
