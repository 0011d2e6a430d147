/* SPDX-License-Identifier: MIT */
#include "maild/relay_session.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/net/conn.h"
#include "common/util/mem.h"
#include "maild/mx.h"
#include "maild/relay_batch.h"

#define MESSAGES_MAX 100 /* over one connection */
#define CONNECT_MS   30000

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

	struct mx *mx; /* while looking */
	struct mx_targets targets;
	size_t target;
	bool clear; /* TLS failed with this target */
	bool heard; /* some host got as far as taking commands */
	bool harsh; /* every host so far refused us for good */
	struct smtp_outcome failure; /* of the last host */

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

	struct relay_batch batch;
};

static struct relay *
relay_of(const struct relay_session *s)
{
	return s->d->relay;
}

static struct attempt
attempt(const struct relay_session *s)
{
	return (struct attempt){str_of(s->host), str_of(s->tls),
	    s->smtp != NULL && smtp_client_has_dsn(s->smtp)};
}

static void
set_talking(struct relay_session *s, bool talking)
{
	if (talking != s->talking)
		s->d->talking += talking ? 1 : (size_t)-1;
	s->talking = talking;
}

/* What must end before the session may. */
static void
leave(struct relay_session *s)
{
	relay_batch_release(&s->batch);
	set_talking(s, false);
	s->d->sessions--;
	relay_of(s)->n_sessions--;
	*s->self = s->next;
	if (s->next != NULL)
		s->next->self = s->self;
	relay_schedule(relay_of(s));
	mx_free(s->mx);
	smtp_client_free(s->smtp);
	smtp_outcome_release(&s->failure);
	free(s);
}

/* No host is left. */
static void
give_up(struct relay_session *s)
{
	struct attempt a = attempt(s);

	/* one host that might have taken it is reason enough to come back */
	if (s->failure.result != SMTP_TEMP && !s->harsh) {
		s->failure.result = SMTP_TEMP;
		s->failure.enhanced[0] = '4';
	}
	s->failure.elsewhere = false;
	relay_batch_settle(&s->batch, &s->failure, &a);
	if (!s->heard && s->d->talking == 0)
		destination_condemn(s->d, &s->failure, &a);
	leave(s);
}

static void
flush(struct relay_session *s)
{
	struct buf *out = smtp_client_output(s->smtp);

	if (out->len > 0 && s->conn != NULL)
		conn_send(s->conn, buf_str(out));
	buf_clear(out);
}

static void
lose(struct relay_session *s, const char *why)
{
	s->lost = true;
	smtp_client_lost(s->smtp, why);
}

/* The server waits for us: take a message (ready is called when its body is
 * there), wait for the store to look for more, or take leave. */
static void
next_message(struct relay_session *s, relay_body_ready *ready)
{
	if (!smtp_client_is_ready(s->smtp) || s->batch.body != NULL)
		return;
	if (s->unfit) { /* RFC 8689 s4.2.1: QUIT, and the next host */
		smtp_client_quit(s->smtp);
	} else if (relay_of(s)->stopping || s->messages >= MESSAGES_MAX) {
		relay_batch_release(&s->batch);
		smtp_client_quit(s->smtp);
	} else if (s->batch.n > 0 || relay_batch_take(&s->batch)) {
		relay_batch_open(&s->batch, ready, s);
	} else if (s->d->load == NULL && !s->d->more) {
		smtp_client_quit(s->smtp);
	}
}

/* The engine is through with this connection: why, and what follows? */
static void
decide(struct relay_session *s)
{
	const struct smtp_outcome *end = smtp_client_end(s->smtp);

	/* A server that ends it before it was given anything has failed all the
	 * same: some message must be put off, or we are back at once. */
	if (end->result != SMTP_SENT && s->messages == 0 && s->batch.n == 0)
		relay_batch_take(&s->batch);
	if (end->result == SMTP_SENT) { /* QUIT */
		s->after = s->unfit ? AFTER_NEXT : AFTER_END;
	} else if (s->batch.n > 0 || !s->talking) {
		smtp_outcome_copy(&s->failure, end);
		s->harsh &= end->result == SMTP_PERM && !s->talking;
		s->after = s->messages > 0 ? AFTER_SAME : AFTER_NEXT;
	} else {
		s->after = AFTER_END;
	}
}

/* Whom it has not judged because it is not safe enough goes to the next host;
 * if that was the last this is why. */
static void
judged(struct relay_session *s)
{
	struct attempt a = attempt(s);
	const struct smtp_outcome *why = NULL;

	for (size_t i = 0; i < s->batch.n; i++)
		if (smtp_client_outcome(s->smtp, i)->elsewhere &&
		    smtp_client_outcome(s->smtp, i)->result == SMTP_PERM)
			why = smtp_client_outcome(s->smtp, i);
	s->messages += relay_batch_judged(&s->batch, s->smtp, &a);
	if (why == NULL || s->batch.n == 0)
		return;
	s->unfit = true;
	smtp_outcome_copy(&s->failure, why);
}

