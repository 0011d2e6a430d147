/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/auth/sasl.h"
#include "common/util/secret.h"
#include "common/util/utf8.h"
#include "popd/proto/imap_state.h"

struct imap_login_state {
	struct sasl sasl;          /* AUTHENTICATE */
	bool going_on;             /* a response is awaited */
	struct buf user, password; /* LOGIN */
	struct imap_login login;
};

bool
imap_may_log_in(const struct imap *p)
{
	return p->options.tls || p->options.allow_plaintext;
}

bool
imap_is_authenticating(const struct imap *p)
{
	return p->login_state != NULL && p->login_state->going_on;
}

const struct imap_login *
imap_login(const struct imap *p)
{
	assert(p->waiting == IMAP_LOGIN);
	return &p->login_state->login;
}

void
imap_login_forget(struct imap *p)
{
	struct imap_login_state *s = p->login_state;

	if (s == NULL)
		return;
	sasl_release(&s->sasl);
	secret_wipe(&s->user);
	secret_wipe(&s->password);
	free(s);
	p->login_state = NULL;
}

static struct imap_login_state *
begin(struct imap *p)
{
	struct imap_login_state *s = MEM_NEW(struct imap_login_state);

	imap_login_forget(p);
	s->sasl.step = -1;
	buf_init(&s->user, SASL_RESPONSE_MAX);
	buf_init(&s->password, SASL_RESPONSE_MAX);
	p->login_state = s;
	return s;
}

/* May it be tried?  If not, the command is answered. */
static bool
may_try(struct imap *p)
{
	if (!imap_may_log_in(p)) {
		imap_reply(p, IMAP_NO, IMAP_CODE_PRIVACYREQUIRED,
		    "No login without TLS: STARTTLS first");
		return false;
	}
	if (p->failures >= IMAP_FAILURES_MAX) {
		imap_untagged(p, "BYE Too many failed logins");
		imap_reply(p, IMAP_NO, IMAP_CODE_AUTHENTICATIONFAILED,
		    "Too many failed logins");
		imap_enter(p, IMAP_LOGGED_OUT);
		return false;
	}
	return true;
}

/* A login that did not get as far as being checked. */
static enum imap_event
login_failed(struct imap *p, const char *why)
{
	p->failures++;
	imap_login_forget(p);
	return imap_reply(p, IMAP_BAD, IMAP_CODE_NONE, why);
}

/* Could it be somebody's?  Otherwise the authority is given nobody to look up,
 * as in sasl.h. */
static bool
is_plausible(struct str s, size_t max)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.at[i] < ' ' || s.at[i] == 0x7f)
			return false;
	return s.len > 0 && s.len <= max && utf8_valid(s);
}

enum imap_event
imap_cmd_login(struct imap *p, struct imap_args *a)
{
	struct imap_login_state *s;

	if (!may_try(p))
		return IMAP_NONE;
	s = begin(p);
	if (!imap_arg_astring(a, &s->user) || !imap_arg_space(a) ||
	    !imap_arg_astring(a, &s->password) || !imap_arg_end(a)) {
		imap_login_forget(p);
		return imap_reply_syntax(p, "LOGIN has a name and a password");
	}
	if (is_plausible(buf_str(&s->user), SASL_NAME_MAX) &&
	    is_plausible(buf_str(&s->password), SASL_PASSWORD_MAX))
		s->login = (struct imap_login){
		    buf_str(&s->user), buf_str(&s->password)};
	return IMAP_LOGIN;
}

static enum imap_event
sasl_went_on(
    struct imap *p, enum sasl_result result, const struct buf *challenge)
{
	struct imap_login_state *s = p->login_state;

	s->going_on = result == SASL_CHALLENGE;
	switch (result) {
	case SASL_CHALLENGE: /* RFC 9051 s9: one space even before nothing */
		buf_addf(&p->out, "+ %.*s\r\n", STR_FMT(buf_str(challenge)));
		return IMAP_NONE;
	case SASL_CHECK:
		s->login = (struct imap_login){
		    buf_str(&s->sasl.user), buf_str(&s->sasl.password)};
		return IMAP_LOGIN;
	case SASL_UNKNOWN:
	case SASL_BAD:
		break;
	}
	return login_failed(p, "Malformed response");
}

