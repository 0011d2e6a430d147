/* SPDX-License-Identifier: MIT */
/*
 * hop: the journey of each message, one row per thing that happened to it,
 * written in the transaction of the change it describes.
 */
#ifndef STORE_HOP_H
#define STORE_HOP_H

#include <stdint.h>

#include "common/store/db.h"
#include "common/util/clock.h"
#include "common/util/str.h"

#define TRACE_TEXT_MAX 16 /* with NUL */

/* H(NAME, number, "word") — numbers are on disk: never change one. */
#define HOP_KINDS(H)                                                           \
	H(RECEIVED, 1,                                                         \
	    "received")        /* peer: who; detail: protocol, TLS, login */   \
	H(ROUTED, 2, "routed") /* recipient -> detail */                       \
	H(DELIVERED, 3, "delivered") /* recipient: account; detail: mailbox */ \
	H(QUEUED, 4, "queued")       /* recipient */                           \
	H(TRIED, 5, "tried") /* an attempt that did not end it: deferred */    \
	H(RELAYED, 6, "relayed") /* peer: MX; detail: TLS and its reply */     \
	H(FAILED, 7, "failed")   /* peer, code, detail: why */                 \
	H(EXPIRED, 8, "expired")                                               \
	H(RETURNED, 9, "returned") /* detail: id of the DSN's own journey */   \
	H(FETCHED, 10,                                                         \
	    "fetched") /* peer: client; once per session and message */        \
	H(DELETED, 11, "deleted")                                              \
	H(HELD, 12, "held")                                                    \
	H(RELEASED, 13, "released")                                            \
	H(DROPPED, 14, "dropped")   /* by a person */                          \
	H(COMPOSED, 15, "composed") /* a DSN; detail: id of what it reports */ \
	H(JUDGED, 16, "judged")     /* detail: verdicts -> what follows */     \
	H(REFUSED, 17, "refused")   /* code, detail: what the peer was told */ \
	H(REPORTED, 18,                                                        \
	    "reported") /* to the sender who asked; detail: id of the DSN */   \
	H(RECALLED, 19, "recalled") /* by who had sent it */                   \
	H(REROUTED, 20, "rerouted") /* detail: where it goes now */

enum hop_kind {
#define H(name, number, word) HOP_##name = (number),
	HOP_KINDS(H)
#undef H
};

enum hop_daemon {
	HOP_SMTPD = 1,
	HOP_MAILD = 2,
	HOP_POPD = 3,
	HOP_MAILCTL = 4
};

struct hop {
	int64_t trace;
	int64_t at_ms;
	enum hop_daemon daemon;
	enum hop_kind kind;
	int code;             /* 0: none */
	struct str recipient; /* empty: none; so for the others */
	struct str peer;
	struct str detail; /* cut at 1,000 octets when written */
};

/* A new journey's id: time-ordered, unguessable in its low bits, never given
 * twice by one process; the store refuses a twin from another. */
struct trace_source {
	const struct clock *clock; /* borrowed */
	int64_t last;
};
int64_t hop_new_trace(struct trace_source *t);

/* As people see it, in base 32 ("0d1q8zk4m2x7a"), and back. */
const char *trace_text(int64_t trace, char out[TRACE_TEXT_MAX]);
bool trace_parse(struct str text, int64_t *trace);

/* Inside a write transaction. */
int hop_write(struct db *db, const struct hop *h, struct fail *f);

struct journey {
	int64_t trace, at_ms;
	struct str sender, message_id; /* valid during the call */
	uint64_t size;
};

const char *hop_kind_word(enum hop_kind kind);
const char *hop_daemon_word(enum hop_daemon daemon);

/* Read a journey: head, then each hop in order.  1 found, 0 not, -1. */
int journey_read(struct db *db, int64_t trace,
    void (*head)(void *arg, const struct journey *j),
    void (*hop)(void *arg, const struct hop *h), void *arg, struct fail *f);

/* The newest journeys whose Message-ID is this (with or without brackets), or
 * in which this address takes part; newest first, at most max. */
int journey_find(struct db *db, struct str message_id_or_address,
    int64_t *traces, size_t max, size_t *n, struct fail *f);

#endif
