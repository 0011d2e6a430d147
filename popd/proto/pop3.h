/* SPDX-License-Identifier: MIT */
/*
 * pop3: the server side of one POP3 session (RFC 1939, 2449, 2595, 3206,
 * 5034, 6856).
 *
 *	            STLS
 *	            +--+
 *	            v  |
 *	--> AUTHORIZATION ----- POP3_LOGIN, good ----> TRANSACTION
 *	      |   ^  |                                   |     |
 *	 AUTH v   |  | QUIT                         QUIT v     | errors,
 *	     SASL-+  |                               UPDATE    | host's end
 *	             |                                   |     |
 *	             +-----------> CLOSED <--------------+-----+
 *
 * Messages are removed in UPDATE only, which only QUIT reaches (s6).
 *
 * Pure: no sockets, no clock, no store.  The host feeds bytes, serves events,
 * and sends what pop3_output() holds:
 *
 *	while (has_room && (ev = pop3_step(p, &in, &req)) != POP3_NONE)
 *		serve(ev, &req);
 *
 * LOGIN, TLS, BODY and COMMIT are outstanding until answered; meanwhile no
 * step (asserted).  The strings of a request live until the answer.  After
 * an event, *in holds what the client sent behind it.
 *
 * Output is bounded: past POP3_OUTPUT_HIGH the engine takes no further command
 * and stops within a listing (POP3_DRAIN); a body comes in pieces of at most
 * POP3_CHUNK_MAX that the host hands in when the last one is gone.
 *
 * Mail with UTF-8 in its header is given out as it is, whether or not UTF8
 * was said: RFC 6856 s2.1 would have it refused or rewritten, and a message
 * that cannot be fetched helps nobody.  Passwords and names may be UTF-8 only
 * if the authority takes them.
 */
#ifndef POPD_PROTO_POP3_H
#define POPD_PROTO_POP3_H

#include "common/util/buf.h"
#include "common/util/mem.h"

#define POP3_OUTPUT_HIGH  (16 * KB)
#define POP3_CHUNK_MAX    (64 * KB)
#define POP3_COMMAND_MAX  2048 /* RFC 2449 s4 asks for 255 */
#define POP3_FAILURES_MAX 3    /* failed logins; the next is not checked */

struct pop3;

enum pop3_event {
	POP3_NONE,   /* *in is used up */
	POP3_DRAIN,  /* send the output, then step again; no answer is due */
	POP3_TLS,    /* if *in is empty, send the output and begin TLS, then
	                pop3_secured(); if not, hang up (RFC 2595 s4) */
	POP3_LOGIN,  /* check user and password, lock and read the maildrop:
	                pop3_logged_in() or pop3_refused() */
	POP3_BODY,   /* give message `index': pop3_body_begin(), pop3_body()...,
	                pop3_body_end(); or pop3_body_failed() */
	POP3_COMMIT, /* remove the messages marked deleted: pop3_committed() */
	POP3_CLOSE,  /* send the output and hang up; comes again */
};

struct pop3_options {
	const char *hostname; /* borrowed */
	bool tls;             /* the session is under TLS already */
	bool allow_plaintext; /* logins without TLS */
	unsigned max_errors;  /* after so many the session ends */
};

struct pop3_request {
	struct str user, password;
	size_t index;
};

struct pop3_message {
	uint64_t octets;
	uint64_t uidl; /* told as "HIGH.LOW", 32 bits each; no two have one */
	uint32_t uid;  /* the host's own */
	bool deleted;
	bool fetched; /* the host's own */
};

struct pop3_maildrop {
	struct pop3_message *messages; /* by rising uid */
	size_t n;
};

enum pop3_refusal {
	POP3_WRONG,       /* name or password: counted, [AUTH] */
	POP3_IN_USE,      /* another session has the maildrop */
	POP3_UNAVAILABLE, /* [SYS/TEMP] */
	POP3_FORBIDDEN,   /* [SYS/PERM]: the account may not log in */
};

/* Why the host ends a session. */
enum pop3_goodbye {
	POP3_IDLE,
	POP3_SHUTDOWN,
};

struct pop3 *pop3_new(const struct pop3_options *o);
void pop3_free(struct pop3 *p);

/* Take bytes from the front of *in up to the first event. */
enum pop3_event pop3_step(
    struct pop3 *p, struct str *in, struct pop3_request *req);

/* TLS is established: all that was said before is forgotten. */
void pop3_secured(struct pop3 *p);

/* drop is borrowed until pop3_free(). */
void pop3_logged_in(struct pop3 *p, struct pop3_maildrop *drop);
void pop3_refused(struct pop3 *p, enum pop3_refusal why);

/* The message is there; then its octets in order.  pop3_body() returns false
 * when no more are wanted.  pop3_body_end() tells whether the whole message
 * went out.  A host that cannot go on in the middle hangs up. */
void pop3_body_begin(struct pop3 *p);
bool pop3_body(struct pop3 *p, struct str chunk);
bool pop3_body_end(struct pop3 *p);

/* Instead of pop3_body_begin(): gone for good, or not to be had now. */
void pop3_body_failed(struct pop3 *p, bool gone);

/* All marked messages are removed, or none is. */
void pop3_committed(struct pop3 *p, bool done);

/* End the session between commands; says why unless an event is outstanding,
 * whose answer must then not be given any more. */
void pop3_goodbye(struct pop3 *p, enum pop3_goodbye why);

/* Whole lines taken from the client so far: what resets the idle timer. */
size_t pop3_lines(const struct pop3 *p);

/* Bytes for the client; the host drops what it has sent. */
struct buf *pop3_output(struct pop3 *p);

#endif
