/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "common/auth/scram.h"
#include "common/authority/gate.h"
#include "common/authority/login.h"
#include "common/util/mem.h"
#include "common/util/secret.h"
#include "smtpd/session_state.h"

void
session_bind(struct session *s)
{
	uint8_t binding[CONN_EXPORTER_LEN];

	smtp_server_binding(s->smtp, conn_tls_exporter(s->conn, binding));
	explicit_bzero(binding, sizeof(binding));
}

static void
forget(struct session *s)
{
	free(s->scram);
	free(s->tried);
	s->scram = s->tried = NULL;
}

/* Anything but a good answer ends the exchange. */
static void
fail_login(struct session *s, const struct login_scram *a)
{
	enum smtp_scram answer = SMTP_SCRAM_BAD;

	gate_learn(s->d->gate, s->ip, &a->answer, loop_now_ms(s->d->loop));
	if (a->malformed)
		answer = SMTP_SCRAM_MALFORMED;
	else if (a->answer.result == LOGIN_LATER)
		answer = SMTP_SCRAM_LATER;
	if (!a->malformed)
		login_log_failure(&s->d->log, "smtp", s->ip, a->answer.reason,
		    str_of(s->tried));
	forget(s);
	if (s->conn != NULL)
		smtp_server_scram(s->smtp, answer, STR(""));
	session_go_on(s);
}

static void
on_challenge(void *arg, const struct login_scram *a)
{
	struct session *s = arg;

	if (a->answer.result != LOGIN_GOOD) {
		fail_login(s, a);
		return;
	}
	s->scram = mem_dup(str_of(a->session));
	if (s->conn != NULL)
		smtp_server_scram(s->smtp, SMTP_SCRAM_CHALLENGE, a->message);
	session_go_on(s);
}

static void
on_proof(void *arg, const struct login_scram *a)
{
	struct session *s = arg;

	if (a->answer.result != LOGIN_GOOD) {
		fail_login(s, a);
		return;
	}
	gate_learn(s->d->gate, s->ip, &a->answer, loop_now_ms(s->d->loop));
	forget(s);
	s->account = a->answer.account;
	free(s->login);
	s->login = mem_dup(str_of(a->answer.login));
	if (s->conn != NULL)
		smtp_server_scram(s->smtp, SMTP_SCRAM_GOOD, a->message);
	session_go_on(s);
}

/* Who is about to be tried, for the log. */
static char *
name_in(struct str message, enum scram_binding b)
{
	struct scram parsed;
	char *name;

	scram_init(&parsed);
	scram_first(&parsed, message, b);
	name = mem_dup(buf_str(&parsed.user));
	scram_release(&parsed);
	return name;
}

static void
begin(struct session *s, const struct smtp_request *req)
{
	const struct login_scram_first first = {
	    .message = req->scram,
	    .plus = req->scram_plus,
	    .offered = smtp_server_offers(s->smtp, STR("SCRAM-SHA-256-PLUS")),
	    .rip = s->ip,
	    .proto = "smtp",
	};

	forget(s); /* one that was broken off */
	s->tried = name_in(req->scram, first.plus      ? SCRAM_BINDING_USED
				       : first.offered ? SCRAM_BINDING_OFFERED
						       : SCRAM_NO_BINDING);
	login_scram_first(s->d->authority, &first, on_challenge, s);
}

static void
end(struct session *s, const struct smtp_request *req)
{
	uint8_t binding[CONN_EXPORTER_LEN];
	struct login_scram_final final = {
	    .session = s->scram,
	    .message = req->scram,
	    .rip = s->ip,
	    .proto = "smtp",
	};

	if (req->scram_plus && conn_tls_exporter(s->conn, binding))
		final.binding = (struct str){
		    (const char *)binding, sizeof(binding)};
	login_scram_final(s->d->authority, &final, on_proof, s);
	explicit_bzero(binding, sizeof(binding));
}

void
session_scram(struct session *s, const struct smtp_request *req)
{
	if (req->scram_first)
		begin(s, req);
	else
		end(s, req);
}
