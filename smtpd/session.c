/* SPDX-License-Identifier: MIT */
#include "smtpd/session.h"

#include <assert.h>
#include <stdlib.h>

#include "common/util/mem.h"
#include "smtpd/session_state.h"

#define IN_LIMIT (16 * KB)
#define OUT_HIGH (16 * KB) /* replies are small */

static void
session_free(struct session *s)
{
	assert(s->conn == NULL && !s->pumping);
	crowd_leave(&s->member);
	receive_free(s->receive);
	smtp_server_free(s->smtp);
	visit_free(s->visit);
	timer_free(s->delay);
	route_release(&s->route);
	free(s->delayed_text);
	free(s->tried);
	free(s->login);
	free(s->scram);
	free(s->orcpt);
	free(s->address);
	free(s);
}

void
session_drop_message(struct session *s)
{
	receive_free(s->receive);
	s->receive = NULL;
}

void
session_flush(struct session *s)
{
	struct buf *out = smtp_server_output(s->smtp);

	conn_send(s->conn, buf_str(out));
	buf_release(out);
}

static void
drop_timer(struct session *s)
{
	timer_free(s->delay);
	s->delay = NULL;
}

void
session_finish(struct session *s)
{
	s->ending = true;
	drop_timer(s);
	session_drop_message(s);
	conn_deadline(s->conn, 0);
	session_flush(s);
	conn_finish(s->conn);
}

void
session_abort(struct session *s)
{
	s->ending = true;
	drop_timer(s);
	conn_abort(s->conn);
}

void
session_stop_waiting(struct session *s)
{
	assert(s->busy && s->waiting);
	drop_timer(s);
	visit_forget(s->visit, s);
	session_drop_message(s); /* with its judge */
	s->busy = s->waiting = false;
}

static bool
is_question(enum smtp_event ev)
{
	return ev == SMTP_AUTH || ev == SMTP_SCRAM || ev == SMTP_MAIL ||
	       ev == SMTP_RCPT || ev == SMTP_MESSAGE;
}

/* Let the deadline run anew if there was progress; while we are the ones who
 * are waited for there is none. */
static void
watch_time(struct session *s)
{
	const struct conf *conf = s->d->conf;
	uint64_t progress = smtp_server_progress(s->smtp);
	int64_t delay_ms = conf->timeouts_smtp_command;

	if (s->busy || s->securing) {
		conn_deadline(s->conn, 0);
		s->timed = false;
		return;
	}
	if (s->timed && s->progress == progress)
		return;
	s->timed = true;
	s->progress = progress;
	if (smtp_server_in_data(s->smtp)) {
		int64_t left_ms = s->data_since + conf->timeouts_smtp_data -
		                  loop_now_ms(s->d->loop);

		if (left_ms < delay_ms)
			delay_ms = left_ms > 0 ? left_ms : 1;
	}
	conn_deadline(s->conn, delay_ms);
}

void
session_pump(struct session *s)
{
	bool more = true;

	assert(!s->pumping && !s->busy && !s->ending && !s->securing);
	s->pumping = true;
	while (more && !s->busy && !s->ending && !s->securing &&
	       !s->d->crowd.stopping && conn_has_room(s->conn)) {
		struct str in = conn_input(s->conn);
		size_t before = in.len;
		struct smtp_request req;
		enum smtp_event ev = smtp_server_step(s->smtp, &in, &req);

		conn_consume(s->conn, before - in.len);
		more = ev != SMTP_NONE || in.len > 0;
		s->busy = is_question(ev);
		session_serve(s, ev, &req, in.len > 0);
		if (!s->ending && !s->securing)
			session_flush(s);
	}
	s->pumping = false;
	if (s->ending)
		return;
	if (s->d->crowd.stopping && !s->busy && !s->securing) {
		smtp_server_end(s->smtp, REPLY_SHUTDOWN);
		session_finish(s);
	} else if (!s->busy && !s->securing && conn_eof(s->conn) &&
		   conn_input(s->conn).len == 0) {
		session_finish(s);
	} else {
		watch_time(s);
	}
}

void
session_go_on(struct session *s)
{
	s->busy = false;
	if (s->conn == NULL)
		session_free(s);
	else if (!s->pumping && !s->ending)
		session_pump(s);
}

/* ---- the connection ---- */

static void
on_ready(void *arg, struct conn *c)
{
	struct session *s = arg;

	if (s->ending || s->busy)
		return;
	if (s->stage != SESSION_SERVING) {
		session_begin_input(s);
		return;
	}
	if (s->securing) {
		if (conn_tls(c) == NULL)
			return;
		s->securing = false;
		if (!s->service->implicit_tls)
			smtp_server_tls_started(s->smtp);
		session_bind(s);
	}
	session_pump(s);
}

