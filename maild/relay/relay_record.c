/* SPDX-License-Identifier: MIT */
#include "maild/relay/relay_record.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "common/util/mem.h"
#include "common/util/rand.h"
#include "maild/relay/advice.h"
#include "maild/relay/relay_count.h"
#include "maild/relay/relay_record_state.h"
#include "maild/relay/relay_report.h"

#define AGAIN_FIRST_MS 500
#define AGAIN_MOST_MS  30000

static struct relay_record *
of_read(struct store_job *job)
{
	return (struct relay_record *)((char *)job -
				       offsetof(struct relay_record, read));
}

static struct relay_record *
of_write(struct store_job *job)
{
	return (struct relay_record *)((char *)job -
				       offsetof(struct relay_record, write));
}

static void
destroy(struct relay_record *r)
{
	for (size_t i = 0; i < r->n; i++) {
		struct relay_line *l = &r->lines[i];

		free(l->address);
		free(l->domain);
		free(l->original);
		free(l->reply);
		free(l->host);
		free(l->detail);
		free(l->sentence);
		free(l->orcpt);
	}
	free(r->lines);
	free(r->dialogue);
	free(r->host);
	free(r->reported);
	free(r->sender);
	free(r->envelope_id);
	free(r->mailboxes);
	bounce_release(&r->bounce);
	timer_free(r->again);
	free(r);
}

static int
run_read(struct db *db, struct store_job *job, struct fail *f)
{
	struct relay_record *r = of_read(job);

	size_t n;

	if (relay_record_choose(r, db, &n, f) == -1)
		return -1;
	r->bounces = n > 0;
	if (r->bounces)
		bounce_read(&r->bounce, db);
	return 0;
}

static int
prepare_write(struct store_job *job, struct fail *f)
{
	struct relay_record *r = of_write(job);

	if (!r->bounces)
		return 0;
	return bounce_prepare(&r->bounce, store_dir(r->deps.store), f);
}

static int
run_write(struct db *db, struct store_job *job, struct fail *f)
{
	struct relay_record *r = of_write(job);

	if (r->bounces) {
		size_t n, others = r->bounce.others;

		if (relay_record_choose(r, db, &n, f) == -1)
			return -1;
		if (n != r->bounce.n || others != r->bounce.others)
			return fail(f, FAIL_TEMP,
			    "whom the DSN is to tell of has changed");
	}
	if (relay_record_write(r, db, f) == -1)
		return -1;
	return r->bounces ? bounce_deliver(&r->bounce, db, f) : 0;
}

static void
tell_owner(struct relay_record *r)
{
	struct relay_key *keys = mem_new(r->n, sizeof(*keys));

	for (size_t i = 0; i < r->n; i++)
		keys[i] = r->lines[i].key;
	r->done(r->arg, r, keys, r->n);
	free(keys);
}

static void
log_bounce(const struct relay_record *r)
{
	char about[TRACE_TEXT_MAX], own[TRACE_TEXT_MAX];

	trace_text(r->bounce.about, about);
	if (r->bounce.why != NULL)
		log_warn(r->deps.log, "bounce id=%s dropped: %s", about,
		    r->bounce.why);
	else
		log_info(r->deps.log, "bounce id=%s dsn=%s to=<%s>", about,
		    trace_text(r->bounce.trace, own), r->sender);
}

/* The sender asked to hear of it. */
static bool
has_news(const struct relay_record *r)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->lines[i].report || r->lines[i].result == QUEUE_DELIVERED)
			return true;
	return false;
}

static void
count_results(const struct relay_record *r)
{
	static const enum metric metrics[] = {
	    [QUEUE_RELAYED] = METRIC_RELAYED,
	    [QUEUE_DEFERRED] = METRIC_DEFERRED,
	    [QUEUE_FAILED] = METRIC_FAILED,
	    [QUEUE_EXPIRED] = METRIC_FAILED,
	};

	for (size_t i = 0; i < r->n; i++)
		if (r->lines[i].result != QUEUE_DELIVERED && !r->lines[i].gone)
			relay_count(&r->deps, metrics[r->lines[i].result]);
	if (r->bounces && r->bounce.why == NULL)
		relay_count(&r->deps, METRIC_DSNS);
}

/* The mailbox was filled, or went away, in this moment: the next attempt will
 * find it so. */
static bool
put_off(struct relay_record *r, const struct fail *why)
{
	bool any = false;

	if (why->kind == FAIL_TEMP || why->kind == FAIL_DISK)
		return false;
	for (size_t i = 0; i < r->n; i++) {
		struct relay_line *l = &r->lines[i];

		if (l->result != QUEUE_DELIVERED)
			continue;
		any = true;
		l->result = QUEUE_DEFERRED;
		l->next_ms = l->now_ms + AGAIN_MOST_MS;
		free(l->reply);
		l->reply = mem_dup(str_of(why->text));
		free(l->detail);
		l->detail = mem_dup(str_of(why->text));
	}
	return any;
}

