/* SPDX-License-Identifier: MIT */
/*
 * relay: carries queued mail to other servers.
 *
 *	queue (store) --due--> by destination --MX, A/AAAA--> connection
 *	    ^                                                    |
 *	    +---- outcome, hop, DSN: one transaction <-----------+
 *
 * Runs on maild's loop; jobs go to its store.  Looks at the queue when kicked
 * and when the next recipient is due.
 */
#ifndef MAILD_RELAY_RELAY_H
#define MAILD_RELAY_RELAY_H

#include "common/conf/conf.h"
#include "common/daemon/mailbox_notice.h"
#include "common/dns/resolver.h"
#include "common/net/loop.h"
#include "common/net/tls.h"
#include "common/net/worker.h"
#include "common/store/hop.h"
#include "common/store/store.h"
#include "common/util/clock.h"
#include "common/util/log.h"

struct relay;
struct relay_report;
struct smarthosts;
struct https;
struct sts;
struct tls_results;
struct metrics;
struct own_signer;

struct relay_deps { /* all borrowed, outlive the relay */
	struct loop *loop;
	struct store *store;
	struct resolver *resolver;
	struct workers *workers; /* reads bodies */
	struct tls *tls;         /* client context, which knows whom to trust;
	                          * NULL: no TLS at all, as in unit tests */
	const struct conf *conf;
	const struct log *log;
	const struct clock *clock;
	struct trace_source *traces;
	struct mailbox_notice *notice;
	struct metrics *metrics;
	const struct own_signer *signer; /* or NULL: nothing is signed */
	struct smarthosts *smarthosts;
	void (*waiting)(void *arg); /* what waits has changed; or NULL */
	void *waiting_arg;
	struct https *https;         /* or NULL, with sts and results */
	struct sts *sts;             /* NULL: relay.mta_sts is off */
	struct tls_results *results; /* NULL: relay.tls_reports is off */
	struct relay_report *report; /* set by the relay: its own */
};

struct relay *relay_new(const struct relay_deps *deps);

/* The queue may have changed: look now. */
void relay_kick(struct relay *r);

/* By a person's order: forget what is not being tried, and look. */
void relay_reload(struct relay *r);

/* Smarthosts have changed: what is not being sent yet goes by new connections.
 */
void relay_reroute(struct relay *r);

/* Begin no more attempts and say QUIT where nothing is under way. */
void relay_stop(struct relay *r);

/* Attempts under way; maild waits for 0 (a few seconds at most) at stop. */
size_t relay_active(const struct relay *r);
void relay_free(struct relay *r);

#endif
