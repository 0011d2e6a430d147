/* SPDX-License-Identifier: MIT */
#include "maild/relay/relay_batch.h"

#include <assert.h>
#include <stdlib.h>

#include "common/mime/addr.h"
#include "common/mime/header.h"
#include "common/util/mem.h"

#define AT_A_TIME (16 * KB)

/* The recipient as sent: with our A-label if only the domain is not ASCII,
 * for servers without SMTPUTF8 (RFC 6531 s3.2). */
static char *
address_to_send(const struct queue_entry *e)
{
	struct str local, domain;
	struct buf out;
	char *text;

	if (!addr_split(str_of(e->address), &local, &domain) ||
	    str_has_8bit(local) || !str_has_8bit(domain))
		return mem_dup(str_of(e->address));
	buf_init(&out, 2 * ADDR_MAX);
	buf_addf(&out, "%.*s@%s", STR_FMT(local), e->domain);
	text = buf_take(&out);
	buf_release(&out);
	return text;
}

/* Does the header need SMTPUTF8?  User agents ask for it whenever it is
 * offered, so we look. */
static bool
needs_utf8(const struct relay_batch *b)
{
	struct str block, rest;

	if (!b->items[0]->e.utf8)
		return false;
	header_split(relay_body_piece(b->body), &block, &rest);
	return str_has_8bit(block);
}

static const char unreadable[] = "our own copy could not be read";

static void
log_unreadable(const struct relay_batch *b)
{
	const char *why = relay_body_failure(b->body);

	log_error(b->d->relay->d.log, "relay %s: %s", b->d->domain,
	    why != NULL ? why : "the body has another size than its row says");
}

static void
forget_addresses(struct relay_batch *b)
{
	for (size_t i = 0; i < b->n_addresses; i++)
		free(b->addresses[i]);
	b->n_addresses = 0;
}

void
relay_batch_init(struct relay_batch *b, struct destination *d)
{
	*b = (struct relay_batch){.d = d};
}

bool
relay_batch_take(struct relay_batch *b)
{
	assert(b->n == 0);
	if (b->d->local)
		return false; /* it goes nowhere else any more */
	b->n = b->waived
	           ? destination_take_waived(
			 b->d, b->items, SMTP_RECIPIENTS_MAX)
	           : destination_take(b->d, b->items, SMTP_RECIPIENTS_MAX);
	return b->n > 0;
}

void
relay_batch_open(struct relay_batch *b, relay_body_ready *ready, void *arg)
{
	const struct queue_entry *e;
	int recipients[SMTP_RECIPIENTS_MAX];
	struct relay_body_of of;

	assert(b->n > 0 && b->body == NULL && !b->sending);
	for (size_t i = 0; i < b->n; i++)
		recipients[i] = b->items[i]->e.n;
	e = &b->items[0]->e;
	of = (struct relay_body_of){.body = e->body,
	    .skip = e->skip,
	    .trace = e->trace,
	    .domain = str_of(b->d->domain),
	    .recipients = recipients,
	    .n = b->n};
	b->body = relay_body_new(&b->d->relay->d, &of, ready, arg);
}

/* Whom a person has taken it back from meanwhile is not sent it, and nobody
 * whose domain became ours.  True if nobody is left. */
static bool
withdraw(struct relay_batch *b)
{
	size_t kept = 0;

	if (b->confirmed)
		return false;
	b->confirmed = true;
	if (relay_body_is_ours(b->body)) {
		destination_is_ours(b->d);
		relay_batch_release(b);
		return true;
	}
	for (size_t i = 0; i < b->n; i++)
		if (relay_body_is_for(b->body, i))
			b->items[kept++] = b->items[i];
		else
			destination_withdraw(b->d, b->items[i]);
	b->n = kept;
	if (kept == 0)
		relay_batch_close(b);
	return kept == 0;
}