static void
on_expired(void *arg, struct conn *c)
{
	struct session *s = arg;
	int64_t now = loop_now_ms(s->d->loop);
	bool in_data;

	(void)c;
	if (s->ending || s->busy || s->securing)
		return;
	if (s->stage == SESSION_NAMING) {
		log_warn(&s->d->log, "proxy rip=%s: no PROXY header", s->ip);
		session_abort(s);
		return;
	}
	in_data = smtp_server_in_data(s->smtp);
	log_debug(
	    &s->d->log, "timeout rip=%s%s", s->ip, in_data ? " in data" : "");
	smtp_server_end(s->smtp,
	    in_data && now - s->data_since >= s->d->conf->timeouts_smtp_data
		? REPLY_DATA_TIMEOUT
		: REPLY_TIMEOUT);
	session_finish(s);
}

static void
on_closed(void *arg, enum conn_end end, const char *text)
{
	struct session *s = arg;

	s->conn = NULL;
	if (end == CONN_TLS)
		log_warn(&s->d->log, "tls rip=%s service=%s: %s", s->ip,
		    s->service->name, text);
	else
		log_debug(&s->d->log, "closed rip=%s service=%s: %s", s->ip,
		    s->service->name, text != NULL ? text : "");
	if (s->waiting)
		session_stop_waiting(s); /* a refusal is nobody's now */
	if (!s->busy)
		session_free(s);
}

static const struct conn_host host = {on_ready, on_closed, on_expired};

/* 421 if that can be said at once. */
static void
turn_away(const struct session *s, int fd, enum smtp_reply r)
{
	struct buf words;

	session_log_kept_out(s, r);
	buf_init(&words, KB);
	if (!s->service->implicit_tls)
		smtp_reply_add(&words, r, STR(""));
	crowd_turn_away(fd, buf_str(&words));
	buf_release(&words);
}

/* The daemon stops: 421 unless an answer is awaited, which ends it too. */
static void
say_goodbye(struct crowd_member *m)
{
	struct session *s = (struct session *)m;

	if (s->conn == NULL || s->ending)
		return;
	if (s->waiting)
		session_stop_waiting(s);
	if (s->securing || s->stage == SESSION_NAMING) {
		session_abort(s);
	} else if (!s->busy) {
		smtp_server_end(s->smtp, REPLY_SHUTDOWN);
		session_finish(s);
	}
}

static void
end_now(struct crowd_member *m)
{
	struct session *s = (struct session *)m;

	if (s->conn != NULL)
		session_abort(s);
}

static const struct crowd_manners manners = {say_goodbye, end_now};

/* Is there room for one more, and may it come so soon?  A proxy is counted once
 * it has said for whom it calls. */
static enum smtp_reply
admit(struct session *s, bool proxied)
{
	struct crowd *crowd = &s->d->crowd;
	enum smtp_reply r = REPLY_OK;

	if (!(proxied ? crowd_enter_unnamed(crowd, &s->member)
		      : crowd_enter(crowd, &s->member, &s->peer)))
		return REPLY_TOO_MANY_CONNECTIONS;
	if (!proxied)
		r = session_may_come(s, false);
	if (r != REPLY_OK)
		crowd_leave(&s->member);
	return r;
}

void
session_accept(struct smtpd *d, const struct service *service,
    const struct listen_options *listen, int fd, const struct address *peer,
    bool refuse)
{
	struct conn_limits limits = conn_default_limits();
	struct session *s = MEM_NEW(struct session);
	bool proxied = guard_is_proxy(d->guard, peer);
	enum smtp_reply r = REPLY_TOO_MANY_CONNECTIONS;

	s->member.manners = &manners;
	s->d = d;
	s->service = service;
	s->listen = *listen;
	s->peer = *peer;
	address_ip_text(peer, s->ip);
	if (!refuse)
		r = admit(s, proxied);
	if (r != REPLY_OK) {
		turn_away(s, fd, r);
		free(s);
		return;
	}
	if (listen->proxy && !proxied) { /* it could say what it likes */
		log_warn(&d->log,
		    "proxy rip=%s service=%s: not in policy.proxies", s->ip,
		    service->name);
		crowd_leave(&s->member);
		free(s);
		crowd_turn_away(fd, STR(""));
		return;
	}
	limits.in_limit = IN_LIMIT;
	limits.out_high = OUT_HIGH;
	limits.stall_ms = d->conf->timeouts_stall;
	limits.handshake_ms = d->conf->timeouts_handshake;
	s->conn = conn_new(d->loop, fd, &host, s, &limits);
	s->stage = SESSION_NAMING;
	if (proxied)
		conn_deadline(s->conn, d->conf->timeouts_handshake);
	else
		session_begin(s);
}
