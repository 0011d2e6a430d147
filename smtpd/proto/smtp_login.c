/* SPDX-License-Identifier: MIT */
#include <assert.h>

#include "common/util/mem.h"
#include "smtpd/proto/smtp_engine.h"

/* What SASL made of a response: ask on, ask the host, or give up. */
static enum smtp_event
go_on(struct smtp_server *s, enum sasl_result result, struct str challenge,
    struct smtp_request *req)
{
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
		smtp_drop_login(s);
		smtp_say(s, REPLY_UNKNOWN_MECHANISM);
		return SMTP_NONE;
	case SASL_BAD:
		break;
	}
	smtp_login_failed(s, REPLY_BAD_BASE64);
	return SMTP_NONE;
}

enum smtp_event
smtp_login_begin(
    struct smtp_server *s, struct str arg, struct smtp_request *req)
{
	struct str mechanism = str_cut(&arg, ' ');
	struct str initial = str_trim(arg);
	enum sasl_result result;
	struct buf challenge;
	enum smtp_event ev;

	if (s->authenticated) {
		smtp_say(s, REPLY_AUTH_TWICE);
		return SMTP_NONE;
	}
	if (s->auth_failures >= AUTH_FAILURE_MAX) {
		smtp_say(s, REPLY_TOO_MANY_FAILURES);
		return SMTP_NONE;
	}
	if (initial.len == 0)
		initial.at = NULL; /* none, which "=" is not */
	assert(s->sasl == NULL);
	s->sasl = MEM_NEW(struct sasl);
	buf_init(&challenge, SASL_RESPONSE_MAX);
	result = sasl_begin(s->sasl, mechanism, initial, &challenge);
	ev = go_on(s, result, buf_str(&challenge), req);
	buf_release(&challenge);
	return ev;
}

enum smtp_event
smtp_login_line(
    struct smtp_server *s, struct str line, struct smtp_request *req)
{
	enum sasl_result result;
	struct buf challenge;
	enum smtp_event ev;

	assert(s->state == IN_LOGIN && s->sasl != NULL);
	if (str_eq(line, STR("*"))) { /* RFC 4954 s4 */
		smtp_login_failed(s, REPLY_AUTH_CANCELLED);
		return SMTP_NONE;
	}
	buf_init(&challenge, SASL_RESPONSE_MAX);
	result = sasl_respond(s->sasl, line, &challenge);
	ev = go_on(s, result, buf_str(&challenge), req);
	buf_release(&challenge);
	return ev;
}

void
smtp_login_failed(struct smtp_server *s, enum smtp_reply r)
{
	s->auth_failures++;
	smtp_drop_login(s);
	smtp_say(s, r);
}
