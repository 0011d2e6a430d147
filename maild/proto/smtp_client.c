/* SPDX-License-Identifier: MIT */
#include "maild/proto/smtp_client.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "maild/proto/smtp_body.h"
#include "maild/proto/smtp_ehlo.h"
#include "maild/proto/smtp_envelope.h"

enum state {
	GREETING,
	EHLO,
	HELO,
	STARTTLS,
	TLS,
	READY,
	ENVELOPE,
	BODY,
	DOT,
	QUIT,
	CLOSED,
};

struct smtp_client {
	struct smtp_client_options o;
	enum state state;
	bool announced; /* the event of this state was given */
	unsigned turn;
	struct smtp_reply_parse parse;
	struct buf out;
	struct smtp_ehlo offers;
	enum smtp_security security;
	struct smtp_outcome end;
	struct smtp_transaction transaction;
	struct smtp_body body;
	uint64_t left; /* octets of a binary message still to be sent */
	bool done;     /* SMTP_CLIENT_DONE is to be said */
};

static bool
is_ok(const struct smtp_reply *r)
{
	return r->code / 10 == 25; /* RFC 5321 s4.2.1: x5z, the mail system */
}

static bool
is_refusal(const struct smtp_reply *r)
{
	return r->code >= 400;
}

static void
enter(struct smtp_client *c, enum state state)
{
	assert(c->state != CLOSED);
	c->state = state;
	c->announced = false;
	c->turn++;
}

/* Everything undecided ends like this, if a message is under way. */
static void
finish(struct smtp_client *c, const struct smtp_outcome *o)
{
	c->done |= c->transaction.under_way;
	smtp_transaction_end(&c->transaction, o);
}

/* The session ends as c->end says, and with it all that is undecided. */
static void
hang_up(struct smtp_client *c)
{
	finish(c, &c->end);
	enter(c, CLOSED);
}

/* Give up, with our own words in c->end. */
static void
give_up(struct smtp_client *c)
{
	c->end.unsure = c->state == DOT;
	c->end.elsewhere = c->state != DOT;
	buf_clear(&c->out);
	hang_up(c);
}

static void
broken(struct smtp_client *c, const char *what)
{
	smtp_outcome_say(&c->end, SMTP_TEMP, "4.5.0",
	    "protocol error of the other server: %s", what);
	give_up(c);
}

/* The server wants nothing (more) from us and says why. */
static void
refused(struct smtp_client *c, const struct smtp_reply *r)
{
	smtp_outcome_reply(&c->end, r);
	c->end.elsewhere = c->state != DOT && c->state != BODY;
	if (r->code != 421 && c->state != BODY)
		buf_add(&c->out, STR("QUIT\r\n"));
	hang_up(c);
}

static void
say_hello(struct smtp_client *c, enum state state)
{
	buf_addf(&c->out, "%s %s\r\n", state == EHLO ? "EHLO" : "HELO",
	    c->o.hostname);
	enter(c, state);
}

static void
on_greeting(struct smtp_client *c, const struct smtp_reply *r)
{
	if (r->code == 220)
		say_hello(c, EHLO);
	else if (is_refusal(r))
		refused(c, r);
	else
		broken(c, "a greeting that is none");
}

static void
on_ehlo(struct smtp_client *c, const struct smtp_reply *r)
{
	/* RFC 5321 s4.1.1.1: an old server does not know EHLO */
	bool old = (r->code >= 500 && r->code <= 504) || r->code == 550;

	if (r->code == 250) {
		c->offers = smtp_ehlo_parse(r->text);
		if (c->o.tls && c->security == SMTP_CLEAR &&
		    c->offers.starttls) {
			buf_add(&c->out, STR("STARTTLS\r\n"));
			enter(c, STARTTLS);
		} else
			enter(c, READY);
	} else if (old && c->security == SMTP_CLEAR)
		say_hello(c, HELO);
	else if (is_refusal(r))
		refused(c, r);
	else
		broken(c, "a reply to EHLO that is none");
}

static void
on_helo(struct smtp_client *c, const struct smtp_reply *r)
{
	if (r->code == 250)
		enter(c, READY);
	else if (is_refusal(r))
		refused(c, r);
	else
		broken(c, "a reply to HELO that is none");
}

