/* SPDX-License-Identifier: MIT */
/*
 * safety: which TLS a server must have before it is given mail, and by whose
 * word.  Pure.
 *
 *	DANE > MTA-STS > a smarthost's row > opportunistic
 *
 * DANE whose records are of no use asks for TLS with whomever; a policy of
 * MTA-STS, if there is one, then still asks for more.
 */
#ifndef MAILD_RELAY_SAFETY_H
#define MAILD_RELAY_SAFETY_H

#include "common/policy/mtasts.h"
#include "common/store/smarthost.h"
#include "common/util/buf.h"
#include "maild/proto/smtp_client.h"
#include "maild/relay/dane.h"

enum safety_law {
	SAFETY_NONE,    /* opportunistic: in the clear at worst */
	SAFETY_TESTING, /* the same; MTA-STS asks how it would be */
	SAFETY_ADMIN,   /* the smarthost's row */
	SAFETY_STS,
	SAFETY_DANE,
};

enum safety_bar { /* why the server must not be used at all */
	SAFETY_OPEN,
	SAFETY_NOT_NAMED, /* it is none of the MTA-STS policy's */
	SAFETY_UNKNOWN,   /* DNS does not say whether it has TLSA records */
};

struct safety_facts {
	bool named; /* a person has named the server: smarthost, rerouted */
	enum smarthost_tls smarthost;    /* then; MAY if it is none */
	bool login;                      /* we are to log in there */
	const struct mtasts_policy *sts; /* of the domain, or NULL */
	enum dane_result dane;           /* of the server; NONE if not asked */
	bool secure; /* its name and address came by DNSSEC */
	struct str domain, host;
};

struct safety {
	enum safety_law law;
	enum safety_bar bar;
	enum smtp_tls tls;
	bool inside;   /* TLS from the first octet */
	bool records;  /* it must match TLSA records */
	bool mismatch; /* SAFETY_TESTING: it is none of the policy's */
	bool guessed;  /* its name is from DNS without DNSSEC, and in no MTA-STS
	                * policy (RFC 8689 s4.2.1) */
};

struct safety safety_of(const struct safety_facts *f);

/* Who says so, as in "TLS required by ..."; NULL: nobody. */
const char *safety_who(const struct safety *s);

/* Append what a hop says of TLS that is there: ", verified by DANE". */
void safety_tell(const struct safety *s, bool verified, struct buf *out);

#endif
