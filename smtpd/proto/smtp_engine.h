/* SPDX-License-Identifier: MIT */
/*
 * smtp_engine: the inside of smtp_server, shared by its files only.
 *
 *	smtp_server.c	steps, data, answers
 *	smtp_command.c	the table of commands and what each does
 *	smtp_login.c	AUTH
 *	smtp_engine.c	state: the one place that changes it
 *
 * `held' has the line that the strings of MAIL and RCPT point into.
 */
#ifndef SMTPD_PROTO_SMTP_ENGINE_H
#define SMTPD_PROTO_SMTP_ENGINE_H

#include "common/auth/sasl.h"
#include "common/wire/dot.h"
#include "common/wire/line.h"
#include "smtpd/proto/smtp_server.h"

#define COMMAND_MAX      2048 /* RFC 5321 s4.5.3.1.4 asks for 512 */
#define JUNK_MAX         100  /* commands that bring no mail nearer */
#define AUTH_FAILURE_MAX 3
#define TEXT_LINE_MAX    (1024 * 1024)

enum smtp_state {
	IN_GREET = 1 << 0,
	IN_READY = 1 << 1,
	IN_LOGIN = 1 << 2, /* the next line answers a challenge */
	IN_MAIL = 1 << 3,
	IN_RCPT = 1 << 4,
	IN_DATA = 1 << 5,
	IN_CLOSED = 1 << 6,
};
#define IN_TRANSACTION (IN_MAIL | IN_RCPT | IN_DATA)

struct smtp_server {
	struct smtp_server_options o;
	enum smtp_state state;
	enum smtp_event waiting; /* event the host has yet to answer */
	struct line line;
	struct buf out;
	enum smtp_reply last; /* reply that was said */
	struct buf helo;
	bool esmtp, tls, authenticated;
	size_t errors, junk, auth_failures;
	uint64_t progress;
	struct sasl *sasl; /* while AUTH is under way */

	/* the transaction: reset_transaction() is their only end */
	struct buf held; /* the line that a request's strings point into */
	bool utf8;
	size_t recipients;
	struct dot_reader dot;
	struct buf body; /* decoded, given to the host by BODY */
	bool ended;      /* the final dot was taken */
	uint64_t size;   /* decoded octets so far */
	size_t unread;   /* octets since progress last grew */
};

/* Change state; asserts that the edge is in the picture of smtp_server.h. */
void smtp_enter(struct smtp_server *s, enum smtp_state to);

/* Forget the transaction; back to READY if there was one. */
void smtp_reset_transaction(struct smtp_server *s);

/* Forget an AUTH under way, wiping what it held. */
void smtp_drop_login(struct smtp_server *s);

/* Reply; counts faults, and turns the one too many into 421.  A 421 closes. */
void smtp_say(struct smtp_server *s, enum smtp_reply r);
void smtp_say_with(struct smtp_server *s, enum smtp_reply r, struct str arg);

/* One whole command line, in any state that takes commands. */
enum smtp_event smtp_command(
    struct smtp_server *s, struct str line, struct smtp_request *req);

/* AUTH with its arguments, and a line that answers a challenge. */
enum smtp_event smtp_login_begin(
    struct smtp_server *s, struct str arg, struct smtp_request *req);
enum smtp_event smtp_login_line(
    struct smtp_server *s, struct str line, struct smtp_request *req);
void smtp_login_failed(struct smtp_server *s, enum smtp_reply r);

#endif
