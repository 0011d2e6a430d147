/* SPDX-License-Identifier: MIT */
#include "maild/proto/smtp_client_state.h"

#include <assert.h>

static void
say_hello(struct smtp_client *c, enum state state)
{
	buf_addf(&c->out, "%s %s\r\n", state == EHLO ? "EHLO" : "HELO",
	    c->o.hostname);
	smtp_client_enter(c, state);
}

void
smtp_client_on_greeting(struct smtp_client *c, const struct smtp_reply *r)
{
	if (r->code == 220)
		say_hello(c, EHLO);
	else if (smtp_client_is_refusal(r))
		smtp_client_refused(c, r);
	else
		smtp_client_broken(c, "a greeting that is none");
}

void
smtp_client_on_ehlo(struct smtp_client *c, const struct smtp_reply *r)
{
	/* RFC 5321 s4.1.1.1: an old server does not know EHLO */
	bool old = (r->code >= 500 && r->code <= 504) || r->code == 550;

	if (r->code == 250) {
		c->offers = smtp_ehlo_parse(r->text);
		if (c->o.tls && c->security == SMTP_CLEAR &&
		    c->offers.starttls) {
			buf_add(&c->out, STR("STARTTLS\r\n"));
			smtp_client_enter(c, STARTTLS);
		} else
			smtp_client_enter(c, READY);
	} else if (old && c->security == SMTP_CLEAR)
		say_hello(c, HELO);
	else if (smtp_client_is_refusal(r))
		smtp_client_refused(c, r);
	else
		smtp_client_broken(c, "a reply to EHLO that is none");
}

void
smtp_client_on_helo(struct smtp_client *c, const struct smtp_reply *r)
{
	if (r->code == 250)
		smtp_client_enter(c, READY);
	else if (smtp_client_is_refusal(r))
		smtp_client_refused(c, r);
	else
		smtp_client_broken(c, "a reply to HELO that is none");
}

void
smtp_client_on_starttls(struct smtp_client *c, const struct smtp_reply *r)
{
	if (r->code == 220)
		smtp_client_enter(c, TLS);
	else if (smtp_client_is_refusal(r))
		smtp_client_enter(
		    c, READY); /* opportunistic: RFC 3207 s4 leaves it to us */
	else
		smtp_client_broken(c, "a reply to STARTTLS that is none");
}

void
smtp_client_tls_done(struct smtp_client *c, bool verified)
{
	assert(c->state == TLS && c->announced);
	/* RFC 3207 s4.2: discard what was learnt before */
	c->offers = (struct smtp_ehlo){0};
	c->security = verified ? SMTP_VERIFIED : SMTP_ENCRYPTED;
	say_hello(c, EHLO);
}
