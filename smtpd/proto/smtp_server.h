/* SPDX-License-Identifier: MIT */
/*
 * smtp_server: the server side of one SMTP session (RFC 5321), pure.
 *
 * Serves PIPELINING (RFC 2920), SIZE (1870), 8BITMIME (6152), SMTPUTF8
 * (6531), ENHANCEDSTATUSCODES (2034), STARTTLS (3207) and, for submission
 * (6409), AUTH PLAIN and LOGIN (4954).
 *
 *	GREET --EHLO,HELO--> READY --MAIL--> MAIL --RCPT--> RCPT --DATA--> DATA
 *	  ^                 |  ^ ^ ^           |             |  ^            |
 *	  |             AUTH|  | | +-RSET,EHLO-+-------------+  |            |
 *	  |                 v  | |                         RCPT-+            |
 *	  |               LOGIN+ +---------the real end of data--------------+
 *	  +--STARTTLS from READY, MAIL, RCPT: all that was said is forgotten
 *	any --QUIT, 421, a command that is no mail--> CLOSED
 *
 * A transaction begins with MAIL and is gone, wholly and in one place, with
 * the end of data however it is answered, RSET, EHLO, HELO or STARTTLS.
 *
 * The host's loop:
 *
 *	while ((ev = smtp_server_step(s, &in, &req)) != SMTP_NONE)
 *		serve(s, ev, &req);	-- answers now or later
 *
 * SMTP_NONE means that `in' is used up or that output waits over
 * SMTP_OUTPUT_HIGH: send it and step again with what is left.  An event is
 * returned with what follows it still in `in'.  Events marked (a) are
 * answered by the function named, exactly once, before the next step.
 *
 * After SMTP_STARTTLS `in' must be empty, and whatever else came in the clear
 * thrown away with the session (RFC 3207 s4.2): that is the host's duty.
 * After SMTP_CLOSE: send the output, hang up.
 */
#ifndef SMTPD_PROTO_SMTP_SERVER_H
#define SMTPD_PROTO_SMTP_SERVER_H

#include "smtpd/proto/smtp_path.h"
#include "smtpd/proto/smtp_reply.h"

#define SMTP_OUTPUT_HIGH 4096

struct smtp_server;

enum smtp_event {
	SMTP_NONE,
	SMTP_STARTTLS, /* (a) smtp_server_tls_started() */
	SMTP_AUTH,     /* (a) smtp_server_authenticated(): is this so? */
	SMTP_MAIL,     /* (a) smtp_server_sender() */
	SMTP_RCPT,     /* (a) smtp_server_recipient() */
	SMTP_DATA,     /* (a) smtp_server_data(): ready to take it? */
	SMTP_BODY,     /* the next octets of the message */
	SMTP_MESSAGE,  /* (a) smtp_server_accept() or _refuse() */
	SMTP_RESET,    /* the transaction is dropped: forget it */
	SMTP_CLOSE,
};

/* Strings are valid until the answer, or the next step where there is none. */
struct smtp_request {
	struct str user, password; /* AUTH */
	struct smtp_path path;     /* MAIL, RCPT */
	uint64_t size;             /* MAIL: octets announced, 0 if not told */
	bool utf8, eight_bit;      /* MAIL */
	struct str body;           /* BODY: without the dots of transparency */
	enum smtp_reply why;       /* RESET: what the message was refused with,
	                            * or REPLY_OK; CLOSE: the last reply */
};

struct smtp_server_options {
	const char *hostname; /* borrowed */
	bool submission;      /* AUTH is offered, and required before MAIL */
	bool offers_tls;      /* STARTTLS can be had */
	bool tls;             /* under TLS from the first octet */
	bool allow_plaintext; /* submission without TLS: tests only */
	uint64_t max_size;    /* octets of a message */
	size_t max_recipients;
	size_t max_errors; /* the next one is answered 421 */
};

/* The greeting is in the output at once. */
struct smtp_server *smtp_server_new(const struct smtp_server_options *o);
void smtp_server_free(struct smtp_server *s);

/* Take octets from the front of *in up to the first event. */
enum smtp_event smtp_server_step(
    struct smtp_server *s, struct str *in, struct smtp_request *req);

/* Octets for the client; the host sends them and drops them. */
struct buf *smtp_server_output(struct smtp_server *s);

/* The handshake is done; the client begins again with EHLO. */
void smtp_server_tls_started(struct smtp_server *s);

enum smtp_verdict {
	SMTP_AUTH_GOOD,
	SMTP_AUTH_BAD,
	SMTP_AUTH_LATER, /* nobody could say */
};
void smtp_server_authenticated(struct smtp_server *s, enum smtp_verdict v);

/* REPLY_SENDER_OK, REPLY_RECIPIENT_OK, REPLY_OK let it in; any other refuses
 * it.  DATA refused leaves the transaction as it is. */
void smtp_server_sender(struct smtp_server *s, enum smtp_reply r);
void smtp_server_recipient(struct smtp_server *s, enum smtp_reply r);
void smtp_server_data(struct smtp_server *s, enum smtp_reply r);

/* We are responsible now: to be called after the commit, and only then.  The
 * transaction is over for both.  text: one printable line for a `%' in r. */
void smtp_server_accept(struct smtp_server *s, const char *id);
void smtp_server_refuse(
    struct smtp_server *s, enum smtp_reply r, struct str text);

/* End the session with this 421, whatever is under way.  The host sends the
 * output and hangs up; an event that waits need not be answered. */
void smtp_server_end(struct smtp_server *s, enum smtp_reply r);

bool smtp_server_in_data(const struct smtp_server *s);

/* In the middle of something: a line has begun, or a message. */
bool smtp_server_in_middle(const struct smtp_server *s);

/* Grows with each whole command and each 4 KiB of a message: a peer that
 * drips octets makes none. */
uint64_t smtp_server_progress(const struct smtp_server *s);

/* Faults so far since the last message: the host slows down who errs. */
size_t smtp_server_errors(const struct smtp_server *s);

/* What EHLO or HELO said; empty before.  Valid until the next step. */
struct str smtp_server_helo(const struct smtp_server *s);

/* EHLO, not HELO. */
bool smtp_server_extended(const struct smtp_server *s);

#endif
