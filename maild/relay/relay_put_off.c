/* SPDX-License-Identifier: MIT */
#include "maild/relay/relay_put_off.h"

#include <stdlib.h>

#include "common/mime/dsn.h"
#include "common/store/attempt.h"
#include "common/store/suppression.h"
#include "common/util/mem.h"
#include "common/util/rand.h"
#include "maild/relay/relay_count.h"
#include "maild/relay/relay_retry.h"

#define AT_ONCE        500
#define AGAIN_FIRST_MS 500
#define AGAIN_MOST_MS  30000

struct relay_put_off {
	struct store_job job; /* first member */
	struct relay_deps deps;
	relay_put_off_done *done; /* NULL when disowned */
	void *arg;
	bool submitted; /* the job is with the store */
	struct timer *again;
	int64_t wait_ms;

	struct queue_put_off what, before; /* before: this transaction */
	struct attempt_row attempt;
	char *domain, *reply, *host, *detail, *dialogue;
	struct queue_key *except;
	struct relay_reason why;
	struct relay_retry schedule;
	struct suppression_law law;
	bool named, spares, any_suppressed, more;
	int64_t notice_ms;
};

bool
relay_put_off_is_late(
    const struct queue_due_row *r, int64_t now_ms, int64_t notice_ms)
{
	return !r->told && (r->ours || r->notify != 0) && !r->nameless &&
	       dsn_wanted(r->notify, DSN_NOTIFY_DELAY) &&
	       now_ms - r->since_ms >= notice_ms;
}

/* ---- on the store's thread ---- */

static int64_t
next_attempt(
    void *arg, struct db *db, const struct queue_due_row *r, struct fail *f)
{
	const struct relay_put_off *p = arg;
	int64_t now_ms = p->what.now_ms;

	if (now_ms >= r->expires_ms || (p->spares && r->tls_optional) ||
	    relay_put_off_is_late(r, now_ms, p->notice_ms))
		return 0;
	if (p->any_suppressed) {
		int got = suppression_find(
		    db, &p->law, r->address, now_ms, NULL, f);

		if (got != 0)
			return got == -1 ? -1 : 0;
	}
	return relay_retry_at(
	    &p->schedule, &p->why, r->tries, now_ms, r->expires_ms, rand_u64());
}

static int
run(struct db *db, struct store_job *job, struct fail *f)
{
	struct relay_put_off *p = (struct relay_put_off *)job;
	int got = 0;

	p->what = p->before; /* it may have been rolled back */
	if (!p->named)
		got = suppression_any(db, f);
	if (got == -1)
		return -1;
	p->any_suppressed = got == 1;
	got = queue_put_off(db, &p->what, AT_ONCE, f);
	p->more = got == 1;
	return got == -1 ? -1 : 0;
}

/* ---- on the loop ---- */

static void
destroy(struct relay_put_off *p)
{
	free(p->domain);
	free(p->reply);
	free(p->host);
	free(p->detail);
	free(p->dialogue);
	free(p->except);
	timer_free(p->again);
	free(p);
}

static void
submit(void *arg)
{
	struct relay_put_off *p = arg;

	p->before.now_ms = clock_wall_ms(p->deps.clock);
	p->submitted = true;
	store_write(p->deps.store, &p->job);
}

static void
try_again(struct relay_put_off *p)
{
	log_error(p->deps.log, "relay %s not recorded yet, trying again: %s",
	    p->domain, p->job.fail.text);
	p->wait_ms = p->wait_ms == 0 ? AGAIN_FIRST_MS : 2 * p->wait_ms;
	if (p->wait_ms > AGAIN_MOST_MS)
		p->wait_ms = AGAIN_MOST_MS;
	timer_set(p->again, p->wait_ms);
}

static void
on_written(struct store_job *job)
{
	struct relay_put_off *p = (struct relay_put_off *)job;
	size_t n = p->what.put_off - p->before.put_off;

	p->submitted = false;
	if (job->rc == 0) {
		relay_count_many(&p->deps, METRIC_DEFERRED, n);
		if (p->deps.waiting != NULL && n > 0)
			p->deps.waiting(p->deps.waiting_arg);
		p->before = p->what;
		p->wait_ms = 0;
	}
	if (p->done != NULL && job->rc == -1) {
		try_again(p);
	} else if (p->done != NULL && p->more) {
		submit(p);
	} else {
		if (p->done != NULL)
			p->done(p->arg, p->what.put_off, p->what.left);
		destroy(p);
	}
}

static void
copy(struct relay_put_off *p, const struct relay_put_off_of *of)
{
	p->domain = mem_dup(of->domain);
	p->reply = mem_dup(buf_str(&of->outcome->text));
	p->host = mem_dup(of->host);
	p->detail = mem_dup(of->detail);
	p->dialogue = mem_dup(of->dialogue);
	p->except = mem_new(of->n_except + 1, sizeof(*p->except));
	for (size_t i = 0; i < of->n_except; i++)
		p->except[i] = of->except[i];
	p->attempt = (struct attempt_row){.at_ms = of->due_ms,
	    .host = str_of(p->host),
	    .dialogue = str_of(p->dialogue)};
	p->before = (struct queue_put_off){
	    .domain = str_of(p->domain),
	    .due_ms = of->due_ms,
	    .code = of->outcome->code,
	    .reply = str_of(p->reply),
	    .host = str_of(p->host),
	    .detail = str_of(p->detail),
	    .attempt = of->dialogue.len > 0 ? &p->attempt : NULL,
	    .except = p->except,
	    .n_except = of->n_except,
	    .next = next_attempt,
	    .arg = p,
	};
}

struct relay_put_off *
relay_put_off_new(const struct relay_deps *deps,
    const struct relay_put_off_of *of, relay_put_off_done *done, void *arg)
{
	struct relay_put_off *p = MEM_NEW(struct relay_put_off);
	const struct conf *conf = deps->conf;

	p->deps = *deps;
	p->done = done;
	p->arg = arg;
	p->job = (struct store_job){
	    .run = run, .done = on_written, .weight = AT_ONCE * KB};
	p->again = timer_new(deps->loop, submit, p);
	p->why = relay_retry_reason(of->outcome);
	p->schedule = (struct relay_retry){
	    conf->relay_retry_first, conf->relay_retry_most};
	p->law = (struct suppression_law){
	    conf->relay_suppress_after, conf->relay_suppress_for};
	p->notice_ms = conf->relay_delay_notice;
	p->spares = of->law;
	p->named = str_starts(of->domain, STR("="));
	copy(p, of);
	submit(p);
	return p;
}

void
relay_put_off_disown(struct relay_put_off *p)
{
	if (p == NULL)
		return;
	p->done = NULL;
	if (!p->submitted)
		destroy(p); /* it waits for its next attempt in vain */
}
