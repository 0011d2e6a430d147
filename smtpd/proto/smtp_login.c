/* SPDX-License-Identifier: MIT */
#include <assert.h>

#include "common/util/enc.h"
#include "common/util/mem.h"
#include "common/util/secret.h"
#include "smtpd/proto/smtp_engine.h"

/* What SASL made of a response: ask on, ask the host, or give up. */
static enum smtp_event
go_on(struct smtp_server *s, enum sasl_result result, struct str challenge,
    struct smtp_request *req)
{
	assert(result != SASL_UNKNOWN); /* only what we offer is begun */
	switch (result) {
	case SASL_CHALLENGE:
		smtp_say_with(s, REPLY_AUTH_CHALLENGE, challenge);
		if (s->state == IN_READY)
			smtp_enter(s, IN_LOGIN);
		return SMTP_NONE;
	case SASL_CHECK:
		req->user = buf_str(&s->sasl->user);
		req->password = buf_str(&s->sasl->password);
		return SMTP_AUTH;
	case SASL_UNKNOWN:
	case SASL_BAD:
		break;
	}
	smtp_login_failed(s, REPLY_BAD_BASE64);
	return SMTP_NONE;
}

static enum smtp_event
give_up(struct smtp_server *s, enum smtp_reply r)
{
	smtp_say(s, r);
	return SMTP_NONE;
}

/* A message of SCRAM's client: for the host, who has the keys. */
static enum smtp_event
take_scram(struct smtp_server *s, struct str response, struct smtp_request *req)
{
	secret_wipe(&s->scram_message);
	if (!enc_base64_decode(response, &s->scram_message)) {
		smtp_login_failed(s, REPLY_BAD_BASE64);
		return SMTP_NONE;
	}
	if (s->scram == SCRAM_NOTHING) { /* RFC 5802 s5, as RFC 4954 has it */
		if (s->scram_message.len > 0)
			smtp_login_failed(s, REPLY_BAD_BASE64);
		else
			smtp_login_done(s);
		return SMTP_NONE;
	}
	req->scram = buf_str(&s->scram_message);
	req->scram_first = s->scram == SCRAM_FIRST;
	req->scram_plus = s->scram_plus;
	return SMTP_SCRAM;
}

static enum smtp_event
begin_scram(struct smtp_server *s, bool plus, struct str initial,
    struct smtp_request *req)
{
	s->scram = SCRAM_FIRST;
	s->scram_plus = plus;
	if (initial.at != NULL) /* RFC 4954 s4: "=" is the empty one */
		return take_scram(
		    s, str_eq(initial, STR("=")) ? STR("") : initial, req);
	smtp_say(s, REPLY_AUTH_CHALLENGE);
	smtp_enter(s, IN_LOGIN);
	return SMTP_NONE;
}

static enum smtp_event
begin_sasl(struct smtp_server *s, struct str mechanism, struct str initial,
    struct smtp_request *req)
{
	enum sasl_result result;
	struct buf challenge;
	enum smtp_event ev;

	assert(s->sasl == NULL);
	s->sasl = MEM_NEW(struct sasl);
	buf_init(&challenge, SASL_RESPONSE_MAX);
	result = sasl_begin(s->sasl, mechanism, initial, &challenge);
	ev = go_on(s, result, buf_str(&challenge), req);
	buf_release(&challenge);
	return ev;
}

enum smtp_event
smtp_login_begin(
    struct smtp_server *s, struct str arg, struct smtp_request *req)
{
	struct str mechanism = str_cut(&arg, ' ');
	struct str initial = str_trim(arg);
	bool plus;

	if (s->authenticated)
		return give_up(s, REPLY_AUTH_TWICE);
	if (s->auth_failures >= AUTH_FAILURE_MAX)
		return give_up(s, REPLY_TOO_MANY_FAILURES);
	if (!smtp_mechanism_offered(&s->o, s->tls, mechanism))
		return give_up(s, REPLY_UNKNOWN_MECHANISM);
	if (initial.len == 0)
		initial.at = NULL; /* none, which "=" is not */
	if (smtp_mechanism_is_scram(mechanism, &plus))
		return begin_scram(s, plus, initial, req);
	return begin_sasl(s, mechanism, initial, req);
}

enum smtp_event
smtp_login_line(
    struct smtp_server *s, struct str line, struct smtp_request *req)
{
	enum sasl_result result;
	struct buf challenge;
	enum smtp_event ev;

	assert(s->state == IN_LOGIN);
	if (str_eq(line, STR("*"))) { /* RFC 4954 s4 */
		smtp_login_failed(s, REPLY_AUTH_CANCELLED);
		return SMTP_NONE;
	}
	if (s->scram != SCRAM_UNUSED)
		return take_scram(s, line, req);
	buf_init(&challenge, SASL_RESPONSE_MAX);
	result = sasl_respond(s->sasl, line, &challenge);
	ev = go_on(s, result, buf_str(&challenge), req);
	buf_release(&challenge);
	return ev;
}

void
smtp_login_ask(struct smtp_server *s, struct str text, bool good)
{
	struct buf challenge;

	assert(s->scram == (good ? SCRAM_FINAL : SCRAM_FIRST));
	s->scram = good ? SCRAM_NOTHING : SCRAM_FINAL;
	buf_init(&challenge, ENC_BASE64_LEN(SMTP_SCRAM_TEXT_MAX));
	enc_base64(text, &challenge);
	smtp_say_with(s, REPLY_AUTH_CHALLENGE, buf_str(&challenge));
	buf_release(&challenge);
	if (s->state == IN_READY)
		smtp_enter(s, IN_LOGIN);
}

void
smtp_login_done(struct smtp_server *s)
{
	smtp_drop_login(s);
	s->authenticated = true;
	smtp_say(s, REPLY_AUTH_OK);
}

void
smtp_login_failed(struct smtp_server *s, enum smtp_reply r)
{
	s->auth_failures++;
	smtp_drop_login(s);
	smtp_say(s, r);
}
