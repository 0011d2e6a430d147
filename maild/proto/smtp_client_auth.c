/* SPDX-License-Identifier: MIT */
#include "maild/proto/smtp_client_state.h"

#include <assert.h>

#include "common/util/enc.h"
#include "common/util/secret.h"

/* RFC 4954 s4: with more than that on it the line is too long for the initial
 * response; it then follows the 334. */
#define AUTH_LINE_MAX 512
#define SECRET_MAX    (4 * KB)

/* A line of which nobody is to know. */
static void
say(struct smtp_client *c, const char *command, struct str secret)
{
	size_t from = c->out.len;

	buf_add(&c->out, str_of(command));
	if (secret.len > 0) {
		smtp_dialogue_add(&c->dialogue, "C: ",
		    command[0] != '\0' ? STR("AUTH PLAIN ***") : STR("***"));
		enc_base64(secret, &c->out);
		buf_add(&c->out, STR("\r\n"));
	} else {
		buf_add(&c->out, STR("\r\n"));
		smtp_client_said(c, from);
	}
	assert(!c->out.overrun);
}

/* RFC 4616: nobody else, the login, the password. */
static void
add_plain(const struct smtp_client *c, struct buf *out)
{
	buf_init(out, SECRET_MAX);
	buf_add_char(out, '\0');
	buf_add(out, str_of(c->o.login));
	buf_add_char(out, '\0');
	buf_add(out, c->o.password);
	assert(!out->overrun);
}

static void
begin_plain(struct smtp_client *c)
{
	struct buf plain;

	add_plain(c, &plain);
	if (STR("AUTH PLAIN \r\n").len + ENC_BASE64_LEN(plain.len) <=
	    AUTH_LINE_MAX) {
		c->answers = 0;
		say(c, "AUTH PLAIN ", buf_str(&plain));
	} else {
		c->answers = 1;
		say(c, "AUTH PLAIN", STR(""));
	}
	secret_wipe(&plain);
}

/* It is ours to mend: what waits is not returned for it. */
static void
no_login(struct smtp_client *c, const char *enhanced, const char *words)
{
	size_t from = c->out.len;

	smtp_outcome_say(&c->end, SMTP_TEMP, enhanced,
	    "cannot log in as %s: %s", c->o.login, words);
	c->end.elsewhere = true;
	smtp_dialogue_add(&c->dialogue, "-- ", buf_str(&c->end.text));
	buf_add(&c->out, STR("QUIT\r\n"));
	smtp_client_said(c, from);
	smtp_client_end_session(c);
}

void
smtp_client_log_in(struct smtp_client *c)
{
	assert(c->security >= SMTP_GUESSED);
	if (c->offers.auth_plain) {
		begin_plain(c);
	} else if (c->offers.auth_login) {
		c->answers = 2;
		say(c, "AUTH LOGIN", STR(""));
	} else {
		no_login(c, "4.7.0",
		    c->offers.auth ? "the other server offers neither PLAIN "
				     "nor LOGIN"
				   : "the other server does not offer AUTH");
		return;
	}
	smtp_client_enter(c, AUTH);
}

static void
answer(struct smtp_client *c)
{
	struct buf plain;

	if (c->offers.auth_plain) {
		add_plain(c, &plain);
		say(c, "", buf_str(&plain));
		secret_wipe(&plain);
	} else if (c->answers == 2) {
		say(c, "", str_of(c->o.login));
	} else {
		say(c, "", c->o.password);
	}
	c->answers--;
}

void
smtp_client_on_auth(struct smtp_client *c, const struct smtp_reply *r)
{
	struct buf words;

	if (r->code == 334 && c->answers > 0) {
		answer(c);
	} else if (r->code == 235 && c->answers == 0) {
		smtp_client_enter(c, READY);
	} else if (smtp_reply_is_refusal(r)) {
		buf_init(&words, 1 * KB);
		smtp_reply_one_line(r, &words);
		c->shut_out = true;
		no_login(c, "4.7.8", words.data);
		buf_release(&words);
	} else {
		smtp_client_broken(c, "a reply to AUTH that is none");
	}
}
