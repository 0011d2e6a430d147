/* SPDX-License-Identifier: MIT */
/*
 * route: where mail for an address goes, decided at RCPT.
 *
 * Order: the address itself, without its +detail, the catch-all; aliases
 * are followed to at most 20 levels, each address once (a loop of aliases
 * is ROUTE_LOOP); postmaster and abuse of a local domain always exist.
 */
#ifndef STORE_ROUTE_H
#define STORE_ROUTE_H

#include <stdint.h>

#include "common/store/db.h"
#include "common/util/str.h"

#define ROUTE_TARGETS_MAX 1000

enum route_result {
	ROUTE_OK,      /* targets hold where it goes */
	ROUTE_REMOTE,  /* the domain is not ours; one target, for who may relay
	                */
	ROUTE_UNKNOWN, /* our domain, no such address */
	ROUTE_FULL,    /* a target has no room for size octets */
	ROUTE_LOOP,    /* aliases lead in a circle or too far */
};

struct route_target {
	int64_t account;   /* 0: relay to `address' */
	char address[321]; /* folded: the account's login, or the remote address
	                    */
};

struct route {
	enum route_result result;
	size_t n;
	struct route_target *targets; /* owned; route_release() */
	uint64_t room; /* octets, in the fullest of its mailboxes; UINT64_MAX:
	                * none has a quota */
};

struct route_options {
	struct str postmaster; /* folded address, or empty: the first account */
	uint64_t size;         /* octets announced, 0 if unknown */
	bool own_only; /* no implicit postmaster or abuse: whose address is it?
	                */
};

/* address: local@domain as in RCPT, without brackets; folded here.  An address
 * without domain is `postmaster' only (RFC 5321 s4.5.1).  0, or -1 when the
 * store could not be asked. */
int route_find(struct db *db, struct str address, const struct route_options *o,
    struct route *out, struct fail *f);
void route_release(struct route *r);

#endif
