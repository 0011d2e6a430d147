/* SPDX-License-Identifier: MIT */
#include "maild/relay_record.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "common/util/mem.h"
#include "common/util/rand.h"
#include "maild/bounce.h"

#define AGAIN_FIRST_MS 500
#define AGAIN_MOST_MS  30000

struct line {
	struct relay_key key;
	enum queue_result result;
	int64_t now_ms, next_ms;
	int code;
	char enhanced[SMTP_ENHANCED_MAX];
	char *address, *original; /* original may be NULL */
	char *reply, *host, *detail;
	char *sentence; /* for a person who reads the DSN */
};

struct relay_record {
	struct store_job read, write;
	struct relay_deps deps;
	relay_record_done *done; /* NULL when disowned */
	void *arg;
	struct line *lines;
	size_t n;
	struct timer *again;
	int64_t wait_ms;
	bool submitted; /* a job is with the store */

	/* of the message that is given up */
	bool bounces;
	struct bounce bounce;
	struct dsn_recipient *reported;
	char *sender;
	int64_t body;
	uint64_t skip;
};

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
		struct line *l = &r->lines[i];

		free(l->address);
		free(l->original);
		free(l->reply);
		free(l->host);
		free(l->detail);
		free(l->sentence);
	}
	free(r->lines);
	free(r->reported);
	free(r->sender);
	bounce_release(&r->bounce);
	timer_free(r->again);
	free(r);
}