static void
on_event(struct relay_session *s, enum smtp_client_event ev)
{
	switch (ev) {
	case SMTP_CLIENT_READY:
		s->heard = true;
		set_talking(s, true);
		relay_schedule(relay_of(s));
		break;
	case SMTP_CLIENT_DONE:
		judged(s);
		break;
	case SMTP_CLIENT_CLOSED:
		decide(s);
		break;
	case SMTP_CLIENT_TLS:
		s->handshake = true;
		break;
	case SMTP_CLIENT_BODY: /* fed by the caller */
	case SMTP_CLIENT_NONE:
		break;
	}
}

/* Take what has arrived, as far as the handshake. */
static void
take_input(struct relay_session *s)
{
	struct str in = s->conn != NULL ? conn_input(s->conn) : STR("");
	size_t had = in.len;
	enum smtp_client_event ev;

	while (!s->handshake &&
	       (ev = smtp_client_step(s->smtp, &in)) != SMTP_CLIENT_NONE)
		on_event(s, ev);
	if (s->conn != NULL)
		conn_consume(s->conn, had - in.len);
}

static void
set_deadline(struct relay_session *s)
{
	if (s->turn == smtp_client_turn(s->smtp))
		return;
	s->turn = smtp_client_turn(s->smtp);
	conn_deadline(s->conn, smtp_client_timeout_ms(s->smtp));
}

static void
hang_up(struct relay_session *s)
{
	flush(s);
	if (s->lost)
		conn_abort(s->conn);
	else
		conn_finish(s->conn);
}

/* Send what the engine and the body have, as long as there is room. */
static void
feed(struct relay_session *s)
{
	flush(s);
	while (smtp_client_wants_body(s->smtp) && conn_has_room(s->conn) &&
	       relay_batch_feed(&s->batch, s->smtp)) {
		s->lost |= s->batch.unreadable;
		flush(s);
	}
}

static void
start_tls(struct relay_session *s)
{
	const struct mx_target *t = &s->targets.at[s->target];

	flush(s);
	conn_deadline(s->conn, 0); /* the handshake has its own */
	conn_start_tls(
	    s->conn, relay_of(s)->d.tls, t->literal ? NULL : t->host);
}

/* One round: input, the next message if it is time, output. */
static void
pump_round(struct relay_session *s, relay_body_ready *pump)
{
	take_input(s);
	if (s->handshake || s->after != AFTER_NONE)
		return;
	next_message(s, pump);
	if (smtp_client_is_ready(s->smtp) && relay_batch_can_send(&s->batch))
		relay_batch_send(&s->batch, s->smtp);
	else
		next_message(s, pump); /* if the last could not be read */
	feed(s);
}

/* The one driver. */
static void
pump(void *arg)
{
	struct relay_session *s = arg;
	unsigned turn;

	if (s->conn == NULL || !s->connected || s->after != AFTER_NONE ||
	    s->handshake)
		return;
	do {
		turn = smtp_client_turn(s->smtp);
		pump_round(s, pump);
	} while (turn != smtp_client_turn(s->smtp) && !s->handshake &&
		 s->after == AFTER_NONE);
	if (s->after == AFTER_NONE && !s->handshake && conn_eof(s->conn)) {
		lose(s, "the other server closed the connection");
		take_input(s);
	}
	if (s->after != AFTER_NONE)
		hang_up(s);
	else if (s->handshake)
		start_tls(s);
	else
		set_deadline(s);
}

static void
on_ready(void *arg, struct conn *c)
{
	struct relay_session *s = arg;
	const struct conn_tls *tls = conn_tls(c);

	s->connected = true;
	if (s->handshake && tls != NULL) {
		s->handshake = false;
		snprintf(
		    s->tls, sizeof(s->tls), "%s %s", tls->version, tls->cipher);
		smtp_client_tls_done(s->smtp, tls->verified);
	}
	pump(s);
}

static void
on_expired(void *arg, struct conn *c)
{
	struct relay_session *s = arg;

	(void)c;
	lose(s, "timed out");
	pump(s);
}

static void
on_closed(void *arg, enum conn_end end, const char *text)
{
	struct relay_session *s = arg;

	(void)end; /* in words is enough */
	s->conn = NULL;
	if (s->after != AFTER_NONE) {
		/* as it was meant to be */
	} else if (!s->connected) {
		smtp_outcome_say(&s->failure, SMTP_TEMP, "4.4.1",
		    "cannot connect: %s", text);
		s->harsh = false;
		s->after = AFTER_NEXT;
	} else if (s->handshake) {
		log_info(relay_of(s)->d.log,
		    "relay mx=%s goes on in the clear: %s", s->host, text);
		s->handshake = false;
		s->after = AFTER_CLEAR;
	} else {
		lose(s, text[0] != '\0' ? text : "the connection broke");
		take_input(s);
	}
	set_talking(s, false);
	if (relay_of(s)->stopping)
		leave(s);
	else
		relay_schedule(relay_of(s)); /* relay_session_turn() goes on */
}

