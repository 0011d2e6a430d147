/* SPDX-License-Identifier: MIT */
/*
 * imap: the server side of one IMAP session (RFC 3501 and RFC 9051, with the
 * extensions of imap_caps.h).
 *
 *	         STARTTLS
 *	         +--+
 *	         v  |  IMAP_LOGIN, good           SELECT, EXAMINE
 *	--> NOT AUTHENTICATED -----> AUTHENTICATED <------------> SELECTED
 *	         |                        |      CLOSE, UNSELECT     |
 *	         |                        |                          |
 *	         +----------------> LOGOUT <------- LOGOUT, errors, --+
 *	                                            the host's end
 *
 * Pure: no sockets, no clock, no store.  The host feeds bytes, serves events,
 * and sends what imap_output() holds:
 *
 *	while (has_room && (ev = imap_step(p, now_s, &in)) != IMAP_NONE)
 *		serve(ev);
 *
 * Commands are carried out one after another, in the order they came; what
 * follows a command in *in stays there until it is answered.  TLS, DEFLATE,
 * LOGIN, OP and BODY are outstanding until answered; meanwhile no step
 * (asserted).
 *
 * Output is bounded: past IMAP_OUTPUT_HIGH the engine stops within a listing
 * (IMAP_DRAIN); octets of messages come in pieces.
 */
#ifndef POPD_PROTO_IMAP_H
#define POPD_PROTO_IMAP_H

#include "common/util/buf.h"
#include "common/util/mem.h"
#include "popd/proto/imap_op.h"

#define IMAP_OUTPUT_HIGH  (32 * KB)
#define IMAP_CHUNK_MAX    (64 * KB)
#define IMAP_STRANGER_MAX (8 * KB) /* a command before login */
#define IMAP_COMMAND_MAX  (1 * MB) /* after; messages not counted */
#define IMAP_FAILURES_MAX 3        /* failed logins; the next is not checked */

enum imap_event {
	IMAP_NONE,    /* *in is used up */
	IMAP_DRAIN,   /* send the output, then step again; no answer is due */
	IMAP_TLS,     /* if *in is empty, send the output and begin TLS, then
	                 imap_secured(); if not, hang up */
	IMAP_DEFLATE, /* send the output, then compress: imap_compressed() */
	IMAP_LOGIN,   /* check imap_login(): imap_logged_in(), imap_refused() */
	IMAP_OP,      /* carry out imap_op(): imap_done() */
	IMAP_BODY,    /* give the octets imap_body_wanted() says:
	                 imap_body()..., imap_body_end(); or imap_body_failed() */
	IMAP_STAGE,   /* a message begins, of imap_stage_size() octets: have a
	                 stage for it behind those of this command; no answer */
	IMAP_OCTETS,  /* its next octets: imap_octets(), which live until the
	                 next step; no answer */
	IMAP_UNSTAGE, /* a command that had stages is over, done or not: drop
	                 those that are left; no answer */
	IMAP_CLOSE,   /* send the output and hang up; comes again */
};

struct imap_options {
	const char *hostname; /* borrowed, as are all here */
	bool tls;             /* the session is under TLS already */
	bool allow_plaintext; /* logins without TLS */
	unsigned max_errors;  /* after so many the session ends */
	uint64_t message_max; /* octets: APPENDLIMIT */
	const char *off;      /* capabilities that are not offered, a space
	                       * between; "" for none */
};

struct imap *imap_new(const struct imap_options *o);
void imap_free(struct imap *p);

/* Take bytes from the front of *in up to the first event.  now_s: Unix time,
 * for WITHIN and for dates not given. */
enum imap_event imap_step(struct imap *p, int64_t now_s, struct str *in);

/* TLS is established: all that was said before is forgotten. */
void imap_secured(struct imap *p);
void imap_compressed(struct imap *p, bool done);

struct imap_login { /* lives until answered */
	struct str user, password;
};
const struct imap_login *imap_login(const struct imap *p);

enum imap_refusal {
	IMAP_WRONG,       /* name or password: counted */
	IMAP_UNAVAILABLE, /* try again later */
	IMAP_FORBIDDEN,   /* the account may not log in */
};
/* off: capabilities not offered to this account, as in the options; copied. */
void imap_logged_in(
    struct imap *p, int64_t account, const char *login, const char *off);
void imap_refused(struct imap *p, enum imap_refusal why);

/* The op to carry out, the engine's until imap_done() has it back.  A host
 * whose client is gone keeps the engine until the op is back, or takes the op
 * along (imap_take_op()) and frees it itself.
 * Deltas must be applied to the mirrors before imap_done(), and a mirror this
 * session has a view of must be no older than what the op did. */
struct imap_op *imap_op(struct imap *p);
struct imap_op *imap_take_op(struct imap *p);
void imap_done(struct imap *p);

/* While an op is run again and again: may say so to the client (RFC 9585).
 * Call it every few seconds at most. */
void imap_progress(struct imap *p);

struct imap_body {
	int64_t body;
	uint64_t at, len; /* octets; all of them are there */
};
const struct imap_body *imap_body_wanted(const struct imap *p);
void imap_body(struct imap *p, struct str chunk); /* at most IMAP_CHUNK_MAX */
void imap_body_end(struct imap *p);
void imap_body_failed(struct imap *p); /* before its first octet */

uint64_t imap_stage_size(const struct imap *p);
struct str imap_octets(const struct imap *p);

/* The mirror of the selected mailbox has changed, or something is said of other
 * mailboxes of the account (news NULL: not that).  What a client in IDLE or
 * with NOTIFY hears of it comes out of the next imap_step(). */
void imap_poke(struct imap *p, const struct imap_news *news);
bool imap_wants_news(const struct imap *p); /* NOTIFY is set */

/* Messages whose text this client has read since the last call, each once in a
 * session: traces, for the journey.  Valid until the next step. */
const int64_t *imap_read_traces(struct imap *p, size_t *n);

/* End the session between commands; says why unless something is outstanding,
 * whose answer must then not be given any more. */
enum imap_goodbye {
	IMAP_IDLE_TOO_LONG,
	IMAP_SHUTDOWN,
};
void imap_goodbye(struct imap *p, enum imap_goodbye why);

int64_t imap_selected(const struct imap *p);   /* mailbox id, 0: none */
size_t imap_commands(const struct imap *p);    /* begun so far: idle timer */
bool imap_is_idling(const struct imap *p);     /* IDLE, or NOTIFY is set */
const char *imap_client(const struct imap *p); /* of ID, "" if unknown */

/* Bytes for the client; the host drops what it has sent. */
struct buf *imap_output(struct imap *p);

#endif
