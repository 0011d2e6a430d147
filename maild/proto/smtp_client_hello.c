/* SPDX-License-Identifier: MIT */
#include "maild/proto/smtp_client_state.h"

#include <assert.h>
#include <stdio.h>

static void
say_hello(struct smtp_client *c, enum state state)
{
	size_t from = c->out.len;

	buf_addf(&c->out, "%s %s\r\n", state == EHLO ? "EHLO" : "HELO",
	    c->o.hostname);
	smtp_client_said(c, from);
	smtp_client_enter(c, state);
}

void
smtp_client_on_greeting(struct smtp_client *c, const struct smtp_reply *r)
{
	c->greeted = true;
	if (r->code == 220)
		say_hello(c, EHLO);
	else if (smtp_reply_is_refusal(r))
		smtp_client_refused(c, r);
	else
		smtp_client_broken(c, "a greeting that is none");
}

static bool
must_have_tls(const struct smtp_client *c)
{
	return c->security == SMTP_CLEAR && c->o.tls >= SMTP_TLS_MUST;
}

static void
go_on_in_clear(struct smtp_client *c, const char *why, const char *words)
{
	snprintf(c->why_clear, sizeof(c->why_clear), "%s%s", why, words);
	smtp_dialogue_add(
	    &c->dialogue, "-- in the clear: ", str_of(c->why_clear));
}

/* What a server offers is known. */
static void
proceed(struct smtp_client *c)
{
	size_t from = c->out.len;

	if (c->security == SMTP_CLEAR && c->o.tls != SMTP_TLS_NEVER &&
	    c->offers.starttls) {
		buf_add(&c->out, STR("STARTTLS\r\n"));
		smtp_client_said(c, from);
		smtp_client_enter(c, STARTTLS);
	} else if (must_have_tls(c)) {
		smtp_client_unsafe(c, "4.7.4", " but not offered");
	} else if (c->o.login != NULL) {
		smtp_client_log_in(c);
	} else {
		if (c->security == SMTP_CLEAR && c->o.tls != SMTP_TLS_NEVER)
			go_on_in_clear(c, "STARTTLS is not offered", "");
		smtp_client_enter(c, READY);
	}
}

/* RFC 5321 s4.1.1.1: an old server does not know EHLO. */
static bool
is_old(const struct smtp_reply *r)
{
	return (r->code >= 500 && r->code <= 504) || r->code == 550;
}

void
smtp_client_on_ehlo(struct smtp_client *c, const struct smtp_reply *r)
{
	if (r->code == 250) {
		c->offers = smtp_ehlo_parse(r->text);
		proceed(c);
	} else if (is_old(r) && must_have_tls(c)) {
		smtp_client_unsafe(c, "4.7.4",
		    " but not offered: EHLO was refused (%d)", r->code);
	} else if (is_old(r) && c->security == SMTP_CLEAR) {
		say_hello(c, HELO);
	} else if (smtp_reply_is_refusal(r)) {
		smtp_client_refused(c, r);
	} else {
		smtp_client_broken(c, "a reply to EHLO that is none");
	}
}

void
smtp_client_on_helo(struct smtp_client *c, const struct smtp_reply *r)
{
	if (r->code == 250)
		proceed(c);
	else if (smtp_reply_is_refusal(r))
		smtp_client_refused(c, r);
	else
		smtp_client_broken(c, "a reply to HELO that is none");
}

void
smtp_client_on_starttls(struct smtp_client *c, const struct smtp_reply *r)
{
	struct buf words;

	buf_init(&words, 1 * KB);
	smtp_reply_one_line(r, &words);
	if (r->code == 220) {
		smtp_client_enter(c, TLS);
	} else if (!smtp_reply_is_refusal(r)) {
		smtp_client_broken(c, "a reply to STARTTLS that is none");
	} else if (must_have_tls(c)) {
		smtp_client_unsafe(c, "4.7.4", " but refused: %s", words.data);
	} else { /* opportunistic: RFC 3207 s4 leaves it to us */
		go_on_in_clear(c, "STARTTLS was refused: ", words.data);
		c->clear_for_now = r->code < 500;
		smtp_client_enter(c, READY);
	}
	buf_release(&words);
}

void
smtp_client_tls_done(struct smtp_client *c, const struct smtp_client_tls *tls)
{
	assert(c->state == TLS && c->announced);
	smtp_dialogue_add(&c->dialogue, "-- ", str_of(tls->what));
	if (c->o.tls == SMTP_TLS_VERIFY && !tls->verified) {
		smtp_client_unsafe(c, "4.7.5", ": %s",
		    tls->problem != NULL ? tls->problem
					 : "the certificate is not verified");
		return;
	}
	/* RFC 3207 s4.2: discard what was learnt before */
	c->offers = (struct smtp_ehlo){0};
	c->security = !tls->verified ? SMTP_ENCRYPTED
	              : c->o.guessed ? SMTP_GUESSED
	                             : SMTP_VERIFIED;
	if (c->greeted)
		say_hello(c, EHLO);
	else
		smtp_client_enter(c, GREETING);
}

void
smtp_client_tls_failed(struct smtp_client *c, const char *why)
{
	assert(c->state == TLS && c->announced);
	smtp_client_unsafe(c, "4.7.5", ": the handshake failed: %s", why);
}
