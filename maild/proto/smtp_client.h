/* SPDX-License-Identifier: MIT */
/*
 * smtp_client: our side of one connection to another SMTP server (RFC 5321).
 *
 *	GREETING -220-> EHLO -250-> [STARTTLS -220-> TLS -> EHLO] -> READY
 *	                  | 500..504, 550
 *	                  +--> HELO -250-> READY
 *	READY -send-> ENVELOPE -354-> BODY -end-> DOT -any-> READY
 *	                  +--refused, or nobody taken--> READY
 *	READY -quit-> QUIT -any-> CLOSED
 *	all: 421, a reply out of place, smtp_client_lost() -> CLOSED
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
 *by octet, or not at all.
 */
#ifndef MAILD_PROTO_SMTP_CLIENT_H
#define MAILD_PROTO_SMTP_CLIENT_H

#include "common/util/buf.h"
#include "maild/proto/smtp_outcome.h"
#include "maild/proto/smtp_transaction.h"

#define SMTP_CLIENT_CHUNK_MAX (64 * KB)

struct smtp_client;

struct smtp_client_options {
	const char *hostname; /* for EHLO; borrowed until free */
	bool tls;             /* use STARTTLS where it is offered */
	int64_t timeout_ms;   /* for a reply; the other times are in
	                       * proportion (RFC 5321 s4.5.3.2) */
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

/* The handshake succeeded; verified: with the host we meant.  All that was said
 * before is forgotten. */
void smtp_client_tls_done(struct smtp_client *c, bool verified);

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

/* How long the host may wait in this state, 0: no limit of ours; to be begun
 * anew whenever smtp_client_turn() differs. */
int64_t smtp_client_timeout_ms(const struct smtp_client *c);
unsigned smtp_client_turn(const struct smtp_client *c);

#endif