static bool
is_offered(const struct imap *p, struct str mechanism)
{
	static const struct {
		struct str name;
		enum imap_cap cap;
	} mechanisms[] = {
	    {{"PLAIN", 5}, IMAP_CAP_AUTH_PLAIN},
	    {{"LOGIN", 5}, IMAP_CAP_AUTH_LOGIN},
	};

	for (size_t i = 0; i < sizeof(mechanisms) / sizeof(mechanisms[0]); i++)
		if (str_eq_nocase(mechanism, mechanisms[i].name))
			return imap_offers(p, mechanisms[i].cap);
	return false;
}

enum imap_event
imap_cmd_authenticate(struct imap *p, struct imap_args *a)
{
	struct str mechanism, initial = {NULL, 0};
	struct imap_login_state *s;
	struct buf challenge;
	enum sasl_result result;
	enum imap_event ev;

	if (!imap_arg_atom(a, &mechanism))
		return imap_reply_syntax(p, "AUTHENTICATE names a mechanism");
	if (imap_arg_space(a)) /* SASL-IR (RFC 4959) */
		initial = a->rest;
	else if (!imap_arg_end(a))
		return imap_reply_syntax(p, "AUTHENTICATE names a mechanism");
	if (!may_try(p))
		return IMAP_NONE;
	if (!is_offered(p, mechanism)) {
		p->errors++;
		return imap_reply(
		    p, IMAP_NO, IMAP_CODE_CANNOT, "No such mechanism");
	}
	s = begin(p);
	buf_init(&challenge, SASL_RESPONSE_MAX);
	result = sasl_begin(&s->sasl, mechanism, initial, &challenge);
	ev = sasl_went_on(p, result, &challenge);
	buf_release(&challenge);
	return ev;
}

enum imap_event
imap_sasl_line(struct imap *p, struct str line)
{
	struct buf challenge;
	enum sasl_result result;
	enum imap_event ev;

	if (str_eq(line, STR("*"))) /* RFC 9051 s6.2.2: the client cancels */
		return login_failed(p, "Cancelled");
	buf_init(&challenge, SASL_RESPONSE_MAX);
	result = sasl_respond(&p->login_state->sasl, line, &challenge);
	ev = sasl_went_on(p, result, &challenge);
	buf_release(&challenge);
	return ev;
}

/* The line was too long, or had a bare CR, LF or NUL. */
enum imap_event
imap_sasl_broken(struct imap *p)
{
	return login_failed(p, "Malformed response");
}

enum imap_event
imap_cmd_starttls(struct imap *p, struct imap_args *a)
{
	if (!imap_arg_end(a))
		return imap_reply_syntax(p, "STARTTLS has no arguments");
	if (p->options.tls)
		return imap_reply_syntax(p, "TLS is active already");
	imap_reply(p, IMAP_OK, IMAP_CODE_NONE, "Begin TLS");
	return IMAP_TLS;
}

/* RFC 9051 s6.2.1, s11.1 */
void
imap_secured(struct imap *p)
{
	struct str unknown;

	assert(p->waiting == IMAP_TLS);
	p->waiting = IMAP_NONE;
	imap_login_forget(p);
	buf_clear(&p->client);
	imap_caps_parse(str_of(p->options.off), &p->off, &unknown);
	p->options.tls = true;
}

void
imap_logged_in(
    struct imap *p, int64_t account, const char *login, const char *off)
{
	imap_caps more;
	struct str unknown;
	struct buf code;

	assert(p->waiting == IMAP_LOGIN);
	p->waiting = IMAP_NONE;
	imap_login_forget(p);
	imap_caps_parse(str_of(off), &more, &unknown);
	p->off |= more;
	p->account = account;
	p->login = mem_dup(str_of(login));
	imap_enter(p, IMAP_AUTHENTICATED);
	buf_init(&code, 4 * KB);
	imap_write_caps(p, &code);
	imap_reply_with(p, IMAP_OK, buf_str(&code), "Logged in");
	buf_release(&code);
}

void
imap_refused(struct imap *p, enum imap_refusal why)
{
	static const struct {
		enum imap_code code;
		const char *text;
	} says[] = {
	    [IMAP_WRONG] = {IMAP_CODE_AUTHENTICATIONFAILED,
			    "Wrong name or password"                         },
	    [IMAP_UNAVAILABLE] = {IMAP_CODE_UNAVAILABLE,          "Try again later"},
	    [IMAP_FORBIDDEN] = {IMAP_CODE_AUTHORIZATIONFAILED,
			    "This account may not log in"                    },
	};

	assert(p->waiting == IMAP_LOGIN);
	p->waiting = IMAP_NONE;
	imap_login_forget(p);
	if (why == IMAP_WRONG)
		p->failures++;
	imap_reply(p, IMAP_NO, says[why].code, says[why].text);
}
