/* SPDX-License-Identifier: MIT */
#include "maild/bounce.h"

#include <assert.h>
#include <stdlib.h>

#include "common/mime/addr.h"
#include "common/mime/header.h"
#include "common/store/body.h"
#include "common/store/delivery.h"
#include "common/store/route.h"
#include "common/util/mem.h"
#include "maild/proto/smtp_envelope.h"

#define HEADER_MAX  (64 * KB)
#define RETURN_PATH STR("Return-Path: <>\r\n")

void
bounce_init(struct bounce *b)
{
	buf_init(&b->header, 2 * HEADER_MAX);
	buf_init(&b->text, HEADER_MAX); /* limit set when it is composed */
	b->stage = NULL;
	b->why = NULL;
	b->mailboxes = NULL;
	b->n_mailboxes = 0;
}

void
bounce_release(struct bounce *b)
{
	buf_release(&b->header);
	buf_release(&b->text);
	stage_free(b->stage);
	free(b->mailboxes);
	bounce_init(b);
}

void
bounce_read_header(struct bounce *b, struct db *db, int64_t id, uint64_t skip)
{
	struct fail ignored = {0};
	struct body *body = body_open(db, id, &ignored);
	struct str block, rest;

	buf_clear(&b->header);
	if (body == NULL)
		return;
	/* skip is the Return-Path field, a few hundred octets */
	while (b->header.len < HEADER_MAX &&
	       body_read(
		   body, HEADER_MAX - b->header.len, &b->header, &ignored) == 1)
		;
	body_free(body);
	buf_drop(
	    &b->header, skip < b->header.len ? (size_t)skip : b->header.len);
	header_split(buf_str(&b->header), &block, &rest);
	buf_cut(&b->header, block.len);
}

int
bounce_prepare(struct bounce *b, const char *store_dir, struct fail *f)
{
	const struct dsn d = {
	    .host = b->hostname,
	    .to = b->sender,
	    .block = buf_str(&b->header),
	    .arrived_s = b->arrived_ms / 1000,
	    .now_s = b->now_ms / 1000,
	    .random = b->random,
	    .recipients = b->recipients,
	    .n = b->n,
	};
	char trace[TRACE_TEXT_MAX];
	struct dsn with_trace = d;

	with_trace.trace = str_of(trace_text(b->about, trace));
	buf_release(&b->text);
	buf_init(&b->text, DSN_ROOM(b->n));
	dsn_compose(&with_trace, &b->text);
	assert(!b->text.overrun);
	stage_free(b->stage);
	b->stage = stage_new(store_dir);
	stage_add(b->stage, buf_str(&b->text));
	return stage_seal(b->stage, RETURN_PATH, f);
}

static const char *
why_not(const struct bounce *b, const struct route *r)
{
	struct str local, domain;
	struct buf folded;
	bool good;

	switch (r->result) {
	case ROUTE_UNKNOWN:
		return "the sender is unknown here";
	case ROUTE_FULL:
		return "the sender's mailbox is full";
	case ROUTE_LOOP:
		return "the sender's address is an alias of itself";
	case ROUTE_OK:
	case ROUTE_REMOTE:
		break;
	}
	if (r->result == ROUTE_OK && r->n > 0)
		return NULL;
	/* what delivery_run() would refuse for ever must not hold us up */
	buf_init(&folded, ADDR_MAX);
	good = smtp_envelope_is_address(b->sender) &&
	       addr_split(b->sender, &local, &domain) &&
	       (str_starts(domain, STR("[")) ||
		   addr_domain_fold(domain, &folded));
	buf_release(&folded);
	return good ? NULL : "the sender's address cannot be sent to";
}

static struct str
message_id(const struct bounce *b)
{
	struct header_field field;
	struct str block, rest;

	header_split(buf_str(&b->text), &block, &rest);
	return header_find(block, STR("Message-ID"), &field)
	           ? str_trim(field.value)
	           : (struct str){0};
}

/* Deliver along r, and write both journeys. */
static int
deliver(struct bounce *b, struct db *db, const struct route *r, struct fail *f)
{
	size_t n = r->result == ROUTE_OK ? r->n : 1;
	struct delivery_target *targets = mem_new(n, sizeof(*targets));
	char about[TRACE_TEXT_MAX], own[TRACE_TEXT_MAX];
	const struct hop composed = {
	    .trace = b->trace,
	    .at_ms = b->now_ms,
	    .daemon = HOP_MAILD,
	    .kind = HOP_COMPOSED,
	    .detail = str_of(trace_text(b->about, about)),
	};
	const struct hop returned = {
	    .trace = b->about,
	    .at_ms = b->now_ms,
	    .daemon = HOP_MAILD,
	    .kind = HOP_RETURNED,
	    .recipient = b->sender,
	    .detail = str_of(trace_text(b->trace, own)),
	};
	const struct delivery d = {
	    .trace = b->trace,
	    .stage = b->stage,
	    .skip = RETURN_PATH.len,
	    .message_id = message_id(b),
	    .utf8 = str_has_8bit(b->sender),
	    .now_ms = b->now_ms,
	    .expires_ms = b->expires_ms,
	    .daemon = HOP_MAILD,
	    .targets = targets,
	    .n_targets = n,
	    .hops = &composed,
	    .n_hops = 1,
	};
	int rc;

	for (size_t i = 0; i < n; i++)
		targets[i] =
		    r->result == ROUTE_OK
			? (struct delivery_target){.account = r->targets[i]
		                                                  .account,
			      .address = str_of(r->targets[i].address),
			      .original = b->sender}
			: (struct delivery_target){.address = b->sender};
	b->mailboxes = mem_grow(b->mailboxes, n, sizeof(*b->mailboxes));
	rc = delivery_run(db, &d, b->mailboxes, &b->n_mailboxes, f);
	free(targets);
	return rc == -1 ? -1 : hop_write(db, &returned, f);
}

int
bounce_deliver(struct bounce *b, struct db *db, struct fail *f)
{
	const struct route_options o = {
	    .postmaster = b->postmaster,
	    .size = stage_size(b->stage),
	};
	struct route r = {0};
	int rc = 0;

	assert(b->sender.len > 0);
	if (route_find(db, b->sender, &o, &r, f) == -1)
		return -1;
	b->why = why_not(b, &r);
	b->n_mailboxes = 0;
	if (b->why == NULL)
		rc = deliver(b, db, &r, f);
	route_release(&r);
	return rc;
}
