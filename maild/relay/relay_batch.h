/* SPDX-License-Identifier: MIT */
/*
 * relay_batch: one message and those of its recipients that a session has in
 * hand, from the queue into the engine and back as outcomes.
 *
 * Life: take, open, send and feed on one connection, close; if somebody is
 * left whom nobody judged, open again on the next; at the end everybody is
 * settled or put back.
 */
#ifndef MAILD_RELAY_RELAY_BATCH_H
#define MAILD_RELAY_RELAY_BATCH_H

#include "maild/proto/smtp_client.h"
#include "maild/relay/destination.h"
#include "maild/relay/relay_body.h"

struct relay_batch {
	struct destination *d; /* borrowed */
	bool waived; /* only of destination_take_waived(): for a session that
	              * obeys no policy */
	struct item *items[SMTP_RECIPIENTS_MAX]; /* the destination's */
	size_t n;
	char *addresses[SMTP_RECIPIENTS_MAX]; /* as sent; owned while sending */
	struct str to[SMTP_RECIPIENTS_MAX];
	struct smtp_wish wishes[SMTP_RECIPIENTS_MAX];
	size_t n_addresses;
	struct relay_body *body; /* while open */
	uint64_t left;           /* octets of it that are still to come */
	bool confirmed;          /* nobody has taken it back */
	bool sending;            /* the engine has it */
	bool unreadable;         /* the body cannot be read: our own trouble */
};

void relay_batch_init(struct relay_batch *b, struct destination *d);

/* Take a message that waits.  False if none does. */
bool relay_batch_take(struct relay_batch *b);

/* Begin to read the body; ready is called when there is something to send,
 * and again after each relay_batch_feed() that returned false. */
void relay_batch_open(
    struct relay_batch *b, relay_body_ready *ready, void *arg);

/* Is the first piece there, and not sent?  A body that turns out unreadable is
 * our own trouble: its recipients are settled for later, and the batch is
 * closed and empty. */
bool relay_batch_can_send(struct relay_batch *b);
void relay_batch_send(struct relay_batch *b, struct smtp_client *c);

/* Give the engine one piece, or the end.  False when there is nothing to give
 * now.  A body that cannot be read ends the session: the final dot must not
 * be sent. */
bool relay_batch_feed(struct relay_batch *b, struct smtp_client *c);

/* The engine is done with it: settle whom it has judged, put back whom it
 * could not take at once, keep the others.  True if anyone was judged. */
bool relay_batch_judged(struct relay_batch *b, const struct smtp_client *c,
    const struct attempt *a);

/* Stop reading; the recipients stay. */
void relay_batch_close(struct relay_batch *b);

/* All who are left end like this, or are put back untried. */
void relay_batch_settle(struct relay_batch *b, const struct smtp_outcome *o,
    const struct attempt *a);
void relay_batch_release(struct relay_batch *b);

#endif
