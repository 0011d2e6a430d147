/* SPDX-License-Identifier: MIT */
/*
 * imap_message_op: what the engine asks about messages' contents, and the
 * messages it brings.
 */
#ifndef POPD_PROTO_IMAP_MESSAGE_OP_H
#define POPD_PROTO_IMAP_MESSAGE_OP_H

#include "popd/proto/imap_fetch_item.h"
#include "popd/proto/imap_op.h"

/* ---- FETCH, a batch ---- */

#define IMAP_BATCH_OCTETS (256 * KB) /* as far as one message allows */
#define IMAP_BATCH_ROWS   1000

enum imap_value_kind {
	IMAP_VALUE_MIRROR, /* the view knows */
	IMAP_VALUE_TEXT,   /* all of it is here, its label too */
	IMAP_VALUE_STREAM, /* its label is here, its octets are to be read */
	IMAP_VALUE_NONE,   /* there is no answer */
};

/* The answer to one item for one message. */
struct imap_fetch_value {
	enum imap_value_kind kind;
	size_t at, len; /* in batch.text */

	/* STREAM: decode `octets' octets of the body from `from' on, and of
	 * what comes out send `send' octets behind the first `skip' */
	uint64_t from, octets, skip, send;
	enum part_encoding encoding;
	bool binary; /* as ~{n}: there may be NULs in it */
};

struct imap_fetch_row {
	uint32_t uid;
	int64_t body, trace;
	size_t value; /* its first in batch.values */
	size_t item;  /* the first item answered: 0 but where a batch begins
	               * within a message */
	size_t n;     /* items answered: fewer than asked where a batch ends
	               * within a message */
};

struct imap_fetch_batch {
	struct imap_fetch_row *rows;
	struct imap_fetch_value *values;
	size_t n_rows, n_values, rows_room, values_room;
	struct buf text;
};
void imap_fetch_batch_release(struct imap_fetch_batch *b);
void imap_fetch_batch_clear(struct imap_fetch_batch *b); /* keeps its room */

struct imap_fetch_op {
	struct imap_op op;
	int64_t mailbox;
	bool utf8;
	struct imap_fetch_query query;
	struct seqset uids;
	uint32_t from_uid; /* go on with this one, or what follows it */
	size_t from_item;  /* of from_uid, if it is still there */

	struct imap_fetch_batch
	    batch;        /* the answer: empty of contents before */
	bool over;        /* there are no more; otherwise from_uid
	                   * and from_item say where to go on */
	bool unknown_cte; /* something could not be decoded */
	bool unreadable;  /* octets of a message are damaged */
};

/* ---- APPEND, REPLACE ---- */

/* May a message of this size be put there?  op.code TRYCREATE when there is no
 * such mailbox; FAIL_QUOTA. */
struct imap_appendable_op {
	struct imap_op op;
	char *mailbox; /* UTF-8 */
	uint64_t size;
	bool replaces; /* room is made first: quota is looked at later */
};

struct imap_append_message {
	uint64_t flags;   /* system flags */
	struct buf names; /* of keywords, NUL after each */
	bool dated;
	int64_t received_s; /* if dated */
};

/* The stages are as many as messages, in their order. */
struct imap_append_op {
	struct imap_op op;
	char *mailbox; /* UTF-8 */
	struct imap_append_message *messages;
	size_t n;

	/* REPLACE: this one goes. */
	int64_t from_mailbox;
	uint32_t replaced;

	uint32_t uid_validity; /* the answer */
	uint32_t *uids;        /* rising, of messages */
};

#endif
