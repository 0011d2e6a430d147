/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <inttypes.h>

#include "popd/proto/pop3_state.h"

bool
pop3_may_log_in(const struct pop3 *p)
{
	return p->options.tls || p->options.allow_plaintext;
}

void
pop3_forget(struct pop3 *p)
{
	secret_release(&p->password);
	buf_release(&p->user);
	sasl_release(&p->sasl);
}

enum pop3_event
pop3_cmd_user(struct pop3 *p, const struct str *args, struct pop3_request *req)
{
	(void)req;
	buf_clear(&p->user);
	buf_add(&p->user, args[0]);
	return pop3_reply(p, REPLY_USER);
}

enum pop3_event
pop3_cmd_pass(struct pop3 *p, const struct str *args, struct pop3_request *req)
{
	if (p->failures >= POP3_FAILURES_MAX)
		return pop3_hang_up(p, REPLY_TOO_MANY_LOGINS);
	if (p->user.len == 0)
		return pop3_blame(p, REPLY_USER_FIRST);
	secret_set(&p->password, args[0]);
	req->user = buf_str(&p->user);
	req->password = secret_str(&p->password);
	return POP3_LOGIN;
}

/* A login that did not get as far as being checked. */
static enum pop3_event
login_failed(struct pop3 *p, enum reply r)
{
	p->failures++;
	pop3_forget(p);
	return pop3_reply(p, r);
}

static enum pop3_event
sasl_went_on(struct pop3 *p, enum sasl_result result, struct buf *challenge,
    struct pop3_request *req)
{
	assert(result != SASL_UNKNOWN); /* PLAIN it is */
	if (p->state == SASL && result != SASL_CHALLENGE)
		pop3_enter(p, AUTHORIZATION);
	switch (result) {
	case SASL_CHALLENGE: /* RFC 5034 s4: one space even before nothing */
		buf_addf(&p->out, "+ %.*s\r\n", STR_FMT(buf_str(challenge)));
		if (p->state != SASL)
			pop3_enter(p, SASL);
		return POP3_NONE;
	case SASL_CHECK:
		req->user = buf_str(&p->sasl.user);
		req->password = buf_str(&p->sasl.password);
		return POP3_LOGIN;
	case SASL_UNKNOWN:
	case SASL_BAD:
		break;
	}
	return login_failed(p, REPLY_MALFORMED);
}

enum pop3_event
pop3_cmd_auth(struct pop3 *p, const struct str *args, struct pop3_request *req)
{
	struct buf challenge;
	enum sasl_result result;
	enum pop3_event ev;

	if (args[0].len == 0) { /* in no RFC, but Outlook asks */
		pop3_reply(p, REPLY_MECHANISMS);
		if (pop3_may_log_in(p))
			buf_add(&p->out, STR("PLAIN\r\n"));
		pop3_end_list(p);
		return POP3_NONE;
	}
	if (!pop3_may_log_in(p))
		return pop3_blame(p, REPLY_NEED_TLS);
	if (p->failures >= POP3_FAILURES_MAX)
		return pop3_hang_up(p, REPLY_TOO_MANY_LOGINS);
	if (!str_eq_nocase(args[0], STR("PLAIN")))
		return pop3_blame(p, REPLY_MECHANISM);
	pop3_forget(p);
	buf_init(&challenge, SASL_RESPONSE_MAX);
	result = sasl_begin(&p->sasl, args[0], args[1], &challenge);
	ev = sasl_went_on(p, result, &challenge, req);
	buf_release(&challenge);
	return ev;
}

enum pop3_event
pop3_sasl_line(struct pop3 *p, struct str line, struct pop3_request *req)
{
	struct buf challenge;
	enum pop3_event ev;

	if (str_eq(line, STR("*"))) { /* RFC 5034 s4: the client cancels */
		pop3_enter(p, AUTHORIZATION);
		return login_failed(p, REPLY_CANCELLED);
	}
	buf_init(&challenge, SASL_RESPONSE_MAX);
	ev = sasl_went_on(
	    p, sasl_respond(&p->sasl, line, &challenge), &challenge, req);
	buf_release(&challenge);
	return ev;
}

/* The line was too long, or had a bare CR, LF or NUL. */
enum pop3_event
pop3_sasl_broken(struct pop3 *p)
{
	pop3_enter(p, AUTHORIZATION);
	return login_failed(p, REPLY_MALFORMED);
}

enum pop3_event
pop3_cmd_stls(struct pop3 *p, const struct str *args, struct pop3_request *req)
{
	(void)args, (void)req;
	if (p->options.tls)
		return pop3_blame(p, REPLY_HAVE_TLS);
	if (p->utf8) /* RFC 6856 s2.1 */
		return pop3_blame(p, REPLY_TLS_FIRST);
	pop3_reply(p, REPLY_TLS);
	return POP3_TLS;
}

enum pop3_event
pop3_cmd_utf8(struct pop3 *p, const struct str *args, struct pop3_request *req)
{
	(void)args, (void)req;
	p->utf8 = true;
	return pop3_reply(p, REPLY_UTF8);
}

void
pop3_secured(struct pop3 *p)
{
	pop3_answered(p, POP3_TLS);
	pop3_forget(p);
	p->options.tls = true;
}

void
pop3_logged_in(struct pop3 *p, struct pop3_maildrop *drop)
{
	pop3_answered(p, POP3_LOGIN);
	pop3_forget(p);
	pop3_enter(p, TRANSACTION);
	p->drop = drop;
	p->live = drop->n;
	for (size_t i = 0; i < drop->n; i++)
		p->live_octets += drop->messages[i].octets;
	buf_addf(&p->out, "+OK %zu messages (%" PRIu64 " octets)\r\n", p->live,
	    p->live_octets);
}

void
pop3_refused(struct pop3 *p, enum pop3_refusal why)
{
	static const enum reply says[] = {
	    [POP3_WRONG] = REPLY_WRONG,
	    [POP3_IN_USE] = REPLY_IN_USE,
	    [POP3_UNAVAILABLE] = REPLY_UNAVAILABLE,
	    [POP3_FORBIDDEN] = REPLY_FORBIDDEN,
	};

	pop3_answered(p, POP3_LOGIN);
	pop3_forget(p);
	if (why == POP3_WRONG)
		p->failures++;
	pop3_reply(p, says[why]);
}
