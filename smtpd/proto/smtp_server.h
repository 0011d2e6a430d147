/* SPDX-License-Identifier: MIT */
/*
 * smtp_server: the server side of one SMTP session (RFC 5321), pure.
 *
 * Serves PIPELINING (RFC 2920), SIZE (1870), 8BITMIME (6152), SMTPUTF8
 * (6531), ENHANCEDSTATUSCODES (2034), STARTTLS (3207), CHUNKING and BINARYMIME
 * (3030), DSN (3461), REQUIRETLS (8689, under TLS), LIMITS (9422) and, for
 * submission (6409), AUTH (4954) and FUTURERELEASE (4865).
 *
 *	SILENT --smtp_server_greet()--> GREET
 *
 *	GREET --EHLO,HELO--> READY --MAIL--> MAIL --RCPT--> RCPT --DATA--> DATA
 *	  ^                 |  ^ ^ ^           |             |  ^ |          |
 *	  |             AUTH|  | | +-RSET,EHLO-+-------------+  | |BDAT      |
 *	  |                 v  | |                         RCPT-+ |          |
 *	  |               LOGIN+ +---------the real end of data---|----------+
 *	  |                      |                                v
 *	  |                      +---the end of BDAT LAST------ CHUNK
 *	  |                      |                              |  ^
 *	  |                      |            the end of another|  |BDAT
 *	  |                      |                              v  |
 *	  |                      +---RSET,EHLO----------------- CHUNKS
 *	  +--STARTTLS from READY, MAIL, RCPT, CHUNKS: all that was said is gone
 *	any --QUIT, 421, smtp_server_end(), a command that is no mail--> CLOSED
 *
 * CHUNK: octets of a BDAT arrive; CHUNKS: another BDAT is awaited.
 *
 * A transaction begins with MAIL and is gone, wholly and in one place, with
 * the end of data however it is answered, a BDAT refused, RSET, EHLO, HELO or
 * STARTTLS.  The octets of a BDAT that is refused, wherever it stands, are read
 * past before it is answered (RFC 3030 s2); where it cannot be told how many
 * they are, or they are more than anybody would wait for, the session ends.
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

#include "common/mime/dsn.h"
#include "smtpd/proto/smtp_path.h"
#include "smtpd/proto/smtp_reply.h"

#define SMTP_OUTPUT_HIGH 4096

struct smtp_server;

enum smtp_event {
	SMTP_NONE,
	SMTP_STARTTLS, /* (a) smtp_server_tls_started() */
	SMTP_AUTH,     /* (a) smtp_server_authenticated(): is this so? */
	SMTP_SCRAM,    /* (a) smtp_server_scram(): one of its messages */
	SMTP_MAIL,     /* (a) smtp_server_sender() */
	SMTP_RCPT,     /* (a) smtp_server_recipient() */
	SMTP_DATA,    /* (a) smtp_server_data(): ready to take it?  Also for the
	               * first BDAT */
	SMTP_BODY,    /* the next octets of the message */
	SMTP_MESSAGE, /* (a) smtp_server_accept() or _refuse() */
	SMTP_RESET,   /* the transaction is dropped: forget it */
	SMTP_CLOSE,
};

/* Strings are valid until the answer, or the next step where there is none. */
struct smtp_request {
	struct str user, password;    /* AUTH */
	struct str scram;             /* SCRAM: the client's message, decoded */
	bool scram_first, scram_plus; /* its first; -PLUS was chosen */
	struct smtp_path path;        /* MAIL, RCPT */
	uint64_t size;          /* MAIL: octets announced, 0 if not told */
	bool utf8, eight_bit;   /* MAIL */
	bool binary;            /* MAIL: BODY=BINARYMIME; eight_bit too */
	bool require_tls;       /* MAIL: REQUIRETLS */
	struct str envelope_id; /* MAIL: ENVID, decoded; empty: none */
	enum dsn_ret ret;       /* MAIL */
	uint64_t hold_for_s;    /* MAIL: HOLDFOR, 0: none */
	int64_t hold_until_s;   /* MAIL: HOLDUNTIL, Unix seconds, 0: none */
	unsigned notify;        /* RCPT: of enum dsn_notify, 0: not said */
	struct str original; /* RCPT: ORCPT as given, "rfc822;a+2Bb@d.test" */
	struct str body;     /* BODY: without the dots of transparency */
	enum smtp_reply why; /* RESET: what the message was refused with,
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
	size_t max_errors;          /* the next one is answered 421 */
	const char *mechanisms;     /* of AUTH, a space between; borrowed */
	const char *extensions_off; /* keywords not offered; borrowed */
	uint64_t max_hold_s;        /* FUTURERELEASE; 0: not offered */
	bool binding;    /* tls-exporter can be had: -PLUS may be offered */
	bool needs_tls;  /* MAIL only after STARTTLS, on any port */
	bool silent;     /* until smtp_server_greet() */
	int64_t since_s; /* Unix seconds now; 0: no FUTURERELEASE */
};

