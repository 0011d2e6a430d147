/* SPDX-License-Identifier: MIT */
#include "maild/proto/smtp_client_state.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

void
smtp_client_finish(struct smtp_client *c, const struct smtp_outcome *o)
{
	c->done |= c->transaction.under_way;
	smtp_transaction_end(&c->transaction, o);
}

static void
begin_body(struct smtp_client *c)
{
	const struct smtp_message *m = &c->transaction.m;
	size_t from = c->out.len;

	smtp_body_init(&c->body);
	c->said = 0;
	c->left = m->size;
	/* RFC 3030 s2: all of it in one chunk, so nothing is to be waited for
	 * in between */
	if (m->binary)
		buf_addf(&c->out, "BDAT %" PRIu64 " LAST\r\n", c->left);
	smtp_client_said(c, from);
}

/* Do what the transaction says. */
static void
proceed(struct smtp_client *c, enum smtp_transaction_state state,
    const struct smtp_reply *r)
{
	size_t from = c->out.len;

	switch (state) {
	case SMTP_TRANSACTION_ASK:
		smtp_transaction_ask(&c->transaction, &c->out);
		smtp_client_said(c, from);
		break;
	case SMTP_TRANSACTION_BODY:
		begin_body(c);
		smtp_client_enter(c, BODY);
		break;
	case SMTP_TRANSACTION_DOT:
		buf_add(&c->out, STR(".\r\n"));
		smtp_client_said(c, from);
		smtp_client_enter(c, DOT);
		break;
	case SMTP_TRANSACTION_END:
		c->done = true;
		smtp_client_enter(c, READY);
		break;
	case SMTP_TRANSACTION_MISMATCH:
		smtp_client_broken(c, "a reply its command cannot have");
		break;
	case SMTP_TRANSACTION_STUCK:
		smtp_client_refused(c, r);
		break;
	}
}

void
smtp_client_on_envelope(struct smtp_client *c, const struct smtp_reply *r)
{
	proceed(c, smtp_transaction_reply(&c->transaction, r), r);
}

/* A server may refuse before it has heard all; what it would say next cannot
 * be told from an answer to the dot, so that is the end. */
void
smtp_client_on_body(struct smtp_client *c, const struct smtp_reply *r)
{
	if (smtp_reply_is_refusal(r)) {
		buf_clear(&c->out);
		smtp_client_refused(c, r);
	} else
		smtp_client_broken(c, "an answer before the end of data");
}

void
smtp_client_on_dot(struct smtp_client *c, const struct smtp_reply *r)
{
	struct smtp_outcome o;

	if (!smtp_reply_is_ok(r) && !smtp_reply_is_refusal(r)) {
		smtp_client_broken(c, "a reply to the final dot that is none");
		return;
	}
	smtp_outcome_init(&o);
	smtp_outcome_reply(&o, r);
	smtp_client_finish(c, &o);
	smtp_outcome_release(&o);
	c->transaction.open = false;
	smtp_client_enter(c, READY);
}

void
smtp_client_send(struct smtp_client *c, const struct smtp_message *m)
{
	enum smtp_transaction_state state;

	assert(smtp_client_is_ready(c));
	smtp_dialogue_begin(&c->dialogue);
	state = smtp_transaction_begin(
	    &c->transaction, m, &c->offers, c->security);
	if (state == SMTP_TRANSACTION_ASK) {
		smtp_client_enter(c, ENVELOPE);
		/* half of a reply is there already */
		if (smtp_reply_begun(&c->parse))
			state = SMTP_TRANSACTION_MISMATCH;
	}
	proceed(c, state, NULL);
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
	c->said += chunk.len;
	c->turn++;
}

void
smtp_client_say_body(struct smtp_client *c, const char *how)
{
	char line[80];

	snprintf(line, sizeof(line), "(%" PRIu64 " octets of message%s)",
	    c->said, how);
	smtp_dialogue_add(&c->dialogue, "C: ", str_of(line));
}

void
smtp_client_body_end(struct smtp_client *c)
{
	assert(smtp_client_wants_body(c));
	if (smtp_reply_begun(&c->parse)) {
		smtp_client_broken(c, "an answer before the end of data");
		return;
	}
	assert(!c->transaction.m.binary || c->left == 0);
	smtp_client_say_body(c, "");
	if (!c->transaction.m.binary) {
		smtp_body_end(&c->body, &c->out);
		smtp_dialogue_add(&c->dialogue, "C: ", STR("."));
	}
	smtp_client_enter(c, DOT);
}

const struct smtp_outcome *
smtp_client_outcome(const struct smtp_client *c, size_t i)
{
	return smtp_transaction_outcome(&c->transaction, i);
}