static void
on_starttls(struct smtp_client *c, const struct smtp_reply *r)
{
	if (r->code == 220)
		enter(c, TLS);
	else if (is_refusal(r))
		enter(
		    c, READY); /* opportunistic: RFC 3207 s4 leaves it to us */
	else
		broken(c, "a reply to STARTTLS that is none");
}

static void
on_nothing(struct smtp_client *c, const struct smtp_reply *r)
{
	(void)r;
	broken(c, "a reply to nothing");
}

static void
begin_body(struct smtp_client *c)
{
	const struct smtp_message *m = &c->transaction.m;

	smtp_body_init(&c->body);
	c->left = m->size;
	/* RFC 3030 s2: all of it in one chunk, so nothing is to be waited for
	 * in between */
	if (m->binary)
		buf_addf(&c->out, "BDAT %" PRIu64 " LAST\r\n", c->left);
}

/* Do what the transaction says. */
static void
proceed(struct smtp_client *c, enum smtp_transaction_state state,
    const struct smtp_reply *r)
{
	switch (state) {
	case SMTP_TRANSACTION_ASK:
		smtp_transaction_ask(&c->transaction, &c->out);
		break;
	case SMTP_TRANSACTION_BODY:
		begin_body(c);
		enter(c, BODY);
		break;
	case SMTP_TRANSACTION_DOT:
		buf_add(&c->out, STR(".\r\n"));
		enter(c, DOT);
		break;
	case SMTP_TRANSACTION_END:
		c->done = true;
		enter(c, READY);
		break;
	case SMTP_TRANSACTION_MISMATCH:
		broken(c, "a reply its command cannot have");
		break;
	case SMTP_TRANSACTION_STUCK:
		refused(c, r);
		break;
	}
}

static void
on_envelope(struct smtp_client *c, const struct smtp_reply *r)
{
	proceed(c, smtp_transaction_reply(&c->transaction, r), r);
}

/* A server may refuse before it has heard all; what it would say next cannot
 * be told from an answer to the dot, so that is the end. */
static void
on_body(struct smtp_client *c, const struct smtp_reply *r)
{
	if (is_refusal(r)) {
		buf_clear(&c->out);
		refused(c, r);
	} else
		broken(c, "an answer before the end of data");
}

static void
on_dot(struct smtp_client *c, const struct smtp_reply *r)
{
	struct smtp_outcome o;

	if (!is_ok(r) && !is_refusal(r)) {
		broken(c, "a reply to the final dot that is none");
		return;
	}
	smtp_outcome_init(&o);
	smtp_outcome_reply(&o, r);
	finish(c, &o);
	smtp_outcome_release(&o);
	c->transaction.open = false;
	enter(c, READY);
}

static void
on_quit(struct smtp_client *c, const struct smtp_reply *r)
{
	(void)r;
	enter(c, CLOSED);
}

static const struct {
	enum smtp_client_event event; /* said once when it is entered */
	void (*on_reply)(struct smtp_client *c, const struct smtp_reply *r);
	int tenths; /* of timeout_ms: RFC 5321 s4.5.3.2 when that is 5 min */
	const char *phase;
} states[] = {
    [GREETING] = {SMTP_CLIENT_NONE,   on_greeting, 10, "the greeting"               },
    [EHLO] = {SMTP_CLIENT_NONE,   on_ehlo,     10, "the reply to EHLO"          },
    [HELO] = {SMTP_CLIENT_NONE,   on_helo,     10, "the reply to HELO"          },
    [STARTTLS] = {SMTP_CLIENT_NONE,   on_starttls, 10, "the reply to STARTTLS"      },
    [TLS] = {SMTP_CLIENT_TLS,    on_nothing,  0,  "the TLS handshake"          },
    [READY] = {SMTP_CLIENT_READY,  on_nothing,  0,  "nothing"                    },
    [ENVELOPE] = {SMTP_CLIENT_NONE,   on_envelope, 10, NULL                         },
    [BODY] = {SMTP_CLIENT_BODY,   on_body,     6,  "the message to be taken"    },
    [DOT] = {SMTP_CLIENT_NONE,   on_dot,      20, "the answer to the final dot"},
    [QUIT] = {SMTP_CLIENT_NONE,   on_quit,     1,  "the reply to QUIT"          },
    [CLOSED] = {SMTP_CLIENT_CLOSED, NULL,        0,  "nothing"                    },
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
	if (r->code == 421 && c->state != QUIT)
		refused(c, r); /* RFC 5321 s3.8: at any time */
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

/* RFC 3207 s6: what comes in the clear behind the 220 could be anybody's. */
static const char early_in_tls[] = "more than 220 before the TLS handshake";

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
			broken(c, early_in_tls);
			continue;
		}
		if (!smtp_reply_begun(&c->parse) && c->out.len > 0) {
			broken(c, "a reply before its command");
			continue;
		}
		switch (smtp_reply_take(&c->parse, in, &reply)) {
		case SMTP_REPLY_MORE:
			break;
		case SMTP_REPLY_BAD:
			broken(c, c->parse.bad);
			break;
		case SMTP_REPLY_READY:
			serve(c, &reply);
			break;
		}
		if (c->state == TLS && in->len > 0)
			broken(c, early_in_tls);
	}
	return ev;
}

