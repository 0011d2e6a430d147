/* SPDX-License-Identifier: MIT */
#include <assert.h>

#include "common/authority/gate.h"
#include "common/wire/proxy.h"
#include "smtpd/session_state.h"

static struct smtp_server *
new_engine(const struct session *s, bool silent)
{
	const struct listen_options *listen = &s->listen;
	const struct service *service = s->service;
	const struct conf *conf = s->d->conf;
	struct smtp_server_options o = {
	    .hostname = conf->server_hostname,
	    .submission = service->submission,
	    .offers_tls = s->d->tls != NULL,
	    .tls = service->implicit_tls,
	    .allow_plaintext = conf->test_allow_plaintext,
	    .needs_tls = listen->tls_required,
	    .max_size = listen->size > 0 ? listen->size
	                                 : conf->limits_message_size,
	    .max_recipients = listen->recipients > 0 ? listen->recipients
	                                             : conf->limits_recipients,
	    .max_errors = conf->limits_errors,
	    .mechanisms = conf->smtp_mechanisms,
	    .extensions_off = conf->smtp_extensions_off,
	    .max_hold_s = (uint64_t)conf->smtp_hold_most / 1000,
	    .silent = silent,
	    .since_s = clock_wall_ms(s->d->clock) / 1000,
	};

	return smtp_server_new(&o);
}

enum smtp_reply
session_may_come(const struct session *s, bool of_proxy)
{
	struct smtpd *d = s->d;

	if (guard_connect(d->guard, &s->peer) != REPLY_OK)
		return REPLY_TOO_MANY_NEW;
	if (!s->service->submission || of_proxy ||
	    guard_is_exempt(d->guard, &s->peer) ||
	    gate_admits(d->gate, &s->peer, loop_now_ms(d->loop)))
		return REPLY_OK;
	return REPLY_TOO_MANY_LOGINS;
}

void
session_log_kept_out(const struct session *s, enum smtp_reply r)
{
	if (r != REPLY_TOO_MANY_LOGINS)
		log_warn(&s->d->log, "too many %sconnections rip=%s service=%s",
		    r == REPLY_TOO_MANY_NEW ? "new " : "", s->ip,
		    s->service->name);
}

static void
greet(void *arg)
{
	struct session *s = arg;

	timer_free(s->delay);
	s->delay = NULL;
	s->stage = SESSION_SERVING;
	smtp_server_greet(s->smtp);
	session_pump(s);
}

void
session_begin(struct session *s)
{
	const struct service *service = s->service;
	int64_t delay_ms;

	assert(s->stage == SESSION_NAMING);
	s->visit = visit_new(
	    s->d->guard, &s->peer, s->listen.judge && !service->submission);
	/* under TLS from the start nobody is talked to before */
	delay_ms = service->implicit_tls ? 0 : visit_greet_delay_ms(s->visit);
	s->smtp = new_engine(s, delay_ms > 0);
	s->stage = SESSION_SERVING;
	s->securing = service->implicit_tls;
	if (s->securing) {
		conn_start_tls_inside(s->conn, s->d->tls);
	} else if (delay_ms > 0) {
		s->stage = SESSION_HOLDING;
		s->delay = timer_new(s->d->loop, greet, s);
		timer_set(s->delay, delay_ms);
		session_begin_input(s); /* it may have talked already */
	} else {
		session_pump(s); /* the greeting */
	}
}

/* Whom a proxy calls for counts in its place, for limits and in the log. */
static void
name_peer(struct session *s, const struct proxy_header *h)
{
	enum smtp_reply r = REPLY_TOO_MANY_CONNECTIONS;

	if (!h->local) {
		s->peer = address_from_bytes(h->source, h->ip_len, h->port);
		address_ip_text(&s->peer, s->ip);
	}
	if (crowd_name(&s->member, &s->peer))
		r = session_may_come(s, h->local);
	if (r == REPLY_OK) {
		session_begin(s);
		return;
	}
	session_log_kept_out(s, r);
	if (s->service->implicit_tls) {
		session_abort(s);
		return;
	}
	s->smtp = new_engine(s, true);
	smtp_server_end(s->smtp, r);
	session_finish(s);
}

static void
take_name(struct session *s)
{
	struct str in = conn_input(s->conn);
	size_t before = in.len;
	struct proxy_header header;

	switch (proxy_take(&in, &header)) {
	case PROXY_MORE:
		if (!conn_eof(s->conn))
			return;
		session_abort(s);
		break;
	case PROXY_BAD:
		log_warn(&s->d->log, "proxy rip=%s: not a PROXY header", s->ip);
		session_abort(s);
		break;
	case PROXY_READY:
		conn_consume(s->conn, before - in.len);
		conn_deadline(s->conn, 0);
		name_peer(s, &header);
		break;
	}
}

void
session_begin_input(struct session *s)
{
	if (s->stage == SESSION_NAMING) {
		take_name(s);
	} else if (conn_input(s->conn).len > 0) {
		log_warn(&s->d->log,
		    "refused rip=%s: talks before the greeting", s->ip);
		smtp_server_end(s->smtp, REPLY_TALKS_EARLY);
		session_finish(s);
	} else if (conn_eof(s->conn)) {
		session_abort(s);
	}
}
