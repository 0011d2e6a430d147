/* SPDX-License-Identifier: MIT */
/*
 * bounce: a DSN (RFC 3464) on its way to the sender of a message, in the
 * transaction of what it tells: that the message is given up, or is late, or
 * that somebody has it.
 *
 * From <>; never about a message from <> (RFC 5321 s4.5.5, s6.1).  It goes
 * like any other mail for that address: into a mailbox here, or into the
 * queue.  If it can go nowhere (no such address here, no room, a loop of
 * aliases) it is dropped and why says so; the message is given up all the
 * same.
 *
 * Life: fill in, read, prepare, deliver, release; after a failure again from
 * read on, with a new trace.  A message whose body is damaged is returned
 * without it.
 */
#ifndef MAILD_RELAY_BOUNCE_H
#define MAILD_RELAY_BOUNCE_H

#include "common/mime/dsn.h"
#include "common/store/db.h"
#include "common/store/stage.h"
#include "common/util/buf.h"
#include "maild/relay/own_signer.h"

struct bounce {
	/* set by the owner, borrowed */
	int64_t about;         /* trace of the message */
	int64_t trace;         /* a new one, for the DSN's own journey */
	struct str sender;     /* of the message: who gets the DSN; not empty */
	struct str hostname;   /* ours */
	struct str postmaster; /* conf server.postmaster */
	struct str envelope_id; /* of the message, or empty */
	bool whole;             /* return all of it, if that can be done */
	bool eight_bit, utf8;   /* the message is */
	bool require_tls;       /* RFC 8689 s5: the DSN too */
	int64_t body;           /* of the message */
	uint64_t skip;          /* octets of Return-Path in it */
	int64_t arrived_ms, now_ms, expires_ms;
	uint64_t random;
	const struct dsn_recipient *recipients;
	size_t n;
	size_t others; /* of whom it is as true, and how many there are is told
	                */
	struct own_keys *keys; /* that sign it, held for the bounce, or NULL */

	/* its own */
	struct buf header;     /* of the message, from bounce_read() */
	struct body *returned; /* it, NULL: only its header */
	struct buf text;
	struct stage *stage;
	const char *why;    /* after bounce_deliver(): NULL, or why it was
	                     * dropped */
	int64_t *mailboxes; /* after it: those here that got it */
	size_t n_mailboxes;
};

/* Sets its own fields; the owner's may be set before or after. */
void bounce_init(struct bounce *b);
void bounce_release(struct bounce *b); /* on the loop */

/* In a read transaction: the first 64 KiB of the header block, and if it is to
 * be returned the message.  What cannot be read is left out of the DSN. */
void bounce_read(struct bounce *b, struct db *db);

/* Outside any transaction: compose and stage. */
int bounce_prepare(struct bounce *b, const char *store_dir, struct fail *f);

/* In the write transaction. */
int bounce_deliver(struct bounce *b, struct db *db, struct fail *f);

#endif
