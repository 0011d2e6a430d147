/* SPDX-License-Identifier: MIT */
/*
 * relay_record_state: what the files of relay_record share; nobody else's.
 *
 *	relay_record.c		how it comes to be, its jobs, trying again
 *	relay_record_write.c	what stands in the store after it
 */
#ifndef MAILD_RELAY_RELAY_RECORD_STATE_H
#define MAILD_RELAY_RELAY_RECORD_STATE_H

#include "maild/relay/bounce.h"
#include "maild/relay/relay_record.h"

struct relay_line {
	struct relay_key key;
	enum queue_result result;
	int64_t now_ms, next_ms;
	bool asked; /* about this address alone */
	int code;
	char enhanced[SMTP_ENHANCED_MAX];
	char *address, *domain, *original; /* original may be NULL */
	char *reply, *host, *detail;
	char *sentence; /* for a person who reads the DSN */
	char *orcpt;    /* may be NULL */
	int64_t until_ms;
	bool report, told, wanted; /* wanted: stands in the DSN */
	bool gone; /* nothing was recorded: it was dropped or recalled */
};

struct relay_record {
	struct store_job read, write;
	struct relay_deps deps;
	relay_record_done *done; /* NULL when disowned */
	void *arg;
	struct relay_line *lines;
	size_t n;
	char *dialogue, *host; /* of the attempt; NULL: nothing was said */
	int64_t said_ms;
	struct timer *again;
	int64_t wait_ms;
	bool submitted; /* a job is with the store */

	int64_t *mailboxes; /* here, that got it */
	size_t n_mailboxes;

	/* of the message that is given up, or late */
	bool bounces;
	bool all; /* the others that wait with them are told of, too */
	struct bounce bounce;
	struct dsn_recipient *reported;
	char *sender, *envelope_id;
};

static inline bool
relay_line_is_given_up(const struct relay_line *l)
{
	return l->result == QUEUE_FAILED || l->result == QUEUE_EXPIRED;
}

/* In a transaction, on the store's thread: whom the DSN is still to tell of,
 * and in bounce.others how many of whom it is as true. */
int relay_record_choose(
    struct relay_record *r, struct db *db, size_t *n, struct fail *f);

/* In the write transaction: all but the DSN. */
int relay_record_write(struct relay_record *r, struct db *db, struct fail *f);

#endif
