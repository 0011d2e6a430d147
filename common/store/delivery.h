/* SPDX-License-Identifier: MIT */
/*
 * delivery: the transaction by which we take responsibility for a message.
 *
 * One body, a message in every local account's INBOX, a queue recipient for
 * every remote address, the counters, the journey: together or not at all.
 * An account named twice gets one copy.
 */
#ifndef STORE_DELIVERY_H
#define STORE_DELIVERY_H

#include <stdint.h>

#include "common/store/db.h"
#include "common/store/hop.h"
#include "common/store/stage.h"
#include "common/util/str.h"

struct delivery_target {
	int64_t account;    /* 0: queue it for `address' */
	struct str address; /* login, or remote address as to be sent in RCPT */
	struct str original; /* what RCPT said, when an alias changed it; or
	                      * empty: a ROUTED hop is written for it */
	unsigned notify;     /* RFC 3461 NOTIFY, bits of smtp_server.h; 0: not
	                      * said.  SUCCESS of a local one: a report row */
	struct str original_recipient; /* ORCPT as given, or empty */
};

struct delivery {
	int64_t trace;       /* from hop_new_trace() */
	struct stage *stage; /* sealed, borrowed */
	uint64_t
	    skip; /* octets at the front that are not relayed (Return-Path) */
	struct str sender; /* reverse-path, empty for <> */
	struct str message_id;
	bool utf8, eight_bit, binary, require_tls;
	bool tls_optional; /* TLS-Required: No: no policy holds it up, and no
	                    * TLS report is written of it */
	bool junk; /* into the mailbox with \Junk, if the account has one */
	struct str relay_sender; /* reverse-path of what is relayed, if it is
	                          * another (SRS); or empty */
	struct str envelope_id;  /* ENVID, or empty */
	int ret;                 /* RET, 0: not said */
	int64_t hold_until_ms;   /* 0: now.  Otherwise all of it, local targets
	                          * too, waits in the queue until then */
	struct str hold_why;     /* for the journey, or empty */
	const struct verdict *verdict; /* what was found out, or NULL */
	int64_t now_ms, expires_ms;
	int64_t account; /* submitter, 0 if none */
	enum hop_daemon daemon;
	const struct delivery_target *targets;
	size_t n_targets;
	const struct hop
	    *hops; /* written before those of the delivery itself */
	size_t n_hops;
};

/* Inside a write transaction.  FAIL_QUOTA when a mailbox is full (nothing is
 * delivered then), or the disk's words.  mailboxes (room for n_targets) are the
 * *n that got a message, for those who look at them; NULL: nobody asks. */
int delivery_run(struct db *db, const struct delivery *d, int64_t *mailboxes,
    size_t *n, struct fail *f);

/* A message that has waited in the queue, into mailboxes here: all the targets
 * are local. */
struct delivery_put {
	int64_t trace, body, now_ms;
	uint64_t size;
	const struct delivery_target *targets;
	size_t n_targets; /* at least 1 */
};

/* As delivery_run(); if it fails nothing was done.  mailboxes: one for each
 * target. */
int delivery_put(struct db *db, const struct delivery_put *p,
    int64_t *mailboxes, struct fail *f);

#endif
