/* SPDX-License-Identifier: MIT */
/*
 * smtp_client: our side of one connection to another SMTP server (RFC 5321).
 *
 *	GREETING -220-> EHLO -250-> [STARTTLS -220-> TLS -> EHLO -250->]
 *	                  | 500..504, 550            [AUTH -235->] READY
 *	                  +--> HELO -250-> READY
 *	TLS -> GREETING: where it is inside TLS from the first octet
 *	READY -send-> ENVELOPE -354-> BODY -end-> DOT -any-> READY
 *	                  +--refused, or nobody taken--> READY
 *	READY -quit-> QUIT -any-> CLOSED
 *	all: 421, a reply out of place, smtp_client_lost(), or TLS that is not
 *	as it is wanted -> CLOSED
 *
 * Pure: no socket, no clock.  The host feeds what arrived, serves each event
 * and sends what smtp_client_output() holds, at once and all of it:
 *
 *	while ((ev = smtp_client_step(c, &in)) != SMTP_CLIENT_NONE)
 *		serve(ev);
 *	conn_send(conn, buf_str(smtp_client_output(c)));
 *	buf_clear(smtp_client_output(c));
 *
 * READY and TLS may be answered later, BODY over many calls; meanwhile step
 * may be called with new input, which nothing asked for: it ends the session.
 * After TLS and CLOSED nothing is left in *in that may be used.
 *
 * Each smtp_client_send() ends in exactly one SMTP_CLIENT_DONE, whatever
 * happens.  A recipient is SMTP_SENT only by a 25x that came after the
 * final dot had been handed to the host.  A reply that comes before its
 * command was handed over, or that its command cannot have (354 to RCPT, 250
 * to DATA), closes the session.
 *
 * A message with 8-bit octets goes also to a server without 8BITMIME: all in
 * use today take it, and RFC 6152 s3's alternatives are to change the message
 * (which breaks signatures) or to return it.  Stray CR and LF in a body, which
 * would let it end early, become spaces.  A binary message goes by BDAT, octet
 * by octet, or not at all.
 *
 * Where TLS is wanted, nothing of a message, nor a password, is said before it
 * is there as wanted: the session ends with 4.7.4 (not to be had) or 4.7.5 (not
 * with who it should be).
 */
#ifndef MAILD_PROTO_SMTP_CLIENT_H
#define MAILD_PROTO_SMTP_CLIENT_H

#include "common/util/buf.h"
#include "maild/proto/smtp_dialogue.h"
#include "maild/proto/smtp_outcome.h"
#include "maild/proto/smtp_transaction.h"

#define SMTP_CLIENT_CHUNK_MAX (64 * KB)

struct smtp_client;

enum smtp_tls {
	SMTP_TLS_NEVER,
	SMTP_TLS_MAY,    /* where it is offered, with whomever */
	SMTP_TLS_MUST,   /* or no mail, with whomever */
	SMTP_TLS_VERIFY, /* or no mail, with who it should be */
};

struct smtp_client_options {  /* all borrowed until free */
	const char *hostname; /* for EHLO */
	enum smtp_tls tls;
	int64_t timeout_ms; /* for a reply; the other times are in
	                     * proportion (RFC 5321 s4.5.3.2) */
	bool inside;        /* TLS from the first octet; at least MUST */
	bool guessed;       /* that this host is to have the mail was said by
	                     * DNS alone: for REQUIRETLS (RFC 8689 s4.2.1) */
	const char *law;    /* who wants TLS ("DANE"), or NULL: for words */
	const char *login;  /* NULL: none; at least VERIFY */
	struct str password;
};

struct smtp_client_tls {     /* of a handshake that succeeded; borrowed */
	const char *what;    /* "TLSv1.3 ..., verified by DANE" */
	bool verified;       /* it is who it should be */
	const char *problem; /* why not, or NULL */
};

