/* SPDX-License-Identifier: MIT */
/*
 * relay_record: what became of some recipients, on its way into the store:
 * one transaction for queue, journey, mailbox and DSN; for what was said (if
 * not all was delivered), and for what is learnt of the address.
 *
 * When the store cannot write, it tries again until it can, so that what was
 * relayed once is not relayed again; the owner keeps these recipients out of
 * new attempts until done() is called.
 *
 * A delivery here that turns out impossible at that moment is put off.
 *
 * Life: new, add..., submit; it frees itself after done().
 */
#ifndef MAILD_RELAY_RELAY_RECORD_H
#define MAILD_RELAY_RELAY_RECORD_H

#include "common/store/queue.h"
#include "maild/proto/smtp_outcome.h"
#include "maild/relay/relay.h"

struct relay_record;

struct relay_key {
	int64_t trace;
	int n;
};

/* It is on disk.  keys are valid during the call, r is freed after it. */
typedef void relay_record_done(void *arg, const struct relay_record *r,
    const struct relay_key *keys, size_t n);

struct relay_record *relay_record_new(
    const struct relay_deps *deps, relay_record_done *done, void *arg);

struct relay_verdict {
	enum queue_result result;
	int64_t now_ms, next_ms;
	const struct smtp_outcome *outcome;
	struct str host;     /* "mx.example.org [192.0.2.1]", or empty */
	struct str dialogue; /* of the attempt, or empty */
	int64_t said_ms;     /* when */
	struct str detail;   /* of the hop */
	bool report; /* tell the sender, if he asked: nobody else will */
	bool tell;   /* QUEUE_DEFERRED: tell him of the delay */
	bool all;    /* then: and of all of the message that wait with it, who
	              * share its fate */
};

/* Everything is copied.  Recipients that are given up (QUEUE_FAILED,
 * QUEUE_EXPIRED), or of whose delay the sender is told, must be of one message
 * and alone: they make one DSN, as far as the sender wants to hear of them. */
void relay_record_add(struct relay_record *r, const struct queue_entry *e,
    const struct relay_verdict *v);
void relay_record_submit(struct relay_record *r);

/* The owner goes away: done() is not called. */
void relay_record_disown(struct relay_record *r);

#endif
