/* SPDX-License-Identifier: MIT */
#include "maild/relay/relay_session.h"

#include <assert.h>
#include <stdlib.h>

#include "common/net/conn.h"
#include "common/util/mem.h"
#include "maild/relay/relay_session_state.h"

#define MESSAGES_MAX 100 /* over one connection */

static struct attempt
attempt(const struct relay_session *s)
{
	return (struct attempt){
	    .host = str_of(s->host),
	    .tls = str_of(s->tls),
	    .dsn = s->smtp != NULL && smtp_client_has_dsn(s->smtp),
	};
}

void
relay_session_set_talking(struct relay_session *s, bool talking)
{
	if (talking != s->talking)
		s->d->talking += talking ? 1 : (size_t)-1;
	s->talking = talking;
}

void
relay_session_leave(struct relay_session *s)
{
	assert(s->conn == NULL);
	relay_batch_release(&s->batch);
	relay_session_set_talking(s, false);
	s->d->sessions--;
	s->d->relay->n_sessions--;
	*s->self = s->next;
	if (s->next != NULL)
		s->next->self = s->self;
	relay_schedule(s->d->relay);
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
	relay_session_leave(s);
}

void
relay_session_message(struct relay_session *s)
{
	if (!smtp_client_is_ready(s->smtp) || s->batch.body != NULL)
		return;
	if (s->unfit) { /* RFC 8689 s4.2.1: QUIT, and the next host */
		smtp_client_quit(s->smtp);
	} else if (s->d->relay->stopping || s->messages >= MESSAGES_MAX) {
		relay_batch_release(&s->batch);
		smtp_client_quit(s->smtp);
	} else if (s->batch.n > 0 || relay_batch_take(&s->batch)) {
		relay_batch_open(&s->batch, relay_connection_pump, s);
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

void
relay_session_event(struct relay_session *s, enum smtp_client_event ev)
{
	switch (ev) {
	case SMTP_CLIENT_READY:
		s->heard = true;
		relay_session_set_talking(s, true);
		relay_schedule(s->d->relay);
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

static void
on_targets(
    void *arg, const struct smtp_outcome *why, const struct mx_targets *targets)
{
	struct relay_session *s = arg;
	struct attempt nobody = {0};

	mx_free(s->mx);
	s->mx = NULL;
	if (why == NULL && !s->d->relay->stopping) {
		s->targets = *targets;
		relay_connection_open(s);
		return;
	}
	if (why != NULL && s->d->talking == 0)
		destination_condemn(s->d, why, &nobody);
	relay_session_leave(s);
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
	if (after == AFTER_END || s->d->relay->stopping) {
		relay_session_leave(s);
		return;
	}
	s->clear |= after == AFTER_CLEAR;
	if (after == AFTER_NEXT) {
		s->target++;
		s->clear = false;
	}
	if (s->target < s->targets.n)
		relay_connection_open(s);
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
	} else if (s->d->relay->stopping && s->mx != NULL) {
		relay_session_leave(s);
	} else if (s->d->relay->stopping && s->conn != NULL && !s->connected) {
		s->after = AFTER_END;
		conn_abort(s->conn);
	} else {
		relay_connection_pump(s);
	}
}

struct relay_session *
relay_session_next(const struct relay_session *s)
{
	return s->next;
}

void
relay_session_free(struct relay_session *s)
{
	if (s->conn != NULL)
		relay_connection_abandon(s);
	relay_session_leave(s);
}