static void
try_again(struct relay_record *r, const struct fail *why)
{
	char id[TRACE_TEXT_MAX];

	log_error(r->deps.log, "relay id=%s not recorded yet, trying again: %s",
	    trace_text(r->lines[0].key.trace, id), why->text);
	r->wait_ms = r->wait_ms == 0 ? AGAIN_FIRST_MS : 2 * r->wait_ms;
	if (r->wait_ms > AGAIN_MOST_MS)
		r->wait_ms = AGAIN_MOST_MS;
	if (put_off(r, why))
		r->wait_ms = 0;
	timer_set(r->again, r->wait_ms);
}

/* maild stops before it is on disk. */
static void
give_up(struct relay_record *r)
{
	char id[TRACE_TEXT_MAX];

	for (size_t i = 0; i < r->n; i++)
		if (r->lines[i].result == QUEUE_RELAYED)
			log_error(r->deps.log,
			    "relay id=%s to=<%s> was sent, which could not be "
			    "recorded: it may be sent twice",
			    trace_text(r->lines[i].key.trace, id),
			    r->lines[i].address);
	destroy(r);
}

static void
done_write(struct store_job *job)
{
	struct relay_record *r = of_write(job);

	r->submitted = false;
	if (job->rc == -1 && r->done != NULL) {
		try_again(r, &job->fail);
		return;
	}
	if (job->rc == -1) {
		give_up(r);
		return;
	}
	mailbox_notice_add(r->deps.notice, r->mailboxes, r->n_mailboxes);
	if (r->deps.waiting != NULL)
		r->deps.waiting(r->deps.waiting_arg);
	if (r->bounces) {
		mailbox_notice_add(
		    r->deps.notice, r->bounce.mailboxes, r->bounce.n_mailboxes);
		log_bounce(r);
	}
	count_results(r);
	if (r->done != NULL) {
		if (has_news(r))
			relay_report_kick(r->deps.report);
		tell_owner(r);
	}
	destroy(r);
}

static void
write_now(struct relay_record *r)
{
	if (r->bounces) {
		r->bounce.trace = hop_new_trace(r->deps.traces);
		own_keys_release(r->bounce.keys); /* of an attempt before */
		r->bounce.keys = own_signer_hold(r->deps.signer);
	}
	r->write = (struct store_job){
	    .prepare = prepare_write,
	    .run = run_write,
	    .done = done_write,
	    .weight = r->n * KB + (r->bounces ? r->bounce.header.len : 0),
	};
	r->submitted = true;
	store_write(r->deps.store, &r->write);
}

static struct dsn_recipient
reported(const struct relay_line *l)
{
	struct str host = str_of(l->host);
	struct dsn_recipient d = {
	    .action = l->told ? DSN_DELAYED : DSN_FAILED,
	    .final = str_of(l->address),
	    .original = str_of(l->original),
	    .orcpt = str_of(l->orcpt),
	    .status = str_of(l->enhanced),
	    .sentence = str_of(l->sentence),
	    .advice = str_of(advice_for(l->enhanced)),
	    .tried_s = l->now_ms / 1000,
	    .until_s = l->until_ms / 1000,
	};

	/* RFC 3464 s2.3.5, s2.3.6: of a server that said something */
	if (l->code != 0) {
		d.remote_mta = str_cut(&host, ' ');
		d.diagnostic = str_of(l->reply);
	}
	return d;
}

/* The DSN's rows point into the lines, which grow no more. */
static void
fill_bounce(struct relay_record *r)
{
	struct bounce *b = &r->bounce;

	free(r->reported); /* of an attempt before */
	b->n = 0;
	r->reported = mem_new(r->n, sizeof(*r->reported));
	for (size_t i = 0; i < r->n; i++)
		if (r->lines[i].wanted)
			r->reported[b->n++] = reported(&r->lines[i]);
	b->sender = str_of(r->sender);
	b->envelope_id = str_of(r->envelope_id);
	b->hostname = str_of(r->deps.conf->server_hostname);
	b->postmaster = str_of(r->deps.conf->server_postmaster);
	b->expires_ms = b->now_ms + r->deps.conf->relay_expire;
	b->random = rand_u64();
	b->recipients = r->reported;
}

static void
done_read(struct store_job *job)
{
	struct relay_record *r = of_read(job);

	r->submitted = false;
	if (r->done == NULL) {
		give_up(r); /* it is tried again after the start */
	} else if (job->rc == -1) {
		try_again(r, &job->fail);
	} else {
		if (r->bounces)
			fill_bounce(r);
		write_now(r);
	}
}

static void
submit(void *arg)
{
	struct relay_record *r = arg;

	if (!r->bounces) {
		write_now(r);
		return;
	}
	r->read = (struct store_job){.run = run_read, .done = done_read};
	r->submitted = true;
	store_read(r->deps.store, &r->read);
}

