/* SPDX-License-Identifier: MIT */
/*
 * relay_session_state: what a session and its connections share; nobody
 * else's.
 *
 *	relay_session.c		which message, and what follows
 *	relay_target.c		which host, and how safe the way there must be
 *	relay_connection.c	one connection: bytes both ways, TLS, deadlines
 *	relay_lesson.c		what others learn of it: hosts, pace, figures
 */
#ifndef MAILD_RELAY_RELAY_SESSION_STATE_H
#define MAILD_RELAY_RELAY_SESSION_STATE_H

#include "common/net/conn.h"
#include "maild/relay/dane.h"
#include "maild/relay/relay_batch.h"
#include "maild/relay/relay_route.h"
#include "maild/relay/relay_session.h"
#include "maild/relay/safety.h"
#include "maild/relay/tls_results.h"

/* What follows when the connection is gone. */
enum after {
	AFTER_NONE,   /* nothing is decided: it went by itself */
	AFTER_END,    /* the session ends */
	AFTER_NEXT,   /* the next host */
	AFTER_SAME,   /* the same host, for what is in hand: it has judged mail,
	               * or waited for some, over the connection that broke */
	AFTER_CLEAR,  /* the same host, without TLS */
	AFTER_NOBODY, /* no host at all: what failed here would fail there */
};

struct relay_session {
	struct destination *d;
	struct relay_session *next, **self; /* place in the relay's list */
	struct relay_batch batch;

	/* which host */
	struct relay_route route;
	bool routed; /* route has been found */
	size_t target;
	bool clear;        /* TLS failed with this target */
	bool recalled;     /* and not just now: hosts know it */
	bool clear_passes; /* and may work the next time */
	bool heard;        /* some host got as far as taking commands */
	bool plain;        /* the last one did so, and without TLS */
	bool law;          /* a TLS policy stood in the way of some host */
	bool passed;       /* TLS-RPT knows that one was passed over */
	unsigned again;    /* how often AFTER_SAME */
	bool harsh;        /* every host so far refused us for good */
	struct smtp_outcome failure; /* of the last host */

	/* how safe the way to it must be */
	bool safety_known;
	struct safety safety;
	struct dane *dane; /* while asking */
	struct tlsa tlsa[TLSA_MAX];
	size_t n_tlsa;
	struct buf tlsa_data; /* what they point into */
	char base[256];       /* TLSA base domain */

	/* the connection to it */
	struct conn *conn;
	struct smtp_client *smtp;
	bool connected, handshake;
	bool talking;    /* this connection got as far as taking commands */
	bool lost;       /* we gave up: nothing more is to be sent */
	bool unfit;      /* not safe enough for what is in hand */
	bool told;       /* hosts know how it went */
	bool noted;      /* tls_results has it */
	bool parting;    /* no message more by this session */
	unsigned turn;   /* the deadline is for this one */
	size_t messages; /* judged over this connection */
	enum after after;
	char host[400];      /* "mx.example.org [192.0.2.1]" */
	char tls[200];       /* and what made it safe */
	char why_clear[200]; /* or what made it go without TLS, or empty */

	/* without mail, open for more: relay.linger */
	bool idle; /* nothing is in hand, until something is or it ends */
	bool lingered;
	struct timer *linger;

	/* what was said over the connections before this one, since a message
	 * was judged; and all of it, as told last */
	struct buf story, told_story;
};

/* ---- relay_target.c */

/* Go on with s->target, or with the next that may be tried: a connection, or
 * relay_session_give_up(). */
void relay_target_try(struct relay_session *s);

/* The next one, and nothing of what holds for this one. */
void relay_target_next(struct relay_session *s);

/* Who is asked now. */
const struct mx_target *relay_target(const struct relay_session *s);

/* ---- relay_connection.c */

/* Connect to s->target.  When it is over and s->conn is NULL again, s->after
 * says what follows, and relay_session_turn() does it. */
void relay_connection_open(struct relay_session *s);

/* The one driver: something may have changed, so take what has arrived and send
 * what there is.  session: a struct relay_session; as a relay_body_ready. */
void relay_connection_pump(void *session);

/* End it without a word, and without another call to the session. */
void relay_connection_abandon(struct relay_session *s);

/* ---- relay_session.c */

/* For the connection: the engine says this ... */
void relay_session_event(struct relay_session *s, enum smtp_client_event ev);

/* ... or waits for us: take a message, wait for the store to look for more, or
 * take leave. */
void relay_session_message(struct relay_session *s);

/* The server takes commands, or does so no more. */
void relay_session_set_talking(struct relay_session *s, bool talking);

/* TLS broke with this target: the same again without it, if nobody asks for it.
 * passes: it may be there the next time.  Else false. */
bool relay_session_go_clear(
    struct relay_session *s, const char *why, bool passes);

/* A line for the dialogue, that was not said to anybody. */
void relay_session_tell(struct relay_session *s, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* No host is left: s->failure is for all. */
void relay_session_give_up(struct relay_session *s);

/* The session ends.  No connection may be left. */
void relay_session_leave(struct relay_session *s);

/* ---- relay_lesson.c */

/* Does another session of this destination talk to the same server? */
bool relay_lesson_others_talk(const struct relay_session *s);

/* The connection did not come about, or ended unasked for; o says how. */
void relay_lesson_failed(struct relay_session *s, const struct smtp_outcome *o);

/* We leave before we know how it goes. */
void relay_lesson_abandoned(struct relay_session *s);

/* The server does its work, or has at least answered. */
void relay_lesson_good(struct relay_session *s);

/* What it said of the message in hand: of our pace, perhaps. */
void relay_lesson_judged(struct relay_session *s);

/* How safe the connection is, or why it is not to be, for TLS-RPT: of each
 * target the first that is told counts. */
void relay_lesson_tls(struct relay_session *s, const struct conn_tls *tls);
void relay_lesson_unsafe(
    struct relay_session *s, enum tls_result result, const char *reason);

/* It takes commands in the clear, where TLS was not asked for: for TLS-RPT,
 * and for the next sessions. */
void relay_lesson_clear(struct relay_session *s);

#endif