/* The greeting is in the output at once, unless it is held back: then input
 * stays where it is until then. */
struct smtp_server *smtp_server_new(const struct smtp_server_options *o);
void smtp_server_free(struct smtp_server *s);

/* The greeting that was held back.  No more than once; nothing if the session
 * was ended before. */
void smtp_server_greet(struct smtp_server *s);

/* Take octets from the front of *in up to the first event. */
enum smtp_event smtp_server_step(
    struct smtp_server *s, struct str *in, struct smtp_request *req);

/* Octets for the client; the host sends them and drops them. */
struct buf *smtp_server_output(struct smtp_server *s);

/* The handshake is done; the client begins again with EHLO. */
void smtp_server_tls_started(struct smtp_server *s);

/* As options.binding, when that is known: before the step after it. */
void smtp_server_binding(struct smtp_server *s, bool can);

/* Is this mechanism of AUTH offered, as things are? */
bool smtp_server_offers(const struct smtp_server *s, struct str mechanism);

enum smtp_verdict {
	SMTP_AUTH_GOOD,
	SMTP_AUTH_BAD,
	SMTP_AUTH_LATER, /* nobody could say */
};
void smtp_server_authenticated(struct smtp_server *s, enum smtp_verdict v);

/* text: at most SMTP_SCRAM_TEXT_MAX octets.  CHALLENGE answers the first
 * message, GOOD the last. */
#define SMTP_SCRAM_TEXT_MAX 4096

enum smtp_scram {
	SMTP_SCRAM_CHALLENGE, /* text goes to the client */
	SMTP_SCRAM_GOOD,      /* text ("v=...") too, and then it is in */
	SMTP_SCRAM_BAD,
	SMTP_SCRAM_MALFORMED,
	SMTP_SCRAM_LATER,
};
void smtp_server_scram(
    struct smtp_server *s, enum smtp_scram answer, struct str text);

/* REPLY_SENDER_OK, REPLY_RECIPIENT_OK, REPLY_OK let it in; any other refuses
 * it.  DATA refused leaves the transaction as it is; a BDAT refused does not,
 * and SMTP_RESET with REPLY_OK says so. */
void smtp_server_sender(struct smtp_server *s, enum smtp_reply r);
void smtp_server_recipient(struct smtp_server *s, enum smtp_reply r);
void smtp_server_data(struct smtp_server *s, enum smtp_reply r);

/* We are responsible now: to be called after the commit, and only then.  The
 * transaction is over for both.  text: one printable line for a `%' in r. */
void smtp_server_accept(struct smtp_server *s, const char *id);
void smtp_server_refuse(
    struct smtp_server *s, enum smtp_reply r, struct str text);

/* End the session with this 421 or 554, whatever is under way, also before the
 * greeting.  A `%' is our name.  The host sends the output and hangs up; an
 * event that waits need not be answered. */
void smtp_server_end(struct smtp_server *s, enum smtp_reply r);

/* From the answer to DATA, or the first BDAT, to the message's end. */
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

/* A refusal of MAIL, RCPT or DATA; text: one printable line for its `%'. */
void smtp_server_refuse_with(
    struct smtp_server *s, enum smtp_reply r, struct str text);

/* EHLO, not HELO. */
bool smtp_server_extended(const struct smtp_server *s);

#endif
