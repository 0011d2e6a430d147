/* SPDX-License-Identifier: MIT */
#include "maild/proto/smtp_client.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/util/secret.h"
#include "maild/proto/smtp_client_state.h"

void
smtp_client_enter(struct smtp_client *c, enum state state)
{
	assert(c->state != CLOSED);
	c->state = state;
	c->announced = false;
	c->turn++;
}

void
smtp_client_said(struct smtp_client *c, size_t from)
{
	smtp_dialogue_commands(&c->dialogue, str_after(buf_str(&c->out), from));
}

static void
say_quit(struct smtp_client *c)
{
	size_t from = c->out.len;

	buf_add(&c->out, STR("QUIT\r\n"));
	smtp_client_said(c, from);
}

void
smtp_client_end_session(struct smtp_client *c)
{
	smtp_client_finish(c, &c->end);
	smtp_client_enter(c, CLOSED);
}

static void
note_broken_tls(struct smtp_client *c)
{
	c->tls_broken = c->o.tls == SMTP_TLS_MAY &&
	                (c->state == STARTTLS || c->state == TLS);
}

/* Give up, with our own words in c->end. */
static void
give_up(struct smtp_client *c)
{
	c->end.unsure = c->state == DOT;
	c->end.elsewhere = c->state != DOT;
	note_broken_tls(c);
	buf_clear(&c->out);
	if (c->state == BODY)
		smtp_client_say_body(c, ", not all of it");
	smtp_dialogue_add(&c->dialogue, "-- ", buf_str(&c->end.text));
	smtp_client_end_session(c);
}

void
smtp_client_unsafe(
    struct smtp_client *c, const char *enhanced, const char *fmt, ...)
{
	char words[SMTP_REPLY_ONE_MAX];
	bool wanted = c->o.tls >= SMTP_TLS_MUST;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(words, sizeof(words), fmt, ap);
	va_end(ap);
	smtp_outcome_say(&c->end, SMTP_TEMP, enhanced, "%s%s%s%s",
	    wanted ? "TLS required" : "TLS",
	    wanted && c->o.law != NULL ? " by " : "",
	    wanted && c->o.law != NULL ? c->o.law : "", words);
	c->end.elsewhere = true;
	c->unsafe = wanted;
	note_broken_tls(c);
	smtp_dialogue_add(&c->dialogue, "-- ", buf_str(&c->end.text));
	if (c->state != TLS)
		say_quit(c);
	smtp_client_end_session(c);
}

void
smtp_client_broken(struct smtp_client *c, const char *what)
{
	if (c->state == QUIT) { /* all was said */
		smtp_dialogue_add(&c->dialogue, "-- ", str_of(what));
		smtp_client_enter(c, CLOSED);
		return;
	}
	smtp_outcome_say(&c->end, SMTP_TEMP, "4.5.0",
	    "protocol error of the other server: %s", what);
	give_up(c);
}

void
smtp_client_refused(struct smtp_client *c, const struct smtp_reply *r)
{
	smtp_outcome_reply(&c->end, r);
	c->end.elsewhere = c->state != DOT && c->state != BODY;
	if (r->code != 421 && c->state != BODY)
		say_quit(c);
	smtp_client_end_session(c);
}

static void
on_nothing(struct smtp_client *c, const struct smtp_reply *r)
{
	(void)r;
	smtp_client_broken(c, "a reply to nothing");
}

static void
on_quit(struct smtp_client *c, const struct smtp_reply *r)
{
	(void)r;
	smtp_client_enter(c, CLOSED);
}

static const struct {
	enum smtp_client_event event; /* said once when it is entered */
	smtp_client_on_reply *on_reply;
	int tenths; /* of timeout_ms: RFC 5321 s4.5.3.2 when that is 5 min */
	const char *phase;
} states[] = {
    [GREETING] = {SMTP_CLIENT_NONE,   smtp_client_on_greeting, 10,
		  "the greeting"						      },
    [EHLO] = {SMTP_CLIENT_NONE,   smtp_client_on_ehlo,     10, "the reply to EHLO"},
    [HELO] = {SMTP_CLIENT_NONE,   smtp_client_on_helo,     10, "the reply to HELO"},
    [STARTTLS] = {SMTP_CLIENT_NONE,   smtp_client_on_starttls, 10,
		  "the reply to STARTTLS"					     },
    [TLS] = {SMTP_CLIENT_TLS,    on_nothing,              0,  "the TLS handshake"},
    [AUTH] = {SMTP_CLIENT_NONE,   smtp_client_on_auth,     10, "the reply to AUTH"},
    [READY] = {SMTP_CLIENT_READY,  on_nothing,              0,  "nothing"          },
    [ENVELOPE] = {SMTP_CLIENT_NONE,   smtp_client_on_envelope, 10, NULL               },
    [BODY] = {SMTP_CLIENT_BODY,   smtp_client_on_body,     6,
		  "the message to be taken"					   },
    [DOT] = {SMTP_CLIENT_NONE,   smtp_client_on_dot,      20,
		  "the answer to the final dot"				       },
    [QUIT] = {SMTP_CLIENT_NONE,   on_quit,                 1,  "the reply to QUIT"},
    [CLOSED] = {SMTP_CLIENT_CLOSED, NULL,                    0,  "nothing"          },
};

static const char *
phase(const struct smtp_client *c)
{
	if (c->state == ENVELOPE)
		return smtp_transaction_phase(&c->transaction);
	return states[c->state].phase;
}

