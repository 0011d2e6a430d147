/* SPDX-License-Identifier: MIT */
#include "maild/relay/bounce.h"

#include <assert.h>
#include <stdlib.h>

#include "common/mime/addr.h"
#include "common/mime/header.h"
#include "common/policy/canon.h"
#include "common/store/body.h"
#include "common/store/delivery.h"
#include "common/store/route.h"
#include "common/util/mem.h"
#include "maild/proto/smtp_envelope.h"

#define HEADER_MAX  (64 * KB)
#define RETURN_PATH STR("Return-Path: <>\r\n")
#define WHOLE_MAX   (10 * MB) /* RFC 3461 s6.2: of what is over it the header */
#define PIECE       (64 * KB)

void
bounce_init(struct bounce *b)
{
	buf_init(&b->header, 2 * HEADER_MAX);
	buf_init(&b->text, HEADER_MAX); /* limit set when it is composed */
	b->returned = NULL;
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
	body_free(b->returned);
	stage_free(b->stage);
	free(b->mailboxes);
	own_keys_release(b->keys);
	b->keys = NULL;
	bounce_init(b);
}

void
bounce_read(struct bounce *b, struct db *db)
{
	struct fail ignored = {0};
	struct body *body = body_open(db, b->body, &ignored);
	struct str block, rest;

	buf_clear(&b->header);
	body_free(b->returned);
	b->returned = NULL;
	if (body == NULL)
		return;
	/* skip is the Return-Path field, a few hundred octets */
	while (b->header.len < HEADER_MAX &&
	       body_read(
		   body, HEADER_MAX - b->header.len, &b->header, &ignored) == 1)
		;
	if (b->whole && body_size(body) <= WHOLE_MAX)
		b->returned = body_open(db, b->body, &ignored);
	body_free(body);
	buf_drop(&b->header,
	    b->skip < b->header.len ? (size_t)b->skip : b->header.len);
	header_split(buf_str(&b->header), &block, &rest);
	buf_cut(&b->header, block.len);
}

/* The report on its way into the stage, and past the hash of its body. */
struct writing {
	struct bounce *b;
	struct body_hashes *hashes;
	size_t hash;
	bool damaged; /* the message cannot be read to its end */
};

static void
add(const struct writing *w, struct str piece)
{
	stage_add(w->b->stage, piece);
	body_hashes_feed(w->hashes, piece);
}

static int
add_message(struct writing *w, struct fail *f)
{
	struct bounce *b = w->b;
	uint64_t skip = b->skip;
	struct buf piece;
	int more;

	buf_init(&piece, PIECE);
	do {
		size_t n;

		buf_clear(&piece);
		more = body_read(b->returned, PIECE, &piece, f);
		n = skip < piece.len ? (size_t)skip : piece.len;
		skip -= n;
		add(w, str_after(buf_str(&piece), n));
	} while (more == 1);
	buf_release(&piece);
	w->damaged = more == -1;
	return more;
}

/* The header of what stands in text, with its signatures and Return-Path, goes
 * on top of the rest. */
static int
seal(const struct writing *w, struct str block, struct fail *f)
{
	struct bounce *b = w->b;
	struct buf top;
	int rc;

	body_hashes_end(w->hashes);
	buf_init(&top, RETURN_PATH.len + OWN_SIGNATURES_ROOM * 4 + block.len);
	buf_add(&top, RETURN_PATH);
	own_keys_sign(b->keys, block, body_hashes_get(w->hashes, w->hash),
	    b->now_ms / 1000, &top);
	buf_add(&top, block);
	assert(!top.overrun);
	rc = stage_seal(b->stage, buf_str(&top), f);
	buf_release(&top);
	return rc;
}

/* 0; -1, and *damaged: not with the message. */
static int
write_report(
    struct bounce *b, const struct dsn *d, bool *damaged, struct fail *f)
{
	struct writing w = {.b = b, .hashes = body_hashes_new()};
	struct str block, body;
	int rc = 0;

	body_hashes_want(w.hashes, CANON_RELAXED, BODY_HASH_ALL, &w.hash);
	if (b->returned == NULL)
		dsn_compose(d, &b->text);
	else
		dsn_begin(d, &b->text);
	header_split(buf_str(&b->text), &block, &body);
	stage_add(b->stage, STR("\r\n")); /* between them */
	add(&w, body);
	if (b->returned != NULL) {
		size_t front = b->text.len;

		rc = add_message(&w, f);
		dsn_end(d, &b->text); /* text may move */
		add(&w, str_after(buf_str(&b->text), front));
		header_split(buf_str(&b->text), &block, &body);
	}
	assert(!b->text.overrun);
	if (rc == 0)
		rc = seal(&w, block, f);
	body_hashes_free(w.hashes);
	*damaged = w.damaged;
	return rc;
}

static int
compose(struct bounce *b, const char *store_dir, bool *damaged, struct fail *f)
{
	char trace[TRACE_TEXT_MAX];
	const struct dsn d = {
	    .host = b->hostname,
	    .to = b->sender,
	    .envelope_id = b->envelope_id,
	    .trace = str_of(trace_text(b->about, trace)),
	    .block = buf_str(&b->header),
	    .whole = b->returned != NULL,
	    .eight_bit = b->eight_bit,
	    .utf8 = b->utf8,
	    .arrived_s = b->arrived_ms / 1000,
	    .now_s = b->now_ms / 1000,
	    .random = b->random,
	    .recipients = b->recipients,
	    .n = b->n,
	    .others = b->others,
	};

	buf_release(&b->text);
	buf_init(&b->text, DSN_ROOM(b->n));
	stage_free(b->stage);
	b->stage = stage_new(store_dir);
	return write_report(b, &d, damaged, f);
}

int
bounce_prepare(struct bounce *b, const char *store_dir, struct fail *f)
{
	bool damaged;
	int rc = compose(b, store_dir, &damaged, f);

	if (rc == 0 || !damaged)
		return rc;
	body_free(b->returned); /* the news must not wait for it */
	b->returned = NULL;
	return compose(b, store_dir, &damaged, f);
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

/* Not that the message comes back. */
static bool
is_news(const struct bounce *b)
{
	return b->recipients[0].action != DSN_FAILED;
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
	    .kind = is_news(b) ? HOP_REPORTED : HOP_RETURNED,
	    .recipient = b->sender,
	    .detail = str_of(trace_text(b->trace, own)),
	};
	const struct delivery d = {
	    .trace = b->trace,
	    .stage = b->stage,
	    .skip = RETURN_PATH.len,
	    .message_id = message_id(b),
	    .utf8 = str_has_8bit(b->sender),
	    .eight_bit = b->returned != NULL && b->eight_bit,
	    .require_tls = b->require_tls,
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
