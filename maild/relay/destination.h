/* SPDX-License-Identifier: MIT */
/*
 * destination: the recipients in hand for one domain.
 *
 *	load --> WAITING --take--> SENDING --settle--> RECORDING --> gone
 *	            ^                 |
 *	            +----put back-----+
 *
 * A domain of ours (held messages come due) has no session: relay_local
 * delivers.
 *
 * At most 100 wait in memory and 600 are in hand, however many are due; more
 * are loaded when these have been taken, and their outcomes are on disk.  When
 * the whole destination turns out unreachable, busy, or not to exist,
 * destination_condemn() gives everything that was due by then the same outcome
 * without another attempt: in the store, without loading it, where there is
 * nothing more to say than that it is put off.
 *
 * Senders take turns: after a message, those of other senders come first.
 */
#ifndef MAILD_RELAY_DESTINATION_H
#define MAILD_RELAY_DESTINATION_H

#include "common/store/queue.h"
#include "maild/proto/smtp_outcome.h"
#include "maild/relay/flow.h"
#include "maild/relay/relay_internal.h"

#define DESTINATION_WAITING_MAX 100
#define DESTINATION_IN_HAND_MAX 600 /* whatever their state */

enum item_state {
	ITEM_WAITING,
	ITEM_SENDING,   /* a session has it */
	ITEM_RECORDING, /* its outcome goes to the store */
	ITEM_GONE,      /* on disk; kept while a load may still see it due */
	ITEM_STATES,
};

struct item {
	struct queue_entry e;
	enum item_state state; /* destination.c alone sets it */
	char *refusal;         /* why it is not even tried, or NULL */
	struct item *next;
};

struct destination {
	struct relay *relay;
	char *domain;
	struct slot slot;   /* its place among others */
	struct item *items; /* in the order of their turns */
	size_t n_items, n_in[ITEM_STATES];
	struct load *load;              /* under way, or NULL */
	bool more;                      /* load again: more is due */
	bool news;                      /* so may be what came meanwhile */
	int64_t loaded_ms;              /* the last load began */
	struct queue_key elsewhere;     /* due, but another destination has it
	                                 * in hand still; trace 0: none */
	bool local;                     /* the domain is ours */
	struct relay_local *delivering; /* under way, or NULL */
	struct relay_record **records;  /* on their way to the store */
	size_t n_records;
	struct relay_put_off *putting_off; /* under way, or NULL */
	struct smtp_outcome verdict;       /* set while condemned_ms is not 0 */
	int64_t condemned_ms;
	bool verdict_law; /* it spares those whom no TLS policy holds up */
	struct buf verdict_host, verdict_dialogue;
	size_t sessions;   /* kept by relay_session */
	size_t talking;    /* of these, how many the server talks to */
	int64_t silent_ms; /* since then there are sessions, and none talks; or
	                    * 0 */
	struct flow flow;
	struct destination *next, *chain;
};

struct destination *destination_new(struct relay *r, const char *domain);
void destination_free(struct destination *d);

/* More may be due: it is loaded when destination_turn() finds room, and now and
 * then only while what is in hand may be all that is meant. */
void destination_more(struct destination *d);
void destination_turn(struct destination *d);

/* By a person's order: forget what waits, and load it anew. */
void destination_forget(struct destination *d);

/* How long its servers have said nothing, while it was asked of them. */
int64_t destination_silence_ms(const struct destination *d, int64_t mono_ms);

/* How often what is in hand was tried: the most. */
int destination_tries(const struct destination *d);

/* No item, no session, nothing more to load: it may be freed. */
bool destination_is_done(const struct destination *d);

/* How many messages wait, counted up to max. */
size_t destination_messages(const struct destination *d, size_t max);

/* Give up to max items of one message to a session; how many. */
size_t destination_take(struct destination *d, struct item **items, size_t max);

/* The same of those alone that go whatever policy the destination has (RFC 8689
 * s5, TLS-Required: No); and is the first that waits one of them? */
size_t destination_take_waived(
    struct destination *d, struct item **items, size_t max);
bool destination_is_waived(const struct destination *d);

/* Does the first that waits need TLS (RFC 8689)? */
bool destination_is_for_tls(const struct destination *d);

/* A session gives one back untried. */
void destination_put_back(struct destination *d, struct item *i);

/* It is not to be sent any more, since a person said so: forget it. */
void destination_withdraw(struct destination *d, struct item *i);

/* The domain is ours by now: what waits is delivered here, and is not for
 * sessions any more. */
void destination_is_ours(struct destination *d);

/* What a session learned of how much the servers can take. */
void destination_pace(struct destination *d, enum pace_news news);

struct attempt {              /* who was asked; strings may be empty */
	struct str host;      /* "mx.example.org [192.0.2.1]" */
	struct str tls;       /* "TLSv1.3 TLS_AES_256_GCM_SHA384", or empty */
	bool clear;           /* it took commands without TLS, ... */
	struct str why_clear; /* ... since "STARTTLS is not offered"; or empty
	                       */
	bool law;             /* a TLS policy was in the way: not of those for
	                       * whom none counts (RFC 8689 s5) */
	bool all;             /* it is true of all that waits there */
	bool here;           /* nobody: what was sent is in a mailbox of ours */
	bool dsn;            /* it reports deliveries itself (RFC 3461) */
	struct str dialogue; /* what was said (store/attempt.h), or empty */
	int64_t at_ms;       /* with a dialogue: when */
};

/* These items had these outcomes: log, record, DSN.  Items are the
 * destination's again. */
void destination_settle(struct destination *d, struct item *const *items,
    const struct smtp_outcome *const *outcomes, size_t n,
    const struct attempt *a);

void destination_condemn(struct destination *d, const struct smtp_outcome *o,
    const struct attempt *a);

#endif