static int
run_read(struct db *db, struct store_job *job, struct fail *f)
{
	struct relay_record *r = of_read(job);

	(void)f;
	bounce_read_header(&r->bounce, db, r->body, r->skip);
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

	for (size_t i = 0; i < r->n; i++) {
		const struct line *l = &r->lines[i];
		const struct queue_outcome o = {
		    .trace = l->key.trace,
		    .n = l->key.n,
		    .result = l->result,
		    .next_ms = l->next_ms,
		    .now_ms = l->now_ms,
		    .code = l->code,
		    .reply = str_of(l->reply),
		    .host = str_of(l->host),
		    .detail = str_of(l->detail),
		};

		if (queue_record(db, &o, f) == -1)
			return -1;
	}
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

static void
done_write(struct store_job *job)
{
	struct relay_record *r = of_write(job);
	char id[TRACE_TEXT_MAX];

	r->submitted = false;
	if (job->rc == -1 && r->done != NULL) {
		log_error(r->deps.log,
		    "relay id=%s not recorded yet, trying again: %s",
		    trace_text(r->lines[0].key.trace, id), job->fail.text);
		r->wait_ms = r->wait_ms == 0 ? AGAIN_FIRST_MS : 2 * r->wait_ms;
		if (r->wait_ms > AGAIN_MOST_MS)
			r->wait_ms = AGAIN_MOST_MS;
		timer_set(r->again, r->wait_ms);
		return;
	}
	if (job->rc == 0 && r->bounces) {
		mailbox_notice_add(
		    r->deps.notice, r->bounce.mailboxes, r->bounce.n_mailboxes);
		log_bounce(r);
	}
	if (r->done != NULL)
		tell_owner(r);
	destroy(r);
}

static void
write_now(void *arg)
{
	struct relay_record *r = arg;

	if (r->bounces)
		r->bounce.trace = hop_new_trace(r->deps.traces);
	r->write = (struct store_job){
	    .prepare = prepare_write,
	    .run = run_write,
	    .done = done_write,
	    .weight = r->n * KB + (r->bounces ? r->bounce.header.len : 0),
	};
	r->submitted = true;
	store_write(r->deps.store, &r->write);
}

static void
done_read(struct store_job *job)
{
	struct relay_record *r = of_read(job);

	r->submitted = false;
	if (r->done != NULL)
		write_now(r);
	else
		destroy(r); /* maild stops: it is tried again after the start */
}

struct relay_record *
relay_record_new(
    const struct relay_deps *deps, relay_record_done *done, void *arg)
{
	struct relay_record *r = MEM_NEW(struct relay_record);

	r->deps = *deps;
	r->done = done;
	r->arg = arg;
	r->again = timer_new(deps->loop, write_now, r);
	bounce_init(&r->bounce);
	return r;
}

/* What a person reads in the DSN. */
static char *
sentence(const struct queue_entry *e, const struct relay_verdict *v)
{
	struct buf out;
	char *text;

	buf_init(&out, 2 * KB);
	if (v->result == QUEUE_EXPIRED)
		buf_addf(&out,
		    "It could not be delivered in %lld hours, in %d attempts.",
		    (long long)((v->now_ms - e->created_ms) / 3600000),
		    e->tries + 1);
	else if (v->outcome->code != 0)
		buf_add(&out, STR("The other server refused it."));
	if (v->outcome->code == 0) /* nothing else will show our words */
		buf_addf(&out, "%s%s", out.len > 0 ? "  The last one: " : "",
		    v->outcome->text.data);
	text = buf_take(&out);
	buf_release(&out);
	return text;
}

void
relay_record_add(struct relay_record *r, const struct queue_entry *e,
    const struct relay_verdict *v)
{
	bool given_up = v->result == QUEUE_FAILED || v->result == QUEUE_EXPIRED;
	struct line *l;

	assert(
	    r->n == 0 || given_up == (r->lines[0].result == QUEUE_FAILED ||
					 r->lines[0].result == QUEUE_EXPIRED));
	assert(!given_up || r->n == 0 || r->lines[0].key.trace == e->trace);
	r->lines = mem_grow(r->lines, r->n + 1, sizeof(*r->lines));
	l = &r->lines[r->n++];
	*l = (struct line){
	    .key = {e->trace, e->n},
	    .result = v->result,
	    .now_ms = v->now_ms,
	    .next_ms = v->next_ms,
	    .code = v->outcome->code,
	    .address = mem_dup(str_of(e->address)),
	    .original = e->original ? mem_dup(str_of(e->original)) : NULL,
	    .reply = mem_dup(buf_str(&v->outcome->text)),
	    .host = mem_dup(v->host),
	    .detail = mem_dup(v->detail),
	    .sentence = sentence(e, v),
	};
	memcpy(l->enhanced, v->outcome->enhanced, sizeof(l->enhanced));
	if (!given_up || r->n > 1)
		return;
	r->bounces = e->sender[0] != '\0';
	r->sender = mem_dup(str_of(e->sender));
	r->body = e->body;
	r->skip = e->skip;
	r->bounce.about = e->trace;
	r->bounce.arrived_ms = e->created_ms;
	r->bounce.now_ms = v->now_ms;
}

/* The DSN's rows point into the lines, which grow no more. */
static void
fill_bounce(struct relay_record *r)
{
	struct bounce *b = &r->bounce;

	r->reported = mem_new(r->n, sizeof(*r->reported));
	for (size_t i = 0; i < r->n; i++) {
		const struct line *l = &r->lines[i];
		struct str host = str_of(l->host);

		r->reported[i] = (struct dsn_recipient){
		    .action = DSN_FAILED,
		    .final = str_of(l->address),
		    .original = str_of(l->original),
		    .status = str_of(l->enhanced),
		    .sentence = str_of(l->sentence),
		    .tried_s = l->now_ms / 1000,
		};
		/* RFC 3464 s2.3.5, s2.3.6: of a server that said something */
		if (l->code == 0)
			continue;
		r->reported[i].remote_mta = str_cut(&host, ' ');
		r->reported[i].diagnostic = str_of(l->reply);
	}
	b->sender = str_of(r->sender);
	b->hostname = str_of(r->deps.conf->server_hostname);
	b->postmaster = str_of(r->deps.conf->server_postmaster);
	b->expires_ms = b->now_ms + r->deps.conf->relay_expire;
	b->random = rand_u64();
	b->recipients = r->reported;
	b->n = r->n;
}

void
relay_record_submit(struct relay_record *r)
{
	assert(r->n > 0 && !r->submitted);
	if (!r->bounces) {
		write_now(r);
		return;
	}
	fill_bounce(r);
	r->read = (struct store_job){.run = run_read, .done = done_read};
	r->submitted = true;
	store_read(r->deps.store, &r->read);
}

void
relay_record_disown(struct relay_record *r)
{
	r->done = NULL;
	if (!r->submitted)
		destroy(r); /* it waits for its next attempt in vain */
}
