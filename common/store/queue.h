/* SPDX-License-Identifier: MIT */
/*
 * queue: recipients that wait to be relayed.
 *
 * delivery_run() puts them in; maild takes what is due, tries, and records
 * the outcome, the hop, and any DSN in one transaction.  What is being
 * tried is maild's knowledge, not the store's: after a crash it is simply due.
 */
#ifndef STORE_QUEUE_H
#define STORE_QUEUE_H

#include <stdint.h>

#include "common/store/db.h"
#include "common/store/hop.h"
#include "common/util/str.h"

struct queue_entry { /* one recipient with its message; all strings malloc'd */
	int64_t trace;
	int n;
	char *address, *domain, *original; /* original may be NULL */
	bool held;
	int64_t next_ms, created_ms, expires_ms;
	int tries;
	int last_code;
	int64_t last_ms;              /* 0: not tried */
	char *last_reply, *last_host; /* may be NULL */
	char *sender;                 /* for MAIL FROM */
	char *return_to; /* who hears of it: the sender before SRS */
	char *original_recipient, *envelope_id; /* may be NULL */
	unsigned notify;                        /* 0: not said */
	int ret;
	int64_t hold_until_ms; /* 0: it was to go at once */
	bool told;             /* the sender knows that it takes long */
	int64_t body, account;
	uint64_t skip, size;
	bool utf8, eight_bit, binary, require_tls;
};
void queue_entry_release(struct queue_entry *e);

/* Who is told of the fate of its mail.  NULL: nobody. */
const char *queue_entry_sender(const struct queue_entry *e);

struct queue_list {
	struct queue_entry *entries;
	size_t n;
};
void queue_list_release(struct queue_list *l);

/* Domains with something due at now_ms (at most max, most overdue first): an
 * array of strings in one malloc'd block, so that free(domains) frees all. */
int queue_due_domains(struct db *db, int64_t now_ms, size_t max,
    char ***domains, size_t *n, struct fail *f);

/* What is due for a domain, most overdue first, at most max. */
int queue_due(struct db *db, struct str domain, int64_t now_ms, size_t max,
    struct queue_list *out, struct fail *f);

/* When something is next due; INT64_MAX when nothing waits. */
int queue_next_due(struct db *db, int64_t *when_ms, struct fail *f);

enum queue_result {
	QUEUE_RELAYED,
	QUEUE_DEFERRED,
	QUEUE_FAILED,
	QUEUE_EXPIRED,
	QUEUE_DELIVERED, /* here: queue_deliver() instead of queue_record() */
};

struct queue_outcome {
	int64_t trace;
	int n;
	enum queue_result result;
	int64_t next_ms; /* QUEUE_DEFERRED: when to try again */
	int64_t now_ms;
	int code;          /* SMTP reply code, 0 if there was none */
	struct str reply;  /* the remote's words, or our sentence */
	struct str host;   /* "mx.example.org [192.0.2.1]" */
	struct str detail; /* of the hop: TLS and the like, then the reply */
	bool report; /* QUEUE_RELAYED: write a report row, if it is asked for */
	bool told;   /* QUEUE_DEFERRED: a DSN says so, in this transaction */
};

/* Record one outcome and its hop.  A recipient that is done leaves the queue,
 * its message's last one takes the body's reference along.  A recipient that
 * is no longer there (dropped meanwhile) is no error.  In a write transaction.
 */
int queue_record(struct db *db, const struct queue_outcome *o, struct fail *f);

/* A recipient of ours whose time has come (FUTURERELEASE): the message goes
 * where the address leads now: into mailboxes, and for what leads elsewhere
 * there are new recipients.  With hops, report row and removal from the queue.
 * FAIL_QUOTA or FAIL_PERM (no such address): nothing is changed.  mailboxes is
 * grown, owned by the caller.  In a write transaction. */
struct route_options;
int queue_deliver(struct db *db, int64_t trace, int n,
    const struct route_options *o, int64_t now_ms, int64_t **mailboxes,
    size_t *n_mailboxes, struct fail *f);

/* For people.  trace 0 means every message; domain empty means every domain. */
int queue_read(struct db *db, int64_t trace, struct str domain, size_t max,
    struct queue_list *out, struct fail *f);

/* How many recipients wait, and how many are held. */
int queue_count(struct db *db, size_t *waiting, size_t *held, struct fail *f);

enum queue_order {
	QUEUE_RETRY,
	QUEUE_HOLD,
	QUEUE_RELEASE,
	QUEUE_DROP
};

/* Change recipients; a hop each by mailctl.  In a write transaction. */
int queue_change(struct db *db, enum queue_order order, int64_t trace,
    struct str domain, int64_t now_ms, size_t *changed, struct fail *f);

#endif
