/* SPDX-License-Identifier: MIT */
/*
 * session_state: the inside of a session, shared by its files only.
 *
 *	session.c		the connection: pump, time, begin and end
 *	session_begin.c		before the first command: PROXY, greeting
 *	session_serve.c		the engine's events and their answers
 *	session_recipient.c	RCPT: from the question to its answer
 *	session_scram.c		AUTH SCRAM
 *
 *	NAMING --PROXY header--> HOLDING --greet delay--> SERVING
 *
 * In NAMING there is neither engine nor visit; who is no proxy begins after
 * it.
 */
#ifndef SMTPD_SESSION_STATE_H
#define SMTPD_SESSION_STATE_H

#include "common/daemon/listen_options.h"
#include "common/net/conn.h"
#include "smtpd/guard.h"
#include "smtpd/proto/smtp_server.h"
#include "smtpd/receive.h"
#include "smtpd/smtpd.h"

enum session_stage {
	SESSION_NAMING,  /* a proxy has yet to say for whom it calls */
	SESSION_HOLDING, /* the greeting is held back */
	SESSION_SERVING,
};

struct session {
	struct crowd_member member; /* first, so that it is its session */
	struct smtpd *d;
	const struct service *service; /* borrowed */
	struct listen_options listen;
	struct conn *conn; /* NULL when the client is gone */
	struct smtp_server *smtp;
	struct visit *visit;
	struct address peer; /* the client, or for whom the proxy calls */
	char ip[ADDRESS_TEXT_MAX];
	enum session_stage stage;
	bool securing; /* the TLS handshake is under way */
	bool pumping;  /* inside pump(), which goes on by itself */
	bool busy;     /* an answer is awaited */
	bool waiting;  /* ... from something that session_stop_waiting() can
	                * take back */
	bool ending;   /* conn_finish() or conn_abort() was called */

	bool timed; /* the deadline runs, set at `progress' */
	uint64_t progress;
	int64_t data_since; /* ms, when DATA began */

	struct timer
	    *delay; /* while a refusal, or the greeting, is held back */
	enum smtp_reply delayed;
	char *delayed_text;
	size_t listed; /* recipients refused since the address is on a list */

	char *tried; /* name whose login is being checked */
	char *login; /* after login */
	char *scram; /* the exchange under way, as the authority calls it */
	int64_t account;
	struct receive *receive; /* from MAIL to its end */

	/* the RCPT that is being answered */
	struct smtp_path path; /* valid until the answer */
	unsigned notify;
	char *orcpt;        /* NULL: none */
	char *address;      /* where it goes; NULL: not known yet */
	struct route route; /* so, too */
};

/* May a client of that address come now?  of_proxy: it is a proxy that calls
 * for itself, where nobody logs in.  REPLY_OK, or the 421. */
enum smtp_reply session_may_come(const struct session *s, bool of_proxy);

/* It may not.  What the gate keeps out it has said itself. */
void session_log_kept_out(const struct session *s, enum smtp_reply r);

/* Make what is needed to serve, now that the client's address is known, and
 * greet it, now or later. */
void session_begin(struct session *s);

/* Input while the session is NAMING or HOLDING. */
void session_begin_input(struct session *s);

/* Serve what is there: the session is neither busy nor at its end. */
void session_pump(struct session *s);

/* Serve one event.  Questions (busy is set before) are answered now or later
 * with session_go_on().  more: input waits behind the event. */
void session_serve(struct session *s, enum smtp_event ev,
    const struct smtp_request *req, bool more);
void session_recipient(struct session *s, const struct smtp_request *req);
void session_scram(struct session *s, const struct smtp_request *req);

/* TLS is up: may SCRAM be bound to it? */
void session_bind(struct session *s);

/* The answer was given: pump on.  Frees a session whose client is gone. */
void session_go_on(struct session *s);

/* What is awaited will not come; it is neither busy nor waiting any more. */
void session_stop_waiting(struct session *s);

/* Hand the engine's output to the connection. */
void session_flush(struct session *s);

/* Send what is left to send and hang up; or hang up. */
void session_finish(struct session *s);
void session_abort(struct session *s);

/* Forget the message under way, if any. */
void session_drop_message(struct session *s);

/* A line of the log: what ("from", "to") names the address.  why: what the
 * reply's `%' stands for, or empty. */
void session_log_refusal(struct session *s, const char *what,
    struct str address, enum smtp_reply r, struct str why);

#endif
