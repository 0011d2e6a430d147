/* SPDX-License-Identifier: MIT */
/*
 * world: everything the relay needs, made for a test: a store with people in
 * it, a DNS that answers from a table, a clock that can be moved, and a loop
 * that runs until what is waited for has come.
 *
 * Whatever goes wrong here ends the program.
 */
#ifndef TESTS_UNIT_MAILD_WORLD_H
#define TESTS_UNIT_MAILD_WORLD_H

#include <stdio.h>
#include <stdlib.h>

#include "common/store/delivery.h"
#include "common/store/queue.h"
#include "common/store/smarthost.h"
#include "maild/metrics.h"
#include "maild/relay/relay.h"
#include "tests/test.h"
#include "tests/unit/maild/mx_actor.h"

#define MUST(call)                                                             \
	do {                                                                   \
		struct fail f = {0};                                           \
		if ((call) == -1) {                                            \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__,     \
			    f.text);                                           \
			exit(1);                                               \
		}                                                              \
	} while (0)

struct zone_row {
	const char *name;
	enum dns_type type;
	/* MX: "10 mx.e.test", several separated by commas; A: "127.0.0.2";
	 * TXT: one text; TLSA: one, hexadecimal or "CERT": 3 0 0 with the
	 * world's certificate;
	 * "FAIL": DNS_TEMPFAIL; "BYTES": malformed.  A name without any row is
	 * DNS_NXDOMAIN, without this type DNS_NODATA. */
	const char *data;
};

struct world {
	char dir[64];
	struct loop *loop;
	struct store *store;
	struct waker *reap;
	struct resolver *resolver;
	struct workers *workers;
	struct tls *client, *server; /* client NULL: no TLS */
	struct conf *conf;
	struct log log;
	int log_fd;
	struct clock clock;
	int64_t ahead_ms;  /* of the real clock */
	int64_t passed_ms; /* as much of the one that only grows */
	struct trace_source traces;
	struct mailbox_notice notice; /* to nobody */
	struct relay *relay;
	const struct zone_row *zone;
	size_t n_zone, questions;
	bool signed_dns;         /* every answer is secure */
	struct buf certificate;  /* the world's, DER */
	struct db *auth;         /* once world_smarthost() was called */
	struct store *passwords; /* then */
	struct smarthosts *smarthosts;
	struct sts *sts; /* once world_policy() was */
	bool with_policies;
	struct metrics metrics;
	struct db *db; /* for the test's own looks */
	int64_t bob;   /* account of bob@d.test */
	uint16_t port;
	bool (*until)(void *arg);
	void *until_arg;
	struct timer *timer, *stop;
	bool stop_now, stopped;
	int64_t give_up_ms;
	bool came;
};

/* hostname mx.d.test, bob@d.test, loopback MX allowed, short time-outs; may be
 * changed in w->conf before world_start(). */
void world_init(struct world *w, const struct zone_row *zone, size_t n);
void world_start(struct world *w); /* the relay begins */
void world_release(struct world *w);

/* Run until it is so; fails the test when that takes more than 20 s.  No
 * connection is left then: the end of a run closes them. */
void world_wait(struct world *w, bool (*until)(void *arg), void *arg);
void world_wait_idle(struct world *w); /* until the relay has nothing to do */

/* Stop the relay ms after the next run has begun; and, if `now', end that run
 * soon after, as when maild's patience is over. */
void world_stop_after(struct world *w, int64_t ms, bool now);

/* Put a message into the queue: recipients separated by spaces.  Its trace. */
int64_t world_queue(struct world *w, const char *sender, const char *recipients,
    struct str message);

/* From bob, said to need SMTPUTF8. */
int64_t world_queue_utf8(
    struct world *w, const char *recipients, struct str message);

/* The same with all that d says: trace, stage, skip, time and expiry are set
 * here. */
int64_t world_deliver(struct world *w, struct delivery *d, struct str message);

/* How many recipients the queue holds; the entry of one, to be released. */
size_t world_queued(struct world *w);
bool world_entry(struct world *w, const char *address, struct queue_entry *e);

/* How many messages are in bob's INBOX; the bytes of the last. */
size_t world_inbox(struct world *w, struct buf *last);

/* The relay's client knows whom to trust. */
void world_trust(struct world *w);

/* What was said in the attempts for a message, with their hosts. */
void world_attempts(struct world *w, int64_t trace, struct buf *out);

/* Before world_start(): a smarthost, with a password if s->login is not empty;
 * or an MTA-STS policy that is known already, as the TXT record's id says. */
void world_smarthost(
    struct world *w, const struct smarthost *s, const char *password);
void world_policy(
    struct world *w, const char *domain, const char *id, const char *text);

/* The journey as text: a line per hop: kind recipient peer code detail. */
void world_journey(struct world *w, int64_t trace, struct buf *out);

/* Everything logged so far. */
void world_log(struct world *w, struct buf *out);

bool world_has(const struct buf *text, const char *what);

#endif
