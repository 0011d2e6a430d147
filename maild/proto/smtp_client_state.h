/* SPDX-License-Identifier: MIT */
/*
 * smtp_client_state: what the files of the SMTP client share; nobody else's.
 *
 *	smtp_client.c		the states, the step, how a session ends
 *	smtp_client_hello.c	greeting, EHLO, STARTTLS: until it is READY
 *	smtp_client_auth.c	AUTH, the last step before that
 *	smtp_client_mail.c	one message: envelope, body, the final dot
 */
#ifndef MAILD_PROTO_SMTP_CLIENT_STATE_H
#define MAILD_PROTO_SMTP_CLIENT_STATE_H

#include "maild/proto/smtp_body.h"
#include "maild/proto/smtp_client.h"
#include "maild/proto/smtp_dialogue.h"
#include "maild/proto/smtp_ehlo.h"
#include "maild/proto/smtp_reply_parse.h"

enum state { /* drawn in smtp_client.h */
	GREETING,
	EHLO,
	HELO,
	STARTTLS,
	TLS,
	AUTH,
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
	struct smtp_dialogue dialogue;
	uint64_t said; /* octets of the message handed over */
	uint64_t left; /* octets of a binary message still to be sent */
	int answers;   /* to 334, that AUTH still needs */
	bool greeted;
	bool done;           /* SMTP_CLIENT_DONE is to be said */
	bool answered;       /* a command of ours was */
	bool unsafe;         /* it ended since TLS could not be had as wanted */
	bool shut_out;       /* it ended since the login was refused */
	bool tls_broken;     /* it ended at STARTTLS, where TLS only MAY be */
	char why_clear[200]; /* no TLS: smtp_client_why_clear() */
	bool clear_for_now;
};

/* The one place that changes state. */
void smtp_client_enter(struct smtp_client *c, enum state state);

/* Ends of the session.  The server broke the protocol: what it said, in a few
 * words.  Or it wants nothing (more) from us and says why. */
void smtp_client_broken(struct smtp_client *c, const char *what);
void smtp_client_refused(struct smtp_client *c, const struct smtp_reply *r);

/* TLS cannot be had as it is wanted: `4.7.4 TLS required by DANE, but ...'. */
void smtp_client_unsafe(struct smtp_client *c, const char *enhanced,
    const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* The session ends as c->end says, and with it all that is undecided. */
void smtp_client_end_session(struct smtp_client *c);

/* Commands were added to the output, from this octet on: the dialogue. */
void smtp_client_said(struct smtp_client *c, size_t from);

/* How much of the message was handed over; how: `', not to its end''. */
void smtp_client_say_body(struct smtp_client *c, const char *how);

/* The server has greeted us and all is as it should be, but for the login. */
void smtp_client_log_in(struct smtp_client *c);

/* Everything undecided ends like this, if a message is under way. */
void smtp_client_finish(struct smtp_client *c, const struct smtp_outcome *o);

/* What a reply does, one for each state. */
typedef void smtp_client_on_reply(
    struct smtp_client *c, const struct smtp_reply *r);

smtp_client_on_reply smtp_client_on_greeting, smtp_client_on_ehlo,
    smtp_client_on_helo, smtp_client_on_starttls, smtp_client_on_auth;
smtp_client_on_reply smtp_client_on_envelope, smtp_client_on_body,
    smtp_client_on_dot;

#endif
