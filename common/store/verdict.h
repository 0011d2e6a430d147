/* SPDX-License-Identifier: MIT */
/* verdict: what was found out about a message, kept with its journey. */
#ifndef STORE_VERDICT_H
#define STORE_VERDICT_H

#include <stdint.h>

#include "common/store/db.h"
#include "common/util/str.h"

struct verdict {
	struct str author;  /* address that was proven to have written it, or
	                     * empty */
	struct str domain;  /* domain that was, or empty */
	struct str network; /* "192.0.2.0/24" */
	struct str report;  /* policy/report.h */
	struct str summary; /* detail of its hop, which journey_read() gives
	                     * behind the first and no row is written for;
	                     * empty: none */
};

/* In the write transaction of the message's journey. */
int verdict_put(
    struct db *db, int64_t trace, const struct verdict *v, struct fail *f);

/* 1 and calls fn with it (valid during the call), 0 none, -1. */
int verdict_get(struct db *db, int64_t trace,
    void (*fn)(void *arg, const struct verdict *v), void *arg, struct fail *f);

/* A message that was refused after it had come: a journey of who it was from,
 * its hops and verdict, without a body.  In a write transaction. */
struct hop;
struct refusal {
	int64_t trace, now_ms;
	struct str sender, message_id;
	uint64_t size;
	const struct hop *hops;
	size_t n_hops;
	const struct verdict *verdict;
};
int refusal_put(struct db *db, const struct refusal *r, struct fail *f);

#endif