bool
relay_batch_can_send(struct relay_batch *b)
{
	const struct attempt nobody = {0};
	struct smtp_outcome o;

	if (b->body == NULL || b->sending)
		return false;
	if (relay_body_failure(b->body) == NULL &&
	    relay_body_piece(b->body).len == 0 && !relay_body_at_end(b->body))
		return false;
	if (withdraw(b))
		return false;
	if (relay_body_failure(b->body) == NULL)
		return true;
	log_unreadable(b);
	smtp_outcome_init(&o);
	smtp_outcome_say(&o, SMTP_TEMP, "4.3.0", "%s", unreadable);
	relay_batch_settle(b, &o, &nobody);
	smtp_outcome_release(&o);
	return false;
}

void
relay_batch_send(struct relay_batch *b, struct smtp_client *c)
{
	const struct queue_entry *e = &b->items[0]->e;
	struct smtp_message m = {
	    .sender = str_of(e->sender),
	    .recipients = b->to,
	    .wishes = b->wishes,
	    .n = b->n,
	    .size = e->size > e->skip ? e->size - e->skip : 0,
	    .utf8 = needs_utf8(b),
	    .eight_bit = e->eight_bit,
	    .binary = e->binary,
	    .requiretls = e->require_tls,
	    .envelope_id = str_of(e->envelope_id),
	    .ret = (enum dsn_ret)e->ret,
	};

	assert(relay_batch_can_send(b));
	for (size_t i = 0; i < b->n; i++) {
		b->addresses[i] = address_to_send(&b->items[i]->e);
		b->to[i] = str_of(b->addresses[i]);
		b->wishes[i] = (struct smtp_wish){b->items[i]->e.notify,
		    str_of(b->items[i]->e.original_recipient)};
	}
	b->n_addresses = b->n;
	b->left = m.size;
	b->sending = true;
	smtp_client_send(c, &m);
}

bool
relay_batch_feed(struct relay_batch *b, struct smtp_client *c)
{
	struct str piece = relay_body_piece(b->body);

	if (piece.len > 0 && piece.len <= b->left) {
		piece = str_first(piece, AT_A_TIME);
		b->left -= piece.len;
		smtp_client_body(c, piece);
		relay_body_drop(b->body, piece.len);
		return true;
	}
	/* BDAT has told how long it is */
	if (relay_body_failure(b->body) != NULL || piece.len > 0 ||
	    (relay_body_at_end(b->body) && b->left > 0)) {
		log_unreadable(b);
		b->unreadable = true;
		smtp_client_lost(c, unreadable);
		return true;
	}
	if (relay_body_at_end(b->body)) {
		smtp_client_body_end(c);
		return true;
	}
	relay_body_more(b->body);
	return false;
}

bool
relay_batch_judged(
    struct relay_batch *b, const struct smtp_client *c, const struct attempt *a)
{
	struct item *items[SMTP_RECIPIENTS_MAX];
	const struct smtp_outcome *outcomes[SMTP_RECIPIENTS_MAX];
	size_t n = 0, kept = 0;

	assert(b->sending);
	for (size_t i = 0; i < b->n; i++) {
		const struct smtp_outcome *o = smtp_client_outcome(c, i);

		if (o->again) {
			destination_put_back(b->d, b->items[i]);
		} else if (o->elsewhere && !b->unreadable) {
			b->items[kept++] = b->items[i];
		} else {
			outcomes[n] = o;
			items[n++] = b->items[i];
		}
	}
	b->n = kept;
	if (n > 0)
		destination_settle(b->d, items, outcomes, n, a);
	relay_batch_close(b);
	return n > 0;
}

void
relay_batch_close(struct relay_batch *b)
{
	relay_body_free(b->body);
	b->body = NULL;
	b->sending = b->unreadable = b->confirmed = false;
	forget_addresses(b);
}

void
relay_batch_settle(struct relay_batch *b, const struct smtp_outcome *o,
    const struct attempt *a)
{
	const struct smtp_outcome *all[SMTP_RECIPIENTS_MAX];

	relay_batch_close(b);
	for (size_t i = 0; i < b->n; i++)
		all[i] = o;
	if (b->n > 0)
		destination_settle(b->d, b->items, all, b->n, a);
	b->n = 0;
}

void
relay_batch_release(struct relay_batch *b)
{
	relay_batch_close(b);
	for (size_t i = 0; i < b->n; i++)
		destination_put_back(b->d, b->items[i]);
	b->n = 0;
}
