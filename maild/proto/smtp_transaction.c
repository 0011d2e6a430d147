/* SPDX-License-Identifier: MIT */
#include "maild/proto/smtp_transaction.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "common/util/mem.h"
#include "maild/proto/smtp_envelope.h"

enum step {
	RSET,
	MAIL,
	RCPT,
	DATA,
};

struct smtp_recipient {
	struct smtp_outcome outcome;
	bool decided; /* outcome is final */
	bool taken;   /* RCPT was answered 25x */
};

static size_t
n_steps(const struct smtp_transaction *t)
{
	return (t->reset ? 1 : 0) + 1 + t->n_order + (t->m.binary ? 0 : 1);
}

/* Which command the k-th is, and for RCPT of which recipient. */
static enum step
step_at(const struct smtp_transaction *t, size_t k, size_t *recipient)
{
	if (t->reset && k-- == 0)
		return RSET;
	if (k-- == 0)
		return MAIL;
	if (k >= t->n_order)
		return DATA;
	*recipient = t->order[k];
	return RCPT;
}

static bool
anyone_taken(const struct smtp_transaction *t)
{
	for (size_t i = 0; i < t->m.n; i++)
		if (t->recipients[i].taken)
			return true;
	return false;
}

static void
decide_rest(struct smtp_transaction *t, const struct smtp_outcome *o)
{
	for (size_t i = 0; i < t->m.n; i++) {
		struct smtp_recipient *to = &t->recipients[i];

		if (to->decided)
			continue;
		smtp_outcome_copy(&to->outcome, o);
		to->decided = true;
	}
}

static void
decide_rest_by(struct smtp_transaction *t, const struct smtp_reply *r)
{
	struct smtp_outcome o;

	smtp_outcome_init(&o);
	smtp_outcome_reply(&o, r);
	decide_rest(t, &o);
	smtp_outcome_release(&o);
}

static void
forget_recipients(struct smtp_transaction *t)
{
	for (size_t i = 0; i < t->m.n; i++)
		smtp_outcome_release(&t->recipients[i].outcome);
	free(t->recipients);
	t->recipients = NULL;
	t->m.n = 0;
}

/* RFC 8689 s4.2.1, for <> s5.  Another host may be better. */
static bool
is_unsafe(const struct smtp_transaction *t, struct smtp_outcome *why)
{
	bool report = t->m.sender.len == 0;

	if (!t->m.requiretls)
		return false;
	if (t->security == SMTP_CLEAR)
		smtp_outcome_say(why, SMTP_PERM, "5.7.10",
		    "the message must be sent under TLS, which the other "
		    "server does not do");
	else if (!report && t->security == SMTP_GUESSED)
		smtp_outcome_say(why, SMTP_PERM, "5.7.10",
		    "the message must be sent to a server whose name is known "
		    "by DNSSEC or MTA-STS, which the other one's is not");
	else if (!report && t->security != SMTP_VERIFIED)
		smtp_outcome_say(why, SMTP_PERM, "5.7.10",
		    "the message must be sent under TLS to a server with a "
		    "valid certificate, which the other one has not");
	else if (!report && !t->offers.requiretls)
		smtp_outcome_say(why, SMTP_PERM, "5.7.30",
		    "the message needs REQUIRETLS, which the other server does "
		    "not offer");
	else
		return false;
	why->elsewhere = true;
	return true;
}

/* Why recipient i cannot even be asked for.  False if it can. */
static bool
is_hopeless(
    const struct smtp_transaction *t, size_t i, struct smtp_outcome *why)
{
	struct str from = t->m.sender, to = t->m.recipients[i];
	bool utf8 = t->m.utf8 || str_has_8bit(from) || str_has_8bit(to);

	if (from.len > 0 && !smtp_envelope_is_address(from))
		smtp_outcome_say(why, SMTP_PERM, "5.1.7",
		    "the sender's address cannot be sent");
	else if (!smtp_envelope_is_address(to))
		smtp_outcome_say(
		    why, SMTP_PERM, "5.1.3", "the address cannot be sent");
	else if (is_unsafe(t, why))
		return true;
	else if (t->m.binary && !(t->offers.chunking && t->offers.binary))
		smtp_outcome_say(why, SMTP_PERM, "5.6.3",
		    "the message is binary, which the other server does not "
		    "take, and is not converted"); /* RFC 3030 s3 */
	else if (utf8 && !t->offers.utf8)
		smtp_outcome_say(why, SMTP_PERM, "5.6.7",
		    "the message needs SMTPUTF8, which the other server does "
		    "not offer"); /* RFC 6531 s3.5 */
	else if (t->offers.size > 0 && t->m.size > t->offers.size)
		smtp_outcome_say(why, SMTP_PERM, "5.3.4",
		    "the message has %" PRIu64
		    " octets, the other server takes %" PRIu64,
		    t->m.size, t->offers.size);
	else
		return false;
	return true;
}