enum smtp_client_event {
	SMTP_CLIENT_NONE,  /* all input used */
	SMTP_CLIENT_TLS,   /* send, do the handshake, smtp_client_tls_done() */
	SMTP_CLIENT_READY, /* smtp_client_send() or smtp_client_quit() */
	SMTP_CLIENT_BODY,  /* smtp_client_body()..., smtp_client_body_end() */
	SMTP_CLIENT_DONE,  /* look at smtp_client_outcome() of each recipient */
	SMTP_CLIENT_CLOSED, /* send, hang up; smtp_client_end() says why */
};

struct smtp_client *smtp_client_new(const struct smtp_client_options *o);
void smtp_client_free(struct smtp_client *c);

/* Take bytes from the front of *in up to the first event. */
enum smtp_client_event smtp_client_step(struct smtp_client *c, struct str *in);

/* Bytes for the server; holds at most some 200 KiB if the host keeps to
 * smtp_client_body()'s rule. */
struct buf *smtp_client_output(struct smtp_client *c);

/* The handshake succeeded: all that was said before is forgotten.  Or it did
 * not: CLOSED follows; the host may try without TLS, if it only MAY be. */
void smtp_client_tls_done(
    struct smtp_client *c, const struct smtp_client_tls *tls);
void smtp_client_tls_failed(struct smtp_client *c, const char *why);

/* Only while smtp_client_is_ready().  m and all it points to are borrowed
 * until SMTP_CLIENT_DONE. */
bool smtp_client_is_ready(const struct smtp_client *c);
void smtp_client_send(struct smtp_client *c, const struct smtp_message *m);
void smtp_client_quit(struct smtp_client *c);

/* Only while smtp_client_wants_body(): the next octets, at most
 * SMTP_CLIENT_CHUNK_MAX and while the output holds less than that. */
bool smtp_client_wants_body(const struct smtp_client *c);
void smtp_client_body(struct smtp_client *c, struct str chunk);
void smtp_client_body_end(struct smtp_client *c);

/* The server itself tells senders what becomes of their mail (RFC 3461), as
 * far as is known now. */
bool smtp_client_has_dsn(const struct smtp_client *c);

/* The connection is gone, or the host gives it up; why is a few words ("timed
 * out").  The next steps say DONE, if a message was under way, and CLOSED. */
void smtp_client_lost(struct smtp_client *c, const char *why);

/* Of recipient i of the last message; valid until the next send or free. */
const struct smtp_outcome *smtp_client_outcome(
    const struct smtp_client *c, size_t i);

/* After CLOSED: result SENT after QUIT, PERM when the server wants no mail at
 * all from us (5xx to greeting or EHLO), else TEMP. */
const struct smtp_outcome *smtp_client_end(const struct smtp_client *c);

/* After CLOSED: did it end since TLS could not be had as it was wanted? */
bool smtp_client_is_unsafe(const struct smtp_client *c);

/* Once it is READY without TLS: why there is none, "STARTTLS was refused: 454
 * ..."; empty under TLS and where none was wanted.  And was it only refused
 * for now?  Valid until free. */
const char *smtp_client_why_clear(const struct smtp_client *c);
bool smtp_client_is_clear_for_now(const struct smtp_client *c);

/* After CLOSED, where TLS only MAY be: did STARTTLS end it, without an answer
 * or by a handshake that failed?  Without TLS it may go well.  Not so where
 * somebody has spoken before the handshake. */
bool smtp_client_is_tls_broken(const struct smtp_client *c);

/* After CLOSED: did it refuse our login? */
bool smtp_client_is_shut_out(const struct smtp_client *c);

/* Has the server answered a command of ours? */
bool smtp_client_is_answered(const struct smtp_client *c);

/* What was said, as store/attempt.h has it: from the beginning to READY, and
 * of the last message.  Stale after any other call. */
struct str smtp_client_dialogue(const struct smtp_client *c);

/* How long the host may wait in this state, 0: no limit of ours; to be begun
 * anew whenever smtp_client_turn() differs. */
int64_t smtp_client_timeout_ms(const struct smtp_client *c);
unsigned smtp_client_turn(const struct smtp_client *c);

#endif
