/* SPDX-License-Identifier: MIT */
/*
 * relay_route: to which servers the mail of a destination goes, and what is
 * asked of them:
 *
 *	"=host:port"	that server
 *	a smarthost	its row's, with TLS and login as it says
 *	else		by MX, and beside it the domain's MTA-STS policy
 */
#ifndef MAILD_RELAY_RELAY_ROUTE_H
#define MAILD_RELAY_RELAY_ROUTE_H

#include "common/store/smarthost.h"
#include "common/util/secret.h"
#include "maild/relay/mx.h"
#include "maild/relay/relay.h"

struct relay_route {
	/* set by the owner before relay_route_find() */
	void (*found)(void *arg);
	void *arg;

	/* after found() */
	struct mx_targets targets; /* empty: failure says why */
	struct smtp_outcome failure;
	bool named; /* a person has named the server */
	enum smarthost_tls smarthost;
	char *login; /* or NULL */
	struct secret password;
	struct mtasts_policy *sts; /* or NULL */
	char *sts_text;            /* what it points into */

	/* its own */
	const struct relay_deps *deps;
	struct relay_self *self;
	char *domain;
	struct mx *mx;                 /* while asking */
	struct sts_question *question; /* while asking */
	struct timer *timer;           /* smarthosts are not known yet */
	char *row; /* the smarthost's, if we log in, or NULL */
	struct smarthost_door *door; /* of a smarthost, or NULL */
	bool shut;                   /* our login was refused lately */
};

/* Look.  found is called once, never before this returned, unless it is
 * released before; it may release it. */
void relay_route_find(struct relay_route *r, const struct relay_deps *deps,
    struct relay_self *self, const char *domain);
void relay_route_release(struct relay_route *r);

/* What became of our login, if this route has one: NULL: it was taken, else it
 * was refused like this. */
void relay_route_login(struct relay_route *r, const struct smtp_outcome *why);

/* How many routes lead to the same smarthost now, this one included; 0: it is
 * none. */
size_t relay_route_beside(const struct relay_route *r);

/* Is it still looking? */
bool relay_route_is_open(const struct relay_route *r);

#endif