static const struct conn_host host = {on_ready, on_closed, on_expired};

/* relay.source, where it is of the target's kind. */
static const struct address *
choose_source(const struct conf *conf, const struct address *target,
    struct address *source)
{
	bool good = address_from_ip(str_of(conf->relay_source), 0, source) &&
	            address_is_v6(source) == address_is_v6(target);

	return good ? source : NULL;
}

static void
connect_target(struct relay_session *s)
{
	const struct relay_deps *deps = &relay_of(s)->d;
	const struct mx_target *t = &s->targets.at[s->target];
	const struct smtp_client_options o = {
	    .hostname = deps->conf->server_hostname,
	    .tls = deps->tls != NULL && !s->clear,
	    .timeout_ms = deps->conf->relay_timeout,
	};
	struct conn_limits limits = conn_default_limits();
	char ip[ADDRESS_TEXT_MAX];
	struct address source;

	limits.handshake_ms = deps->conf->timeouts_handshake;
	limits.stall_ms = deps->conf->relay_timeout;
	limits.connect_ms = o.timeout_ms < CONNECT_MS ? o.timeout_ms
	                                              : CONNECT_MS;
	snprintf(s->host, sizeof(s->host), "%s [%s]", t->host,
	    address_ip_text(&t->address, ip));
	s->tls[0] = '\0';
	s->connected = s->handshake = s->lost = s->unfit = false;
	s->messages = 0;
	s->smtp = smtp_client_new(&o);
	s->turn = smtp_client_turn(s->smtp) - 1; /* no deadline yet */
	s->conn = conn_connect(deps->loop, &t->address,
	    choose_source(deps->conf, &t->address, &source), &host, s, &limits);
}

static void
on_targets(
    void *arg, const struct smtp_outcome *why, const struct mx_targets *targets)
{
	struct relay_session *s = arg;
	struct attempt nobody = {0};

	mx_free(s->mx);
	s->mx = NULL;
	if (why == NULL && !relay_of(s)->stopping) {
		s->targets = *targets;
		connect_target(s);
		return;
	}
	if (why != NULL && s->d->talking == 0)
		destination_condemn(s->d, why, &nobody);
	leave(s);
}

/* The connection is gone: do what was decided. */
static void
go_on(struct relay_session *s)
{
	enum after after = s->after;

	s->after = AFTER_NONE;
	relay_batch_close(&s->batch);
	smtp_client_free(s->smtp);
	s->smtp = NULL;
	if (after == AFTER_END || relay_of(s)->stopping) {
		leave(s);
		return;
	}
	s->clear |= after == AFTER_CLEAR;
	if (after == AFTER_NEXT) {
		s->target++;
		s->clear = false;
	}
	if (s->target < s->targets.n)
		connect_target(s);
	else
		give_up(s);
}

void
relay_session_start(struct destination *d)
{
	struct relay *r = d->relay;
	struct relay_session *s = MEM_NEW(struct relay_session);
	const struct mx_options o = {
	    .loop = r->d.loop,
	    .resolver = r->d.resolver,
	    .self = r->self,
	    .port = (uint16_t)r->d.conf->relay_port,
	};

	s->d = d;
	s->harsh = true;
	smtp_outcome_init(&s->failure);
	relay_batch_init(&s->batch, d);
	s->next = r->sessions;
	s->self = &r->sessions;
	if (s->next != NULL)
		s->next->self = &s->next;
	r->sessions = s;
	r->n_sessions++;
	d->sessions++;
	s->mx = mx_new(&o, str_of(d->domain), on_targets, s);
}

void
relay_session_turn(struct relay_session *s)
{
	if (s->conn == NULL && s->after != AFTER_NONE) {
		go_on(s);
	} else if (relay_of(s)->stopping && s->mx != NULL) {
		leave(s);
	} else if (relay_of(s)->stopping && s->conn != NULL && !s->connected) {
		s->after = AFTER_END;
		conn_abort(s->conn);
	} else {
		pump(s);
	}
}

struct relay_session *
relay_session_next(const struct relay_session *s)
{
	return s->next;
}

/* A connection that outlives its session. */
static void
nobody_ready(void *arg, struct conn *c)
{
	(void)arg;
	(void)c;
}

static void
nobody_closed(void *arg, enum conn_end end, const char *text)
{
	(void)arg;
	(void)end;
	(void)text;
}

void
relay_session_free(struct relay_session *s)
{
	static const struct conn_host nobody = {
	    nobody_ready, nobody_closed, nobody_ready};

	if (s->conn != NULL) {
		conn_rehost(s->conn, &nobody, NULL);
		conn_abort(s->conn);
	}
	leave(s);
}
