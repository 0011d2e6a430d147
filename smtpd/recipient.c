/* SPDX-License-Identifier: MIT */
#include "smtpd/recipient.h"

#include <stdlib.h>

#include "common/mime/addr.h"
#include "common/policy/srs.h"
#include "common/store/account.h"
#include "common/store/route_cache.h"
#include "common/store/srs_secret.h"
#include "common/util/mem.h"

#define STEPS_BACK 3

struct question {
	struct store_job job; /* first: done() casts back */
	struct smtpd *d;
	char *address; /* as RCPT said it, without route and brackets */
	bool may_relay, null_sender, literal;
	bool returns;  /* it leads back to a sender whose mail we forwarded */
	uint64_t mark; /* to remember the route under */
	struct route_options options;
	int64_t now_ms;
	struct route route;
	recipient_judged *fn;
	void *arg;
};

static void
question_free(struct question *q)
{
	route_release(&q->route);
	free(q->address);
	free(q);
}

/* One step back: 1 and where the address leads, 0 it is none of ours, -1. */
static int
step_back(struct db *db, struct question *q,
    const uint8_t secret[SRS_SECRET_OCTETS], struct buf *address,
    struct fail *f)
{
	struct buf before;
	enum srs_result result;

	buf_init(&before, ADDR_MAX);
	result = srs_reverse(
	    secret, buf_str(address), q->now_ms / 1000, &before);
	if (before.overrun)
		result = SRS_BAD;
	buf_clear(address);
	buf_add(address, buf_str(&before));
	buf_release(&before);
	if (result == SRS_OTHER)
		return 0;
	route_release(&q->route);
	q->route = (struct route){.result = ROUTE_UNKNOWN};
	if (result == SRS_BAD)
		return 0;
	if (route_find(db, buf_str(address), &q->options, &q->route, f) == -1)
		return -1;
	q->returns = q->route.result == ROUTE_REMOTE;
	return 1;
}

/* A bounce of what we forwarded (policy/srs.h) goes on to who sent it, and
 * nothing else does: only we know how to write such an address.  What was in a
 * loop leads back to us more than once. */
static int
look_back(struct db *db, struct question *q, struct fail *f)
{
	uint8_t secret[SRS_SECRET_OCTETS] = {0};
	int got = srs_secret_get(db, secret, f);
	struct buf address;

	buf_init(&address, ADDR_MAX);
	buf_addf(&address, "%s", q->address);
	for (int i = 0; got == 1 && i < STEPS_BACK && !q->returns; i++)
		got = step_back(db, q, secret, &address, f);
	buf_release(&address);
	return got == -1 ? -1 : 0;
}

static int
look(struct db *db, struct store_job *job, struct fail *f)
{
	struct question *q = (struct question *)job;
	int rc = route_find(db, str_of(q->address), &q->options, &q->route, f);

	/* such a name may have an account of its own, or a catch-all */
	if (rc == -1 || q->route.result == ROUTE_REMOTE || !q->null_sender)
		return rc;
	return look_back(db, q, f);
}

/* For tests: make the account that mail has arrived for. */
static int
add_and_look(struct db *db, struct store_job *job, struct fail *f)
{
	struct question *q = (struct question *)job;
	struct account twin;
	struct buf login;
	int64_t id;
	int rc;

	buf_init(&login, ADDR_MAX);
	addr_fold(str_of(q->address), &login);
	route_release(&q->route);
	rc = account_find(db, buf_str(&login), &twin, f);
	if (rc == 0) /* none was made since we looked */
		rc = account_add(db, buf_str(&login), 0, q->now_ms, &id, f);
	buf_release(&login);
	return rc == -1 ? -1 : look(db, job, f);
}

static enum smtp_reply
reply_for(const struct question *q)
{
	switch (q->route.result) {
	case ROUTE_OK:
		return REPLY_RECIPIENT_OK;
	case ROUTE_UNKNOWN:
		return REPLY_NO_SUCH_USER;
	case ROUTE_FULL:
		return REPLY_MAILBOX_FULL;
	case ROUTE_LOOP:
		return REPLY_ALIAS_LOOP;
	case ROUTE_REMOTE:
		if (!q->may_relay && !q->returns)
			return REPLY_NO_RELAY;
		/* an address literal leads past every MX, and inside */
		return q->literal ? REPLY_NO_LITERAL : REPLY_RECIPIENT_OK;
	}
	return REPLY_TRY_LATER;
}

static void
answer(struct question *q, enum smtp_reply r)
{
	q->fn(q->arg, r, &q->route, str_of(q->address));
	question_free(q);
}

static void
looked(struct store_job *job)
{
	struct question *q = (struct question *)job;

	if (job->rc == -1) {
		log_error(&q->d->log, "recipient: %s", job->fail.text);
		answer(q, REPLY_TRY_LATER);
	} else {
		if (!q->null_sender)
			route_cache_put(q->d->routes, str_of(q->address),
			    &q->route, loop_now_ms(q->d->loop), q->mark);
		answer(q, reply_for(q));
	}
}

/* Names that somebody could want to have: no %, !, / or blank in them. */
static bool
is_plain(struct str address)
{
	for (size_t i = 0; i < address.len; i++) {
		char c = address.at[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') &&
		    !(c >= '0' && c <= '9') && c != '.' && c != '-' &&
		    c != '_' && c != '+' && c != '@')
			return false;
	}
	return address.len > 0;
}

static void
looked_first(struct store_job *job)
{
	struct question *q = (struct question *)job;

	if (job->rc == -1 || q->route.result != ROUTE_UNKNOWN ||
	    !is_plain(str_of(q->address))) {
		looked(job);
		return;
	}
	job->run = add_and_look;
	job->done = looked;
	job->weight = KB;
	store_write(q->d->store, job);
}

/* What led somewhere a moment ago, does so now, if what is announced would not
 * fill what room there was. */
static const struct route *
remember(struct smtpd *d, const struct recipient_question *ask, uint64_t *mark)
{
	const struct route *route;

	if (ask->null_sender) /* look_back() */
		return NULL;
	route = route_cache_find(
	    d->routes, ask->path->spec, loop_now_ms(d->loop), mark);
	return route != NULL && ask->size <= route->room / 2 ? route : NULL;
}

void
recipient_judge(struct smtpd *d, const struct recipient_question *ask,
    recipient_judged *fn, void *arg)
{
	uint64_t mark = 0;
	const struct route *known = remember(d, ask, &mark);
	struct question *q;

	if (known != NULL) {
		fn(arg, REPLY_RECIPIENT_OK, known, ask->path->spec);
		return;
	}
	q = MEM_NEW(struct question);
	q->job.run = look;
	q->job.done = d->conf->test_accept_any ? looked_first : looked;
	q->d = d;
	q->address = mem_dup(ask->path->spec);
	q->literal = ask->path->literal;
	q->may_relay = ask->may_relay;
	q->null_sender = ask->null_sender;
	q->mark = mark;
	q->options.postmaster = str_of(d->conf->server_postmaster);
	q->options.size = ask->size;
	q->now_ms = clock_wall_ms(d->clock);
	q->fn = fn;
	q->arg = arg;
	store_read(d->store, &q->job);
}
