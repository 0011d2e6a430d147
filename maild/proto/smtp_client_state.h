/* SPDX-License-Identifier: MIT */
/*
 * smtp_client_state: what the files of the SMTP client share; nobody else's.
 *
 *	smtp_client.c		the states, the step, how a session ends
 *	smtp_client_hello.c	greeting, EHLO, STARTTLS: until it is READY
 *	smtp_client_mail.c	one message: envelope, body, the final dot
 */
#ifndef MAILD_PROTO_SMTP_CLIENT_STATE_H
#define MAILD_PROTO_SMTP_CLIENT_STATE_H

#include "maild/proto/smtp_body.h"
#include "maild/proto/smtp_client.h"
#include "maild/proto/smtp_ehlo.h"
#include "maild/proto/smtp_reply_parse.h"

enum state { /* drawn in smtp_client.h */
	GREETING,
	EHLO,
	HELO,
	STARTTLS,
	TLS,
	READY,
	ENVELOPE,
	BODY,
	DOT,
	QUIT,
	CLOSED,
};

struct smtp_client {
	struct smtp_client_options o;
	enum state state;
	bool announced; /* the event of this state was given */
	unsigned turn;
	struct smtp_reply_parse parse;
	struct buf out;
	struct smtp_ehlo offers;
	enum smtp_security security;
	struct smtp_outcome end;
	struct smtp_transaction transaction;
	struct smtp_body body;
	uint64_t left; /* octets of a binary message still to be sent */
	bool done;     /* SMTP_CLIENT_DONE is to be said */
};

/* The one place that changes state. */
void smtp_client_enter(struct smtp_client *c, enum state state);

/* Ends of the session.  The server broke the protocol: what it said, in a few
 * words.  Or it wants nothing (more) from us and says why. */
void smtp_client_broken(struct smtp_client *c, const char *what);
void smtp_client_refused(struct smtp_client *c, const struct smtp_reply *r);

/* Everything undecided ends like this, if a message is under way. */
void smtp_client_finish(struct smtp_client *c, const struct smtp_outcome *o);

/* 4yz or 5yz */
bool smtp_client_is_refusal(const struct smtp_reply *r);

/* What a reply does, one for each state. */
typedef void smtp_client_on_reply(
    struct smtp_client *c, const struct smtp_reply *r);

smtp_client_on_reply smtp_client_on_greeting, smtp_client_on_ehlo,
    smtp_client_on_helo, smtp_client_on_starttls;
smtp_client_on_reply smtp_client_on_envelope, smtp_client_on_body,
    smtp_client_on_dot;

#endif