struct smtp_client *
smtp_client_new(const struct smtp_client_options *o)
{
	struct smtp_client *c = MEM_NEW(struct smtp_client);

	assert(o->hostname[0] != '\0' && str_is_printable(str_of(o->hostname)));
	c->o = *o;
	c->state = GREETING;
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
	buf_release(&c->out);
	free(c);
}

struct buf *
smtp_client_output(struct smtp_client *c)
{
	return &c->out;
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

bool
smtp_client_is_ready(const struct smtp_client *c)
{
	return c->state == READY && c->announced && !c->done;
}

void
smtp_client_send(struct smtp_client *c, const struct smtp_message *m)
{
	enum smtp_transaction_state state;

	assert(smtp_client_is_ready(c));
	state = smtp_transaction_begin(
	    &c->transaction, m, &c->offers, c->security);
	if (state == SMTP_TRANSACTION_ASK) {
		enter(c, ENVELOPE);
		/* half of a reply is there already */
		if (smtp_reply_begun(&c->parse))
			state = SMTP_TRANSACTION_MISMATCH;
	}
	proceed(c, state, NULL);
}

void
smtp_client_quit(struct smtp_client *c)
{
	assert(smtp_client_is_ready(c));
	smtp_outcome_say(&c->end, SMTP_SENT, "2.0.0", "goodbye");
	buf_add(&c->out, STR("QUIT\r\n"));
	enter(c, QUIT);
}

bool
smtp_client_wants_body(const struct smtp_client *c)
{
	return c->state == BODY && c->announced;
}

void
smtp_client_body(struct smtp_client *c, struct str chunk)
{
	assert(smtp_client_wants_body(c));
	assert(chunk.len <= SMTP_CLIENT_CHUNK_MAX);
	if (c->transaction.m.binary) {
		assert(chunk.len <= c->left);
		c->left -= chunk.len;
		buf_add(&c->out, chunk);
	} else {
		smtp_body_add(&c->body, chunk, &c->out);
	}
	assert(!c->out.overrun);
	c->turn++;
}

void
smtp_client_body_end(struct smtp_client *c)
{
	assert(smtp_client_wants_body(c));
	if (smtp_reply_begun(&c->parse)) {
		broken(c, "an answer before the end of data");
		return;
	}
	assert(!c->transaction.m.binary || c->left == 0);
	if (!c->transaction.m.binary)
		smtp_body_end(&c->body, &c->out);
	enter(c, DOT);
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
		enter(c, CLOSED);
		return;
	}
	smtp_outcome_say(&c->end, SMTP_TEMP, "4.4.2", "%s while waiting for %s",
	    why, phase(c));
	give_up(c);
}

const struct smtp_outcome *
smtp_client_outcome(const struct smtp_client *c, size_t i)
{
	return smtp_transaction_outcome(&c->transaction, i);
}

const struct smtp_outcome *
smtp_client_end(const struct smtp_client *c)
{
	assert(c->state == CLOSED);
	return &c->end;
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