static void
serve(struct smtp_client *c, const struct smtp_reply *r)
{
	c->turn++;
	c->answered |= c->state != GREETING;
	smtp_dialogue_reply(&c->dialogue, r);
	if (r->code == 421 && c->state != QUIT)
		smtp_client_refused(c, r); /* RFC 5321 s3.8: at any time */
	else
		states[c->state].on_reply(c, r);
}

static enum smtp_client_event
announce(struct smtp_client *c)
{
	if (c->done) {
		c->done = false;
		return SMTP_CLIENT_DONE;
	}
	if (c->announced)
		return SMTP_CLIENT_NONE;
	c->announced = true;
	return states[c->state].event;
}

/* RFC 3207 s6: what comes in the clear behind the 220 could be anybody's, who
 * is not rewarded with a message in the clear. */
static void
intruded(struct smtp_client *c)
{
	smtp_client_broken(c, "more than 220 before the TLS handshake");
	c->tls_broken = false;
}

enum smtp_client_event
smtp_client_step(struct smtp_client *c, struct str *in)
{
	struct smtp_reply reply;
	enum smtp_client_event ev;

	while ((ev = announce(c)) == SMTP_CLIENT_NONE && in->len > 0) {
		if (c->state == CLOSED) {
			*in = str_after(*in, in->len);
			break;
		}
		if (c->state == TLS) {
			intruded(c);
			continue;
		}
		if (!smtp_reply_begun(&c->parse) && c->out.len > 0) {
			smtp_client_broken(c, "a reply before its command");
			continue;
		}
		switch (smtp_reply_take(&c->parse, in, &reply)) {
		case SMTP_REPLY_MORE:
			break;
		case SMTP_REPLY_BAD:
			smtp_client_broken(c, c->parse.bad);
			break;
		case SMTP_REPLY_READY:
			serve(c, &reply);
			break;
		}
		if (c->state == TLS && in->len > 0)
			intruded(c);
	}
	return ev;
}

struct smtp_client *
smtp_client_new(const struct smtp_client_options *o)
{
	struct smtp_client *c = MEM_NEW(struct smtp_client);

	assert(o->hostname[0] != '\0' && str_is_printable(str_of(o->hostname)));
	assert(!o->inside || o->tls >= SMTP_TLS_MUST);
	assert(o->login == NULL || o->tls == SMTP_TLS_VERIFY);
	c->o = *o;
	c->state = o->inside ? TLS : GREETING;
	smtp_dialogue_init(&c->dialogue);
	smtp_reply_init(&c->parse);
	buf_init(&c->out, 256 * KB);
	smtp_transaction_init(&c->transaction);
	smtp_outcome_init(&c->end);
	return c;
}

void
smtp_client_free(struct smtp_client *c)
{
	if (c == NULL)
		return;
	smtp_transaction_release(&c->transaction);
	smtp_outcome_release(&c->end);
	smtp_reply_release(&c->parse);
	smtp_dialogue_release(&c->dialogue);
	secret_wipe(&c->out); /* a password may have been in it */
	free(c);
}

struct buf *
smtp_client_output(struct smtp_client *c)
{
	return &c->out;
}

bool
smtp_client_is_ready(const struct smtp_client *c)
{
	return c->state == READY && c->announced && !c->done;
}

void
smtp_client_quit(struct smtp_client *c)
{
	assert(smtp_client_is_ready(c));
	smtp_outcome_say(&c->end, SMTP_SENT, "2.0.0", "goodbye");
	say_quit(c);
	smtp_client_enter(c, QUIT);
}

bool
smtp_client_has_dsn(const struct smtp_client *c)
{
	return c->offers.dsn;
}

void
smtp_client_lost(struct smtp_client *c, const char *why)
{
	if (c->state == CLOSED)
		return;
	if (c->state == QUIT) { /* all was said */
		smtp_client_enter(c, CLOSED);
		return;
	}
	smtp_outcome_say(&c->end, SMTP_TEMP, "4.4.2", "%s while waiting for %s",
	    why, phase(c));
	give_up(c);
}

const struct smtp_outcome *
smtp_client_end(const struct smtp_client *c)
{
	assert(c->state == CLOSED);
	return &c->end;
}

bool
smtp_client_is_unsafe(const struct smtp_client *c)
{
	return c->unsafe;
}

const char *
smtp_client_why_clear(const struct smtp_client *c)
{
	return c->why_clear;
}

bool
smtp_client_is_clear_for_now(const struct smtp_client *c)
{
	return c->clear_for_now;
}

bool
smtp_client_is_tls_broken(const struct smtp_client *c)
{
	return c->tls_broken;
}

bool
smtp_client_is_shut_out(const struct smtp_client *c)
{
	return c->shut_out;
}

bool
smtp_client_is_answered(const struct smtp_client *c)
{
	return c->answered;
}

struct str
smtp_client_dialogue(const struct smtp_client *c)
{
	return buf_str(&c->dialogue.text);
}

int64_t
smtp_client_timeout_ms(const struct smtp_client *c)
{
	int tenths = states[c->state].tenths;

	if (c->state == ENVELOPE &&
	    smtp_transaction_is_at_data(&c->transaction))
		tenths = 4; /* RFC 5321 s4.5.3.2.4: 2 minutes */
	return c->o.timeout_ms * tenths / 10;
}

unsigned
smtp_client_turn(const struct smtp_client *c)
{
	return c->turn;
}
