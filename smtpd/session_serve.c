/* SPDX-License-Identifier: MIT */
#include "smtpd/session_state.h"

#include <assert.h>
#include <stdlib.h>

#include "common/authority/login.h"
#include "common/util/mem.h"
#include "smtpd/recipient.h"
#include "smtpd/sender.h"

#define FREE_ERRORS  3   /* before answers come slowly */
#define DELAY_STEP   250 /* ms for each error after those */
#define DELAY_MAX_MS 5000

static void
log_refusal(
    struct session *s, const char *what, struct str address, enum smtp_reply r)
{
	struct buf words;

	buf_init(&words, KB);
	smtp_reply_describe(&words, r);
	log_warn(&s->d->log, "refused %s=<%.*s> rip=%s%s%s reply=\"%s\"", what,
	    STR_FMT(address), s->ip, s->login != NULL ? " login=" : "",
	    s->login != NULL ? s->login : "", words.data);
	buf_release(&words);
}

/* ---- answers; each ends in session_go_on() ---- */

static void
on_login(void *arg, const struct login_answer *a)
{
	struct session *s = arg;
	enum smtp_verdict v = SMTP_AUTH_LATER;

	if (a->result == LOGIN_GOOD) {
		s->account = a->account;
		s->login = mem_dup(str_of(a->login));
		v = SMTP_AUTH_GOOD;
	} else if (a->result != LOGIN_LATER) {
		v = SMTP_AUTH_BAD;
	}
	if (v != SMTP_AUTH_GOOD)
		login_log_failure(
		    &s->d->log, "smtp", s->ip, a->reason, str_of(s->tried));
	free(s->tried);
	s->tried = NULL;
	if (s->conn != NULL)
		smtp_server_authenticated(s->smtp, v);
	session_go_on(s);
}

static void
answer_sender(struct session *s, enum smtp_reply r)
{
	if (r != REPLY_SENDER_OK) {
		log_refusal(s, "from", receive_sender(s->receive), r);
		session_drop_message(s);
	}
	if (s->conn != NULL)
		smtp_server_sender(s->smtp, r);
	session_go_on(s);
}

static void
on_sender(void *arg, enum smtp_reply r)
{
	answer_sender(arg, r);
}

static void
on_delay(void *arg)
{
	struct session *s = arg;

	timer_free(s->delay);
	s->delay = NULL;
	if (s->conn != NULL)
		smtp_server_recipient(s->smtp, s->delayed);
	session_go_on(s);
}

/* Whoever tries name after name has to wait longer and longer (RFC 5321
 * s7.3); the delay is the same for all that is refused. */
static void
answer_recipient(struct session *s, enum smtp_reply r)
{
	size_t errors = smtp_server_errors(s->smtp);
	int64_t delay_ms;

	if (s->conn != NULL && smtp_reply_flags(r) & REPLY_FAULT &&
	    errors >= FREE_ERRORS && !s->d->crowd.stopping) {
		delay_ms = (int64_t)(errors - FREE_ERRORS + 1) * DELAY_STEP;
		if (delay_ms > DELAY_MAX_MS)
			delay_ms = DELAY_MAX_MS;
		s->delayed = r;
		s->delay = timer_new(s->d->loop, on_delay, s);
		timer_set(s->delay, delay_ms);
		return;
	}
	if (s->conn != NULL)
		smtp_server_recipient(s->smtp, r);
	session_go_on(s);
}

static void
on_recipient(
    void *arg, enum smtp_reply r, const struct route *route, struct str address)
{
	struct session *s = arg;

	if (r == REPLY_RECIPIENT_OK &&
	    !receive_add_recipient(s->receive, route, address))
		r = REPLY_TOO_MANY_RECIPIENTS;
	if (r != REPLY_RECIPIENT_OK)
		log_refusal(s, "to", address, r);
	answer_recipient(s, r);
}

static void
on_received(void *arg, enum smtp_reply r, const char *text)
{
	struct session *s = arg;

	if (s->conn == NULL) {
		/* on disk or not, there is nobody to tell */
	} else if (r == REPLY_QUEUED) {
		smtp_server_accept(s->smtp, text);
	} else {
		smtp_server_refuse(s->smtp, r, str_of(text));
	}
	session_drop_message(s);
	session_go_on(s);
}

/* ---- events ---- */

static void
serve_starttls(struct session *s, bool more)
{
	if (more) { /* RFC 3207 s4.2: said before, meant for after */
		log_warn(&s->d->log, "input after STARTTLS rip=%s", s->ip);
		s->ending = true;
		conn_abort(s->conn);
		return;
	}
	session_drop_message(s);
	s->securing = true;
	session_flush(s);
	conn_start_tls(s->conn, s->d->tls, NULL);
}

static void
serve_auth(struct session *s, const struct smtp_request *req)
{
	s->tried = mem_dup(req->user);
	login_ask(s->d->authority, req->user, req->password, s->ip, "smtp",
	    on_login, s);
}

static void
serve_mail(struct session *s, const struct smtp_request *req)
{
	struct str sender = req->path.spec;

	assert(s->receive == NULL);
	s->receive = receive_new(
	    s->d, sender, req->utf8, req->eight_bit, req->size);
	if (!store_is_sound(s->d->store))
		answer_sender(s, REPLY_TRY_LATER);
	else if (!s->service->submission)
		answer_sender(s, REPLY_SENDER_OK);
	else if (sender.len == 0)
		answer_sender(s, REPLY_NULL_SENDER);
	else
		sender_judge(s->d, s->account, s->login, sender, on_sender, s);
}

static void
serve_rcpt(struct session *s, const struct smtp_request *req)
{
	struct recipient_question q = {
	    .path = &req->path,
	    .may_relay = s->login != NULL,
	    .size = receive_announced(s->receive),
	};

	recipient_judge(s->d, &q, on_recipient, s);
}

static void
serve_data(struct session *s)
{
	const struct conn_tls *tls = conn_tls(s->conn);
	char how[128] = "";
	struct receive_from from = {
	    .helo = smtp_server_helo(s->smtp),
	    .ip = str_of(s->ip),
	    .extended = smtp_server_extended(s->smtp),
	    .account = s->account,
	    .login = s->login,
	};

	if (tls != NULL)
		snprintf(how, sizeof(how), "%s %s", tls->version, tls->cipher);
	from.tls = str_of(how);
	receive_begin(s->receive, &from);
	s->data_since = loop_now_ms(s->d->loop);
	smtp_server_data(s->smtp, REPLY_OK);
}

void
session_serve(struct session *s, enum smtp_event ev,
    const struct smtp_request *req, bool more)
{
	switch (ev) {
	case SMTP_STARTTLS:
		serve_starttls(s, more);
		break;
	case SMTP_AUTH:
		serve_auth(s, req);
		break;
	case SMTP_MAIL:
		serve_mail(s, req);
		break;
	case SMTP_RCPT:
		serve_rcpt(s, req);
		break;
	case SMTP_DATA:
		serve_data(s);
		break;
	case SMTP_BODY:
		receive_body(s->receive, req->body);
		break;
	case SMTP_MESSAGE:
		receive_commit(s->receive, on_received, s);
		break;
	case SMTP_RESET:
		if (req->why != REPLY_OK)
			log_refusal(
			    s, "from", receive_sender(s->receive), req->why);
		session_drop_message(s);
		break;
	case SMTP_CLOSE:
		if (req->why != REPLY_BYE)
			log_refusal(
			    s, "helo", smtp_server_helo(s->smtp), req->why);
		session_finish(s);
		break;
	case SMTP_NONE:
		break;
	}
}