static void
write_step(struct smtp_transaction *t, size_t k, struct buf *out)
{
	const struct smtp_wish none = {0}, *wish = &none;
	bool dsn = t->offers.dsn;
	const struct smtp_envelope_params params = {
	    .size = t->offers.size > 0,
	    .eight_bit = t->offers.eight_bit && (t->m.eight_bit || t->utf8),
	    .binary = t->m.binary,
	    .utf8 = t->utf8,
	    .requiretls = t->m.requiretls && t->offers.requiretls &&
	                  t->security == SMTP_VERIFIED,
	    .octets = t->m.size,
	    .ret = dsn ? t->m.ret : DSN_RET_UNSAID,
	    .envelope_id = dsn ? t->m.envelope_id : STR(""),
	};
	size_t i;

	switch (step_at(t, k, &i)) {
	case RSET:
		buf_add(out, STR("RSET\r\n"));
		break;
	case MAIL:
		smtp_envelope_mail(out, t->m.sender, &params);
		break;
	case RCPT:
		/* RFC 3461 s5.2.1, s5.2.2 (a) */
		if (dsn && t->m.wishes != NULL)
			wish = &t->m.wishes[i];
		smtp_envelope_rcpt(
		    out, t->m.recipients[i], wish->notify, wish->original);
		break;
	case DATA:
		buf_add(out, STR("DATA\r\n"));
		break;
	}
}

static enum smtp_transaction_state
on_rset(struct smtp_transaction *t, const struct smtp_reply *r)
{
	t->open = false;
	return smtp_reply_is_refusal(r) ? SMTP_TRANSACTION_STUCK
	                                : SMTP_TRANSACTION_ASK;
}

/* "Too many" on a connection that has carried messages: some servers limit what
 * one session may send, and a new one may send more (RFC 5321 s4.5.3.1.10). */
static bool
is_spent(const struct smtp_transaction *t, const struct smtp_reply *r)
{
	return t->used && r->code / 100 == 4 &&
	       (r->enhanced[0] == '\0'
		       ? r->code == 452
		       : str_eq(str_of(r->enhanced + 1), STR(".5.3")));
}

static enum smtp_transaction_state
on_mail(struct smtp_transaction *t, const struct smtp_reply *r)
{
	if (is_spent(t, r))
		return SMTP_TRANSACTION_STUCK;
	t->open = smtp_reply_is_ok(r);
	t->refused = !smtp_reply_is_ok(r);
	if (t->refused)
		decide_rest_by(t, r);
	return SMTP_TRANSACTION_ASK;
}

static void
on_rcpt(struct smtp_transaction *t, const struct smtp_reply *r, size_t i)
{
	struct smtp_recipient *to = &t->recipients[i];
	/* RFC 5321 s4.5.3.1.10: too many recipients, 552 by old servers */
	bool many = (r->code == 452 || r->code == 552) &&
	            (r->enhanced[0] == '\0' ||
			str_eq(str_of(r->enhanced + 1), STR(".5.3")));

	if (t->refused)
		return; /* MAIL was; this had been sent with it */
	if (smtp_reply_is_ok(r)) {
		to->taken = true;
		return;
	}
	smtp_outcome_reply(&to->outcome, r);
	to->outcome.asked = true;
	to->decided = true;
	if (many) {
		to->outcome.result = SMTP_TEMP;
		to->outcome.enhanced[0] = '4';
		to->outcome.again = anyone_taken(t);
	}
}

static enum smtp_transaction_state
on_data(struct smtp_transaction *t, const struct smtp_reply *r)
{
	if (r->code != 354) {
		decide_rest_by(t, r);
		return SMTP_TRANSACTION_ASK;
	}
	/* RFC 2920 s3.1: when DATA went along with the rest and was taken,
	 * although nobody was, an empty message gets us out */
	return anyone_taken(t) ? SMTP_TRANSACTION_BODY : SMTP_TRANSACTION_DOT;
}

