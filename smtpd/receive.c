/* SPDX-License-Identifier: MIT */
#include "smtpd/receive.h"

#include <assert.h>
#include <stdlib.h>

#include "common/mime/addr.h"
#include "common/util/mem.h"
#include "smtpd/receive_state.h"

/* Recipients of one message after aliases were followed. */
#define TARGETS_MAX 10000

struct receive *
receive_new(struct smtpd *d, const struct receive_envelope *e)
{
	struct receive *r = MEM_NEW(struct receive);

	r->d = d;
	r->sender = mem_dup(e->sender);
	r->envelope_id = mem_dup(e->envelope_id);
	r->utf8 = e->utf8;
	r->eight_bit = e->eight_bit;
	r->binary = e->binary;
	r->require_tls = e->require_tls;
	r->ret = e->ret;
	r->hold_until_ms = e->hold_until_ms;
	r->announced = e->size;
	r->refusal = REPLY_OK;
	r->visit = e->visit;
	if (r->visit != NULL)
		r->judge = judge_new(d, r->visit, e->helo, e->sender);
	intake_init(&r->intake, d->conf->limits_header_size);
	buf_init(&r->head, d->conf->limits_header_size + 256 * KB);
	buf_init(&r->block, d->conf->limits_header_size + 64 * KB);
	return r;
}

void
receive_free(struct receive *r)
{
	if (r == NULL)
		return;
	judge_free(r->judge);
	if (r->sign != NULL)
		sign_cancel(r->sign);
	for (size_t i = 0; i < r->n_targets; i++) {
		free(r->targets[i].address);
		free(r->targets[i].original);
		free(r->targets[i].orcpt);
	}
	for (size_t i = 0; i < r->n_recipients; i++)
		free(r->recipients[i]);
	free(r->targets);
	free(r->recipients);
	free(r->mailboxes);
	stage_free(r->stage);
	body_hashes_free(r->hashes);
	intake_release(&r->intake);
	buf_release(&r->head);
	buf_release(&r->block);
	free(r->message_id);
	free(r->envelope_id);
	free(r->forwards_as);
	free(r->sender);
	free(r->helo);
	free(r->ip);
	free(r->tls);
	free(r->login);
	free(r);
}

struct str
receive_sender(const struct receive *r)
{
	return str_of(r->sender);
}

uint64_t
receive_announced(const struct receive *r)
{
	return r->announced;
}

struct judge *
receive_judge(const struct receive *r)
{
	return r->judge;
}

/* ---- recipients ---- */

static void
note_recipient(struct receive *r, struct str original)
{
	struct buf folded;

	buf_init(&folded, ADDR_MAX);
	if (!addr_fold(original, &folded))
		buf_add(&folded, original);
	r->recipients = mem_grow(
	    r->recipients, r->n_recipients + 1, sizeof(*r->recipients));
	r->recipients[r->n_recipients++] = buf_take(&folded);
}

/* Another server's mail for somebody here goes on to somebody elsewhere: in
 * the name of the domain that has it so. */
static void
note_forwarding(struct receive *r, const struct receive_recipient *recipient)
{
	struct str local, domain;
	struct buf folded;

	if (r->visit == NULL || r->forwards_as != NULL ||
	    !addr_split(recipient->original, &local, &domain))
		return;
	buf_init(&folded, ADDR_MAX);
	for (size_t i = 0; i < recipient->route->n; i++)
		if (recipient->route->targets[i].account == 0 &&
		    addr_domain_fold(domain, &folded)) {
			r->forwards_as = buf_take(&folded);
			break;
		}
	buf_release(&folded);
}

bool
receive_add_recipient(
    struct receive *r, const struct receive_recipient *recipient)
{
	const struct route *route = recipient->route;
	struct str original = recipient->original;

	if (route->n > TARGETS_MAX - r->n_targets)
		return false;
	r->targets = mem_grow(
	    r->targets, r->n_targets + route->n, sizeof(*r->targets));
	for (size_t i = 0; i < route->n; i++) {
		struct str address = str_of(route->targets[i].address);

		r->targets[r->n_targets++] = (struct receive_target){
		    .account = route->targets[i].account,
		    .address = mem_dup(address),
		    .original = str_eq_nocase(address, original)
		                    ? NULL
		                    : mem_dup(original),
		    .notify = recipient->notify,
		    .orcpt = recipient->orcpt.len > 0
		                 ? mem_dup(recipient->orcpt)
		                 : NULL,
		};
	}
	note_recipient(r, original);
	note_forwarding(r, recipient);
	return true;
}

