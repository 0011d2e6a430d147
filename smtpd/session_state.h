/* SPDX-License-Identifier: MIT */
/*
 * session_state: the inside of a session, shared by its two files only.
 *
 *	session.c	the connection: pump, time, begin and end
 *	session_serve.c	the engine's events and their answers
 */
#ifndef SMTPD_SESSION_STATE_H
#define SMTPD_SESSION_STATE_H

#include "common/net/conn.h"
#include "smtpd/proto/smtp_server.h"
#include "smtpd/receive.h"
#include "smtpd/smtpd.h"

struct session {
	struct crowd_member member; /* first, so that it is its session */
	struct smtpd *d;
	const struct service *service; /* borrowed */
	struct conn *conn;             /* NULL when the client is gone */
	struct smtp_server *smtp;
	char ip[ADDRESS_TEXT_MAX];
	bool securing; /* the TLS handshake is under way */
	bool pumping;  /* inside pump(), which goes on by itself */
	bool busy;     /* an answer is awaited */
	bool ending;   /* conn_finish() or conn_abort() was called */

	bool timed; /* the deadline runs, set at `progress' */
	uint64_t progress;
	int64_t data_since; /* ms, when DATA began */

	struct timer *delay; /* while a refusal is held back */
	enum smtp_reply delayed;

	char *tried; /* name whose login is being checked */
	char *login; /* after login */
	int64_t account;
	struct receive *receive; /* from MAIL to its end */
};

/* Serve one event.  Questions (busy is set before) are answered now or later
 * with session_go_on().  more: input waits behind the event. */
void session_serve(struct session *s, enum smtp_event ev,
    const struct smtp_request *req, bool more);

/* The answer was given: pump on.  Frees a session whose client is gone. */
void session_go_on(struct session *s);

/* Hand the engine's output to the connection. */
void session_flush(struct session *s);

/* Send what is left to send and hang up. */
void session_finish(struct session *s);

/* Forget the message under way, if any. */
void session_drop_message(struct session *s);

#endif
