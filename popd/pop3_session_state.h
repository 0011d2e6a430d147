/* SPDX-License-Identifier: MIT */
/*
 * pop3_session_state: what the files of the POP3 session share.
 *
 *	pop3_session.c	life, connection, time: drives the engine
 *	pop3_serve.c	serves the engine's events
 *	pop3_ahead.c	reads ahead for who fetches one after the other
 */
#ifndef POPD_POP3_SESSION_STATE_H
#define POPD_POP3_SESSION_STATE_H

#include "common/net/conn.h"
#include "popd/feed.h"
#include "popd/maildrop.h"
#include "popd/pop3_ahead.h"
#include "popd/pop3_session.h"
#include "popd/proto/pop3.h"

struct pop3_session {
	struct crowd_member member; /* first, so that it is its session */
	struct popd *popd;
	struct conn *conn; /* NULL when the client is gone */
	struct pop3 *pop3;
	char ip[ADDRESS_TEXT_MAX];

	bool pumping;  /* the engine is being driven */
	bool securing; /* the TLS handshake is under way */
	bool stls;     /* because the client asked for it */
	bool busy;     /* an answer is awaited */
	bool ending;   /* conn_finish() or conn_abort() was called */
	bool timed;    /* the idle deadline runs */
	size_t lines;  /* taken when it was set */

	char *tried;           /* name whose login is being checked */
	struct maildrop *drop; /* from the check of a login on */
	bool logged_in;
	struct pop3_ahead *ahead; /* what follows it, or NULL */
	struct feed *feed;        /* of the message being given out */
	bool feed_waits; /* its next piece is not asked for yet; else it is
	                  * under way */
	bool begun;      /* its first line is out */
	size_t index;    /* its place in the maildrop */
	size_t n_fetched, n_deleted;
};

/* Serve an event; sets busy if the answer comes later. */
void pop3_serve(
    struct pop3_session *s, enum pop3_event ev, const struct pop3_request *req);

/* Ask for the next piece of the message if there is room for it. */
void pop3_serve_feed(struct pop3_session *s);

/* The message that was asked for was read ahead; or is to be read for itself.
 */
void pop3_serve_ahead(struct pop3_session *s, struct str text);
void pop3_serve_alone(struct pop3_session *s);

/* Send what the engine has to say. */
void pop3_session_flush(struct pop3_session *s);

/* The awaited answer was given: go on, or be gone. */
void pop3_session_resume(struct pop3_session *s);

/* Send what there is to send and close; or close at once.  Not while a job of
 * the maildrop is under way. */
void pop3_session_finish(struct pop3_session *s);
void pop3_session_abort(struct pop3_session *s);

#endif
