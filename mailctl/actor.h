/* SPDX-License-Identifier: MIT */
/*
 * actor: a mail server of somebody else that behaves as it is told, one
 * session of it, pure: octets in, replies and events out.
 *
 *	GREET --EHLO, HELO--> READY --MAIL--> SENDER --RCPT--> RCPT
 *	                        ^                                | DATA
 *	                        +--RSET, end of data--- BODY <---+
 *
 *	while ((ev = actor_step(a, &in)) != ACTOR_MORE)
 *		serve(ev);
 *	send(actor_output(a));
 *
 * A recipient that a rule is against (full, greylist ...) is refused by it;
 * everything else is answered as rules->scripts say, or as a good server does.
 */
#ifndef MAILCTL_ACTOR_H
#define MAILCTL_ACTOR_H

#include "common/util/buf.h"
#include "common/util/clock.h"
#include "mailctl/actor_rules.h"

#define ACTOR_RECIPIENTS_MAX 1000

struct actor;

enum actor_event {
	ACTOR_MORE,  /* *in is used up, or there is output to be sent first */
	ACTOR_TLS,   /* send the output, then begin TLS */
	ACTOR_BEGIN, /* a message: its sender and recipients are known */
	ACTOR_CHUNK, /* of it: actor_chunk() */
	ACTOR_KEEP,  /* it is taken */
	ACTOR_LEAVE, /* it is not */
	ACTOR_HANG,  /* send the output, then nothing any more */
	ACTOR_DROP,  /* close at once, without the output */
	ACTOR_CLOSE, /* send the output, then close */
};

/* rules and clock are borrowed; peer is the client's address as text. */
struct actor *actor_new(struct actor_rules *rules, const struct clock *clock,
    const char *peer, bool tls);
void actor_free(struct actor *a);

enum actor_event actor_step(struct actor *a, struct str *in);

/* TLS is established: all is as at the start, without a greeting. */
void actor_secured(struct actor *a);

/* To be sent, and then cleared by the caller. */
struct buf *actor_output(struct actor *a);

/* After ACTOR_CHUNK: octets of the message, unstuffed. */
struct str actor_chunk(const struct actor *a);

/* Valid from ACTOR_BEGIN until the step after ACTOR_KEEP or ACTOR_LEAVE. */
const char *actor_client(const struct actor *a); /* as EHLO said it */
const char *actor_sender(const struct actor *a);
const struct actor_words *actor_recipients(const struct actor *a);

#endif