struct relay_record *
relay_record_new(
    const struct relay_deps *deps, relay_record_done *done, void *arg)
{
	struct relay_record *r = MEM_NEW(struct relay_record);

	r->deps = *deps;
	r->done = done;
	r->arg = arg;
	r->again = timer_new(deps->loop, submit, r);
	bounce_init(&r->bounce);
	return r;
}

/* What a person reads in the DSN. */
static char *
sentence(const struct queue_entry *e, const struct relay_verdict *v)
{
	int64_t since = e->hold_until_ms > 0 ? e->hold_until_ms : e->created_ms;
	struct buf out;
	char *text;

	buf_init(&out, 2 * KB);
	if (v->result == QUEUE_EXPIRED || v->result == QUEUE_DEFERRED)
		buf_addf(&out,
		    "It could not be delivered in %lld hours, in %d attempts.",
		    (long long)((v->now_ms - since) / 3600000), e->tries + 1);
	else if (v->outcome->code != 0)
		buf_add(&out, STR("The other server refused it."));
	if (v->outcome->code == 0) /* nothing else will show our words */
		buf_addf(&out, "%s%s", out.len > 0 ? "  The last one: " : "",
		    v->outcome->text.data);
	text = buf_take(&out);
	buf_release(&out);
	return text;
}

/* RFC 3461 s4.1 */
static bool
is_wanted(const struct queue_entry *e, const struct relay_verdict *v)
{
	if (queue_entry_sender(e) == NULL)
		return false;
	if (v->result == QUEUE_FAILED || v->result == QUEUE_EXPIRED)
		return dsn_wanted(e->notify, DSN_NOTIFY_FAILURE);
	return v->tell;
}

/* What the DSN says of the message. */
static void
begin_bounce(struct relay_record *r, const struct queue_entry *e,
    const struct relay_verdict *v)
{
	struct bounce *b = &r->bounce;

	free(r->sender);
	free(r->envelope_id);
	r->sender = mem_dup(str_of(e->return_to));
	r->envelope_id = mem_dup(str_of(e->envelope_id));
	b->about = e->trace;
	b->body = e->body;
	b->skip = e->skip;
	/* RFC 8689 s5; and none that is late comes back */
	b->whole = e->ret == DSN_RET_FULL && !e->require_tls && !e->binary &&
	           v->result != QUEUE_DEFERRED;
	b->eight_bit = e->eight_bit;
	b->utf8 = e->utf8;
	b->require_tls = e->require_tls;
	b->arrived_ms = e->created_ms;
	b->now_ms = v->now_ms;
}

void
relay_record_add(struct relay_record *r, const struct queue_entry *e,
    const struct relay_verdict *v)
{
	struct relay_line *l;

	r->lines = mem_grow(r->lines, r->n + 1, sizeof(*r->lines));
	l = &r->lines[r->n++];
	*l = (struct relay_line){
	    .key = {e->trace, e->n},
	    .result = v->result,
	    .now_ms = v->now_ms,
	    .next_ms = v->next_ms,
	    .code = v->outcome->code,
	    .asked = v->outcome->asked,
	    .address = mem_dup(str_of(e->address)),
	    .domain = mem_dup(str_of(e->domain)),
	    .original = e->original ? mem_dup(str_of(e->original)) : NULL,
	    .reply = mem_dup(buf_str(&v->outcome->text)),
	    .host = mem_dup(v->host),
	    .detail = mem_dup(v->detail),
	    .sentence = sentence(e, v),
	    .orcpt = mem_dup(str_of(e->original_recipient)),
	    .until_ms = e->expires_ms,
	    .report = v->report,
	    .told = v->tell,
	    .wanted = is_wanted(e, v),
	};
	if (r->dialogue == NULL && v->dialogue.len > 0) {
		r->dialogue = mem_dup(v->dialogue);
		r->host = mem_dup(v->host);
		r->said_ms = v->said_ms;
	}
	memcpy(l->enhanced, v->outcome->enhanced, sizeof(l->enhanced));
	assert(
	    relay_line_is_given_up(l) == relay_line_is_given_up(&r->lines[0]) &&
	    l->told == r->lines[0].told);
	assert(!(relay_line_is_given_up(l) || l->told) ||
	       r->lines[0].key.trace == e->trace);
	if (l->wanted && !r->bounces)
		begin_bounce(r, e, v);
	r->all |= l->wanted && v->tell && v->all;
	r->bounces = r->bounces || l->wanted;
}

void
relay_record_submit(struct relay_record *r)
{
	assert(r->n > 0 && !r->submitted);
	submit(r);
}

void
relay_record_disown(struct relay_record *r)
{
	r->done = NULL;
	if (!r->submitted)
		give_up(r); /* it waits for its next attempt in vain */
}