/* All steps that will be are answered, and there was no 354. */
static bool
is_over(const struct smtp_transaction *t)
{
	size_t i;

	if (t->answered == n_steps(t))
		return true;
	if (t->offers.pipelining)
		return false; /* all was sent: all will be answered */
	return t->refused ||
	       (step_at(t, t->answered, &i) == DATA && !anyone_taken(t));
}

void
smtp_transaction_init(struct smtp_transaction *t)
{
	*t = (struct smtp_transaction){0};
}

void
smtp_transaction_release(struct smtp_transaction *t)
{
	forget_recipients(t);
	smtp_transaction_init(t);
}

enum smtp_transaction_state
smtp_transaction_begin(struct smtp_transaction *t, const struct smtp_message *m,
    const struct smtp_ehlo *offers, enum smtp_security security)
{
	bool open = t->open, used = t->recipients != NULL;

	assert(!t->under_way);
	assert(m->n > 0 && m->n <= SMTP_RECIPIENTS_MAX);
	forget_recipients(t);
	*t = (struct smtp_transaction){
	    .m = *m,
	    .recipients = mem_new(m->n, sizeof(*t->recipients)),
	    .offers = *offers,
	    .security = security,
	    .under_way = true,
	    .open = open,
	    .used = used,
	    .reset = open,
	    .utf8 = m->utf8 || str_has_8bit(m->sender),
	};
	for (size_t i = 0; i < m->n; i++) {
		struct smtp_recipient *to = &t->recipients[i];

		smtp_outcome_init(&to->outcome);
		to->decided = is_hopeless(t, i, &to->outcome);
		if (to->decided)
			continue;
		t->order[t->n_order++] = i;
		t->utf8 |= str_has_8bit(m->recipients[i]);
	}
	if (t->n_order > 0)
		return SMTP_TRANSACTION_ASK;
	t->under_way = false;
	return SMTP_TRANSACTION_END;
}

void
smtp_transaction_ask(struct smtp_transaction *t, struct buf *out)
{
	while (t->asked < n_steps(t) &&
	       (t->offers.pipelining || t->asked == t->answered))
		write_step(t, t->asked++, out);
	assert(!out->overrun);
}

enum smtp_transaction_state
smtp_transaction_reply(struct smtp_transaction *t, const struct smtp_reply *r)
{
	size_t i = 0;
	enum step step = step_at(t, t->answered, &i);
	enum smtp_transaction_state next = SMTP_TRANSACTION_ASK;

	assert(t->under_way && t->answered < t->asked);
	if (!smtp_reply_is_refusal(r) &&
	    (step == DATA ? r->code != 354 : !smtp_reply_is_ok(r)))
		return SMTP_TRANSACTION_MISMATCH;
	t->answered++;
	switch (step) {
	case RSET:
		next = on_rset(t, r);
		break;
	case MAIL:
		next = on_mail(t, r);
		break;
	case RCPT:
		on_rcpt(t, r, i);
		break;
	case DATA:
		next = on_data(t, r);
		break;
	}
	if (next != SMTP_TRANSACTION_ASK || !is_over(t))
		return next;
	if (t->m.binary && anyone_taken(t))
		return SMTP_TRANSACTION_BODY;
	t->under_way = false;
	return SMTP_TRANSACTION_END;
}

void
smtp_transaction_end(struct smtp_transaction *t, const struct smtp_outcome *o)
{
	if (!t->under_way)
		return;
	decide_rest(t, o);
	t->under_way = false;
}

const struct smtp_outcome *
smtp_transaction_outcome(const struct smtp_transaction *t, size_t i)
{
	assert(i < t->m.n && t->recipients[i].decided);
	return &t->recipients[i].outcome;
}

const char *
smtp_transaction_phase(const struct smtp_transaction *t)
{
	static const char *const names[] = {
	    [RSET] = "the reply to RSET",
	    [MAIL] = "the reply to MAIL FROM",
	    [RCPT] = "the reply to RCPT TO",
	    [DATA] = "the reply to DATA",
	};
	size_t i;

	return names[step_at(t, t->answered, &i)];
}

bool
smtp_transaction_is_at_data(const struct smtp_transaction *t)
{
	size_t i;

	return !t->m.binary && step_at(t, t->answered, &i) == DATA;
}
