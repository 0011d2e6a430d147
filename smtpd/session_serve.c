/* SPDX-License-Identifier: MIT */
#include "smtpd/session_state.h"

#include <assert.h>
#include <stdlib.h>

#include "common/authority/gate.h"
#include "common/authority/login.h"
#include "common/util/mem.h"
#include "smtpd/sender.h"

void
session_log_refusal(struct session *s, const char *what, struct str address,
    enum smtp_reply r, struct str why)
{
	struct buf words;

	buf_init(&words, KB);
	smtp_reply_describe(&words, r);
	if (why.len > 0)
		buf_addf(&words, "\" why=\"%.*s", STR_FMT(why));
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

	gate_learn(s->d->gate, s->ip, a, loop_now_ms(s->d->loop));
	if (a->result == LOGIN_GOOD) {
		s->account = a->account;
		free(s->login); /* of an exchange that was not ended */
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
		session_log_refusal(
		    s, "from", receive_sender(s->receive), r, STR(""));
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
		session_abort(s);
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
	free(s->tried); /* of an exchange that was broken off */
	s->tried = mem_dup(req->user);
	login_ask(s->d->authority, req->user, req->password, s->ip, "smtp",
	    on_login, s);
}

/* RFC 4865: for so long, or until then; 0 is not at all. */
static int64_t
hold_until_ms(const struct session *s, const struct smtp_request *req)
{
	if (req->hold_for_s > 0)
		return clock_wall_ms(s->d->clock) +
		       (int64_t)req->hold_for_s * 1000;
	return req->hold_until_s * 1000;
}

/* What can be said before the sender is looked at. */
static enum smtp_reply
may_send(const struct session *s)
{
	enum smtp_reply r = visit_helo(s->visit, smtp_server_helo(s->smtp));

	if (r == REPLY_OK)
		r = visit_message(s->visit);
	if (r == REPLY_OK && !store_is_sound(s->d->store))
		r = REPLY_TRY_LATER;
	return r;
}

static void
serve_mail(struct session *s, const struct smtp_request *req)
{
	struct str sender = req->path.spec;
	const struct receive_envelope envelope = {
	    .sender = sender,
	    .helo = smtp_server_helo(s->smtp),
	    .visit = s->service->submission ? NULL : s->visit,
	    .size = req->size,
	    .utf8 = req->utf8,
	    .eight_bit = req->eight_bit,
	    .binary = req->binary,
	    .require_tls = req->require_tls,
	    .envelope_id = req->envelope_id,
	    .ret = (int)req->ret,
	    .hold_until_ms = hold_until_ms(s, req),
	};

	enum smtp_reply r = may_send(s);

	assert(s->receive == NULL);
	if (r != REPLY_OK) {
		session_log_refusal(s, "from", sender, r,
		    r == REPLY_NOT_YOUR_NAME ? envelope.helo : STR(""));
		smtp_server_sender(s->smtp, r);
		session_go_on(s);
		return;
	}
	s->receive = receive_new(s->d, &envelope);
	if (!s->service->submission)
		answer_sender(s, REPLY_SENDER_OK);
	else if (sender.len == 0)
		answer_sender(s, REPLY_NULL_SENDER);
	else
		sender_judge(s->d, s->account, s->login, sender, on_sender, s);
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
	case SMTP_SCRAM:
		session_scram(s, req);
		break;
	case SMTP_MAIL:
		serve_mail(s, req);
		break;
	case SMTP_RCPT:
		session_recipient(s, req);
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
			session_log_refusal(s, "from",
			    receive_sender(s->receive), req->why, STR(""));
		session_drop_message(s);
		break;
	case SMTP_CLOSE:
		if (req->why != REPLY_BYE)
			session_log_refusal(s, "helo",
			    smtp_server_helo(s->smtp), req->why, STR(""));
		session_finish(s);
		break;
	case SMTP_NONE:
		break;
	}
}