/* ---- content ---- */

/* What leaves in our name is signed: its body is hashed as it passes. */
static void
begin_hashing(struct receive *r)
{
	bool sealed = r->forwards_as != NULL && !visit_is_exempt(r->visit);

	if (!r->d->conf->submission_sign || (r->login == NULL && !sealed))
		return;
	r->hashes = body_hashes_new();
	body_hashes_want(r->hashes, CANON_RELAXED, BODY_HASH_ALL, &r->hash);
}

void
receive_begin(struct receive *r, const struct receive_from *from)
{
	assert(r->stage == NULL && r->ip == NULL);
	r->helo = mem_dup(from->helo);
	r->ip = mem_dup(from->ip);
	r->tls = mem_dup(from->tls);
	r->extended = from->extended;
	r->account = from->account;
	if (from->login != NULL)
		r->login = mem_dup(str_of(from->login));
	r->stage = stage_new(store_dir(r->d->store));
	begin_hashing(r);
}

/* Look at the header, once; a message refused needs no stage any more. */
static void
look(struct receive *r)
{
	const struct conf *conf = r->d->conf;
	struct intake_law law = {
	    .max_fields = conf->limits_header_count,
	    .max_received = conf->limits_received,
	    .submission = r->login != NULL,
	};

	r->looked = true;
	r->refusal = intake_judge(&r->intake, &law, &r->why);
	if (r->refusal == REPLY_OK) {
		if (r->judge != NULL)
			judge_header(r->judge, buf_str(&r->intake.block));
		return;
	}
	intake_release(&r->intake);
	stage_free(r->stage);
	r->stage = NULL;
}

void
receive_body(struct receive *r, struct str text)
{
	assert(r->ip != NULL); /* begun */
	if (r->refusal != REPLY_OK)
		return;
	/* many user agents do not say BODY=8BITMIME (RFC 6152 s3) */
	r->eight_bit = r->eight_bit || str_has_8bit(text);
	intake_take(&r->intake, &text);
	if (!r->looked && (r->intake.complete || r->intake.too_long))
		look(r);
	if (r->stage == NULL || text.len == 0)
		return;
	stage_add(r->stage, text);
	if (r->judge != NULL)
		judge_body(r->judge, text);
	if (r->hashes != NULL)
		body_hashes_feed(r->hashes, text);
}

/* ---- the end of data ---- */

static void
on_judged(void *arg, const struct judge_result *result)
{
	struct receive *r = arg;

	if (!visit_is_exempt(r->visit))
		r->judged = result;
	if (result->judgement.action == JUDGE_ACCEPT ||
	    result->judgement.action == JUDGE_JUNK)
		receive_head(r);
	else
		receive_refuse_judged(r);
}

/* RFC 4865, though nobody asked: so that a person may think again.  A longer
 * HOLDFOR is longer. */
static void
hold_back(struct receive *r)
{
	int64_t until = r->now_ms + r->d->conf->submission_undo;

	if (r->login == NULL || r->d->conf->submission_undo == 0 ||
	    r->hold_until_ms >= until)
		return;
	r->hold_until_ms = until;
	r->undo = true;
}

void
receive_commit(struct receive *r, receive_done *done, void *arg)
{
	assert(r->ip != NULL && r->n_targets > 0);
	r->done = done;
	r->arg = arg;
	if (!r->looked) /* no empty line, so the header ends here */
		look(r);
	if (r->refusal != REPLY_OK) {
		receive_refuse(r, r->refusal, r->why.text);
		return;
	}
	r->now_ms = clock_wall_ms(r->d->clock);
	r->trace = hop_new_trace(&r->d->traces);
	trace_text(r->trace, r->id);
	hold_back(r);
	if (r->judge != NULL)
		judge_message(r->judge, on_judged, r);
	else
		receive_head(r);
}
