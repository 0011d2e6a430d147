/* SPDX-License-Identifier: MIT */
/*
 * destination: the recipients in hand for one domain.
 *
 *	load --> WAITING --take--> SENDING --settle--> RECORDING --> gone
 *	            ^                 |
 *	            +----put back-----+
 *
 * A domain of ours (held messages come due) has no session: relay_local
 *delivers.
 *
 * At most 100 wait in memory and 600 are in hand, however many are due; more
 * are loaded when these have been taken, and their outcomes are on disk.  When
 *the whole destination turns out unreachable, or not to exist,
 *destination_condemn() gives everything that was due by then the same outcome
 *without another attempt.
 */
#ifndef MAILD_DESTINATION_H
#define MAILD_DESTINATION_H

#include "common/store/queue.h"
#include "maild/proto/smtp_outcome.h"
#include "maild/relay/relay_internal.h"

#define DESTINATION_WAITING_MAX 100
#define DESTINATION_IN_HAND_MAX 600 /* whatever their state */

enum item_state {
	ITEM_WAITING,
	ITEM_SENDING,   /* a session has it */
	ITEM_RECORDING, /* its outcome goes to the store */
	ITEM_GONE,      /* on disk; kept while a load may still see it due */
};

struct item {
	struct queue_entry e;
	enum item_state state;
	struct item *next;
};

struct destination {
	struct relay *relay;
	char *domain;
	struct item *items;             /* most overdue first */
	struct load *load;              /* under way, or NULL */
	bool more;                      /* load again */
	bool local;                     /* the domain is ours */
	struct relay_local *delivering; /* under way, or NULL */
	struct relay_record **records;  /* on their way to the store */
	size_t n_records;
	struct smtp_outcome verdict; /* set while condemned_ms is not 0 */
	int64_t condemned_ms;
	struct buf verdict_host;
	size_t sessions; /* kept by relay_session */
	size_t talking;  /* of these, how many the server talks to */
	struct destination *next;
};

struct destination *destination_new(struct relay *r, const char *domain);
void destination_free(struct destination *d);

/* More may be due: it is loaded when destination_turn() finds room. */
void destination_more(struct destination *d);
void destination_turn(struct destination *d);

/* No item, no session, nothing more to load: it may be freed. */
bool destination_is_done(const struct destination *d);

/* How many messages wait, counted up to max. */
size_t destination_messages(const struct destination *d, size_t max);

/* Give up to max items of one message to a session; how many. */
size_t destination_take(struct destination *d, struct item **items, size_t max);

/* A session gives one back untried. */
void destination_put_back(struct destination *d, struct item *i);

/* What a session learned of how much the servers can take. */
enum pace_news {
	PACE_GOOD,    /* a message was taken */
	PACE_BUSY,    /* 421, or "too many connections" */
	PACE_REFUSED, /* a further connection did not come about */
};
void destination_pace(struct destination *d, enum pace_news news);

struct attempt {             /* who was asked; strings may be empty */
	struct str host;     /* "mx.example.org [192.0.2.1]" */
	struct str tls;      /* "TLSv1.3 TLS_AES_256_GCM_SHA384"; empty: in the
	                      * clear, or not connected */
	bool dsn;            /* it reports deliveries itself (RFC 3461) */
	struct str dialogue; /* what was said (store/attempt.h), or empty */
};

/* These items had these outcomes: log, record, DSN.  Items are the
 * destination's again. */
void destination_settle(struct destination *d, struct item *const *items,
    const struct smtp_outcome *const *outcomes, size_t n,
    const struct attempt *a);

void destination_condemn(struct destination *d, const struct smtp_outcome *o,
    const struct attempt *a);

#endif
