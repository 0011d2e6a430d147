/* SPDX-License-Identifier: MIT */
/*
 * relay_session_state: what a session and its connections share; nobody
 * else's.
 *
 *	relay_session.c		which host, which message, and what follows
 *	relay_connection.c	one connection: bytes both ways, TLS, deadlines
 */
#ifndef MAILD_RELAY_SESSION_STATE_H
#define MAILD_RELAY_SESSION_STATE_H

#include "maild/relay/mx.h"
#include "maild/relay/relay_batch.h"
#include "maild/relay/relay_session.h"

/* What follows when the connection is gone. */
enum after {
	AFTER_NONE,  /* nothing is decided: it went by itself */
	AFTER_END,   /* the session ends */
	AFTER_NEXT,  /* the next host */
	AFTER_SAME,  /* the same host: it has taken mail just now */
	AFTER_CLEAR, /* the same host, without TLS */
};

struct relay_session {
	struct destination *d;
	struct relay_session *next, **self; /* place in the relay's list */
	struct relay_batch batch;

	/* which host */
	struct mx *mx; /* while looking */
	struct mx_targets targets;
	size_t target;
	bool clear; /* TLS failed with this target */
	bool heard; /* some host got as far as taking commands */
	bool harsh; /* every host so far refused us for good */
	struct smtp_outcome failure; /* of the last host */

	/* the connection to it */
	struct conn *conn;
	struct smtp_client *smtp;
	bool connected, handshake;
	bool talking;    /* this connection got as far as taking commands */
	bool lost;       /* we gave up: nothing more is to be sent */
	bool unfit;      /* not safe enough for what is in hand */
	unsigned turn;   /* the deadline is for this one */
	size_t messages; /* judged over this connection */
	enum after after;
	char host[400]; /* "mx.example.org [192.0.2.1]" */
	char tls[100];
};

/* Connect to s->target.  When it is over and s->conn is NULL again, s->after
 * says what follows, and relay_session_turn() does it. */
void relay_connection_open(struct relay_session *s);

/* The one driver: something may have changed, so take what has arrived and send
 * what there is.  session: a struct relay_session; as a relay_body_ready. */
void relay_connection_pump(void *session);

/* End it without a word, and without another call to the session. */
void relay_connection_abandon(struct relay_session *s);

/* For the connection: the engine says this ... */
void relay_session_event(struct relay_session *s, enum smtp_client_event ev);

/* ... or waits for us: take a message, wait for the store to look for more, or
 * take leave. */
void relay_session_message(struct relay_session *s);

/* The server takes commands, or does so no more. */
void relay_session_set_talking(struct relay_session *s, bool talking);

/* The session ends.  No connection may be left. */
void relay_session_leave(struct relay_session *s);

#endif
