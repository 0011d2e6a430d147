/* SPDX-License-Identifier: MIT */
/*
 * fetched: which messages IMAP clients have read, gathered from all sessions
 * and written to the journeys every few seconds in one transaction: FETCHED
 * hops, one for each message, account and client program.  Clients come back
 * many times a day and read again what they have dropped.
 */
#ifndef POPD_FETCHED_H
#define POPD_FETCHED_H

#include "common/net/loop.h"
#include "common/store/store.h"
#include "common/util/clock.h"
#include "common/util/log.h"

struct fetched;

/* All are borrowed. */
struct fetched *fetched_new(struct loop *l, struct store *store,
    const struct clock *clock, const struct log *log);

struct fetched_by {
	const char *login, *ip;
	const char *client; /* what it calls itself, "" if it does not */
};

/* by is copied. */
void fetched_add(struct fetched *g, const struct fetched_by *by,
    const int64_t *traces, size_t n);

/* Write what has gathered: before the store is closed.  NULL is fine. */
void fetched_free(struct fetched *g);

#endif
