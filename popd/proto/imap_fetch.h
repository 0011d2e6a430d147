/* SPDX-License-Identifier: MIT */
/*
 * imap_fetch: a FETCH under way; only for imap_fetch*.c.
 *
 *	                 +-------------- not over ---------------+
 *	                 v                                       |
 *	--> [VANISHED] --> FETCH a batch --> [STORE \Seen] --> rows --> tagged
 *	  |                                                 DRAIN, BODY
 *	  +--- all is in the mirror ----> messages: DRAIN ----------> tagged
 */
#ifndef POPD_PROTO_IMAP_FETCH_H
#define POPD_PROTO_IMAP_FETCH_H

#include "common/mime/cte.h"
#include "popd/proto/imap_message_op.h"
#include "popd/proto/imap_state.h"

struct imap_fetch {
	struct imap_fetch_query query; /* these two are the op's while it is */
	struct seqset uids;            /* out; runs of messages, rising */
	int64_t mailbox;
	size_t run;        /* of uids, answered from the mirror */
	uint32_t next_uid; /* likewise */
	uint64_t expected; /* messages */
	uint64_t told;
	bool missing; /* some are gone that the client still counts */
	bool unknown_cte, unreadable;

	int64_t since;       /* VANISHED */
	struct seqset known; /* likewise: what the client asked about */

	void (*batch_done)(struct imap *p, struct imap_op *op);
	struct imap_fetch_batch batch;
	bool over; /* it is the last */
	uint32_t from_uid;
	size_t from_item;
	struct seqset seen; /* what this command made \Seen */

	/* where in the batch */
	imap_resume *on;
	size_t row, value;
	bool open;                     /* "* 3 FETCH (" was sent */
	bool any;                      /* and an item */
	size_t copied;                 /* octets of the value's text */
	struct mirror_message message; /* as it was at its begin */

	/* streaming */
	struct cte_decoder decoder;
	struct buf decoded;
	uint64_t skip, send; /* octets to come */
	bool said_size;
};

/* Send rows of the batch: IMAP_NONE they are all sent, IMAP_DRAIN there is no
 * room, IMAP_BODY.  on: goes on when that is over. */
enum imap_event imap_fetch_rows(struct imap *p, imap_resume *on);

/* The row that a batch left open goes on in the next batch, if its message is
 * still there: if not it ends. */
void imap_fetch_row_on(struct imap *p);
void imap_fetch_row_end(struct imap *p);

/* Send all there is to say of one message: only from the mirror. */
void imap_fetch_from_mirror(struct imap *p, const struct mirror_message *m);

#endif
