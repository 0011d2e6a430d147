/* SPDX-License-Identifier: MIT */
/*
 * imap_session_state: what the files of the IMAP session share.
 *
 *	imap_session.c	life, connection, time: drives the engine
 *	imap_serve.c	serves the engine's events
 *	imap_job.c	carries out its ops by jobs of the store
 *	imap_body.c	gives it octets of messages
 *	imap_ahead.c	reads ahead in a long FETCH
 */
#ifndef POPD_IMAP_SESSION_STATE_H
#define POPD_IMAP_SESSION_STATE_H

#include "common/net/conn.h"
#include "common/store/stage.h"
#include "popd/feed.h"
#include "popd/imap_ahead.h"
#include "popd/imap_session.h"
#include "popd/mailboxes.h"
#include "popd/ops/ops.h"
#include "popd/proto/imap.h"
#include "popd/turns.h"

/* An op on its way: one at a time. */
struct imap_job {
	struct store_job job; /* first, so that a job is its imap_job */
	struct imap_session *s;
	struct imap_op *op;
	struct ops_context context;
	struct turn turn; /* of a search */
	int64_t told_ms;  /* when the client last heard of its progress */
};

struct imap_session {
	struct crowd_member member; /* first, so that it is its session */
	struct popd *popd;
	struct conn *conn; /* NULL when the client is gone */
	struct imap *imap;
	char ip[ADDRESS_TEXT_MAX];

	bool pumping;      /* the engine is being driven */
	bool securing;     /* the TLS handshake is under way */
	bool starttls;     /* because the client asked for it */
	bool busy;         /* an answer is awaited */
	bool ending;       /* conn_finish() or conn_abort() was called */
	bool timed;        /* the deadline runs */
	uint64_t progress; /* when it was set */
	uint64_t octets;   /* of messages, that came */

	char *tried;  /* name whose login is being checked */
	char *login;  /* NULL until logged in */
	bool listens; /* listener is one of mailboxes' */
	struct mailbox_listener listener;

	struct imap_job job;
	struct imap_ahead *ahead; /* of the FETCH under way, or NULL */
	struct stage **stages;    /* of the command under way */
	size_t n_stages;

	struct feed *feed; /* of the message being given out, or kept in case
	                    * the client goes on in it */
	bool feeding;      /* octets are being given out */
	bool feed_kept;    /* not: counted in popd->kept_feeds */
	bool feed_waits;   /* its next piece is not asked for yet */
	uint64_t given;
	size_t n_fetched;
};

/* Serve an event; sets busy if the answer comes later. */
void imap_serve(struct imap_session *s, enum imap_event ev);

/* imap_job.c */
void imap_job_begin(struct imap_session *s);
void imap_job_stage(struct imap_session *s);
void imap_job_octets(struct imap_session *s);
void imap_job_unstage(struct imap_session *s);

/* The op that waited for what was read ahead has its answer, or is to be
 * carried out after all. */
void imap_job_go_on(struct imap_session *s, bool answered);

/* imap_body.c: give what the engine wants; go on if there is room; nobody
 * wants any more. */
void imap_body_begin(struct imap_session *s);
void imap_body_go_on(struct imap_session *s);
void imap_body_drop(struct imap_session *s);

/* Send what the engine has to say. */
void imap_session_flush(struct imap_session *s);

/* The awaited answer was given: go on, or be gone. */
void imap_session_resume(struct imap_session *s);

/* Send what there is to send and close; or close at once. */
void imap_session_finish(struct imap_session *s);
void imap_session_abort(struct imap_session *s);

/* The account is known: hear of its mailboxes. */
void imap_session_listen(struct imap_session *s, int64_t account);

#endif
