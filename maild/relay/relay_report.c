/* SPDX-License-Identifier: MIT */
#include "maild/relay/relay_report.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>

#include "common/mime/dsn.h"
#include "common/store/dsn_report.h"
#include "common/util/mem.h"
#include "common/util/rand.h"
#include "maild/relay/bounce.h"
#include "maild/relay/relay_report_internal.h"

#define ROWS_MAX       100 /* in one DSN */
#define AGAIN_FIRST_MS 500
#define AGAIN_MOST_MS  30000

struct relay_report {
	struct relay_deps deps;
	void (*queued)(void *arg);
	void *arg;
	struct store_job read, write;
	struct timer *again;
	int64_t wait_ms;
	bool busy; /* a job is with the store, or its next attempt is waited for
	            */
	bool kicked; /* meanwhile */
	bool stopping;
	struct dsn_report_list list; /* what is told now */
	struct bounce bounce;
	struct dsn_recipient recipients[ROWS_MAX];
};

/* What a row says to people and programs. */
static const struct {
	enum dsn_action action;
	const char *status; /* RFC 3463 */
} actions[] = {
    [DSN_REPORT_DELIVERED] = {DSN_DELIVERED, "2.1.5"},
    [DSN_REPORT_RELAYED] = {DSN_RELAYED,   "2.0.0"},
    [DSN_REPORT_EXPANDED] = {DSN_EXPANDED,  "2.1.5"},
};

static struct relay_report *
of_read(struct store_job *job)
{
	return (struct relay_report *)((char *)job -
				       offsetof(struct relay_report, read));
}

static struct relay_report *
of_write(struct store_job *job)
{
	return (struct relay_report *)((char *)job -
				       offsetof(struct relay_report, write));
}

static void
forget(struct relay_report *r)
{
	bounce_release(&r->bounce);
	dsn_report_list_release(&r->list);
}

static int
run_read(struct db *db, struct store_job *job, struct fail *f)
{
	struct relay_report *r = of_read(job);
	const struct dsn_report *first;

	if (dsn_report_next(db, ROWS_MAX, &r->list, f) == -1)
		return -1;
	if (r->list.n == 0)
		return 0;
	first = &r->list.rows[0].r;
	r->bounce.body = first->body;
	r->bounce.skip = first->skip;
	bounce_read(&r->bounce, db);
	return 0;
}

static int
prepare_write(struct store_job *job, struct fail *f)
{
	struct relay_report *r = of_write(job);

	return bounce_prepare(&r->bounce, store_dir(r->deps.store), f);
}

static int
run_write(struct db *db, struct store_job *job, struct fail *f)
{
	struct relay_report *r = of_write(job);

	if (bounce_deliver(&r->bounce, db, f) == -1)
		return -1;
	return dsn_report_remove(db, &r->list, f);
}

static void
log_sent(const struct relay_report *r)
{
	char about[TRACE_TEXT_MAX], own[TRACE_TEXT_MAX];

	trace_text(r->bounce.about, about);
	if (r->bounce.why != NULL)
		log_warn(r->deps.log, "report id=%s dropped: %s", about,
		    r->bounce.why);
	else
		log_info(r->deps.log, "report id=%s dsn=%s to=<%.*s>", about,
		    trace_text(r->bounce.trace, own),
		    STR_FMT(r->bounce.sender));
}

static void
failed(struct relay_report *r, const struct fail *why)
{
	forget(r);
	if (r->stopping)
		return;
	log_error(
	    r->deps.log, "report not sent yet, trying again: %s", why->text);
	r->wait_ms = r->wait_ms == 0 ? AGAIN_FIRST_MS : 2 * r->wait_ms;
	if (r->wait_ms > AGAIN_MOST_MS)
		r->wait_ms = AGAIN_MOST_MS;
	timer_set(r->again, r->wait_ms);
}

/* The next message's rows, from the next turn of the loop. */
static void
next(struct relay_report *r)
{
	forget(r);
	r->wait_ms = 0;
	if (!r->stopping)
		timer_set(r->again, 0);
}

static void
done_write(struct store_job *job)
{
	struct relay_report *r = of_write(job);

	if (job->rc == -1) {
		failed(r, &job->fail);
		return;
	}
	mailbox_notice_add(
	    r->deps.notice, r->bounce.mailboxes, r->bounce.n_mailboxes);
	log_sent(r);
	if (r->bounce.why == NULL && r->bounce.n_mailboxes == 0 && !r->stopping)
		r->queued(r->arg);
	next(r);
}

static void
fill(struct relay_report *r)
{
	const struct dsn_report *first = &r->list.rows[0].r;
	const struct conf *conf = r->deps.conf;
	struct bounce *b = &r->bounce;

	for (size_t i = 0; i < r->list.n; i++) {
		const struct dsn_report *row = &r->list.rows[i].r;
		struct str host = row->host;

		r->recipients[i] = (struct dsn_recipient){
		    .action = actions[row->action].action,
		    .final = row->recipient,
		    .orcpt = row->original_recipient,
		    .status = str_of(actions[row->action].status),
		    .remote_mta = str_cut(&host, ' '),
		    .diagnostic = row->reply,
		    .tried_s = row->at_ms / 1000,
		};
	}
	b->about = first->trace;
	b->trace = hop_new_trace(r->deps.traces);
	b->sender = first->sender;
	b->envelope_id = first->envelope_id;
	b->require_tls = first->require_tls;
	b->hostname = str_of(conf->server_hostname);
	b->postmaster = str_of(conf->server_postmaster);
	b->arrived_ms = first->arrived_ms;
	b->now_ms = clock_wall_ms(r->deps.clock);
	b->expires_ms = b->now_ms + conf->relay_expire;
	b->random = rand_u64();
	b->recipients = r->recipients;
	b->n = r->list.n;
	b->keys = own_signer_hold(r->deps.signer);
}

static void
done_read(struct store_job *job)
{
	struct relay_report *r = of_read(job);

	if (job->rc == -1) {
		failed(r, &job->fail);
		return;
	}
	if (r->list.n == 0 || r->stopping) {
		forget(r);
		r->busy = false;
		if (r->kicked && !r->stopping)
			relay_report_kick(r);
		return;
	}
	fill(r);
	r->write = (struct store_job){
	    .prepare = prepare_write,
	    .run = run_write,
	    .done = done_write,
	    .weight = r->list.n * KB + r->bounce.header.len,
	};
	store_write(r->deps.store, &r->write);
}

static void
look(void *arg)
{
	struct relay_report *r = arg;

	r->kicked = false;
	r->read = (struct store_job){.run = run_read, .done = done_read};
	store_read(r->deps.store, &r->read);
}

struct relay_report *
relay_report_new(
    const struct relay_deps *deps, void (*queued)(void *arg), void *arg)
{
	struct relay_report *r = MEM_NEW(struct relay_report);

	r->deps = *deps;
	r->queued = queued;
	r->arg = arg;
	r->again = timer_new(deps->loop, look, r);
	bounce_init(&r->bounce);
	return r;
}

void
relay_report_kick(struct relay_report *r)
{
	if (r->stopping)
		return;
	r->kicked = true;
	if (r->busy)
		return;
	r->busy = true;
	look(r);
}

bool
relay_report_is_idle(const struct relay_report *r)
{
	return !r->busy;
}

void
relay_report_stop(struct relay_report *r)
{
	r->stopping = true;
	timer_clear(r->again);
}

/* The store is closed: no job of ours is with it. */
void
relay_report_free(struct relay_report *r)
{
	if (r == NULL)
		return;
	forget(r);
	timer_free(r->again);
	free(r);
}
