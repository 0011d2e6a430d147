/* SPDX-License-Identifier: MIT */
#include "maild/relay/relay_body.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>

#include "common/store/account.h"
#include "common/store/body.h"
#include "common/store/queue.h"
#include "common/util/mem.h"

#define PIECE (64 * KB)

struct relay_body {
	struct store_job open;   /* first: opens and reads the first piece */
	struct worker_job read;  /* then: each further piece */
	struct workers *workers; /* borrowed */
	relay_body_ready *ready;
	void *arg;
	int64_t id, trace;
	char *domain;
	int *recipients;
	bool *wanted; /* of each */
	size_t n;
	bool ours;
	uint64_t skip;       /* octets still to be thrown away */
	struct timer *again; /* when the workers are all taken */
	bool reading;        /* a job has the fields below; free only orphans */
	bool waiting;        /* for a worker: no job has been submitted */
	bool orphan;
	struct body *body;
	struct buf piece;
	bool end;
	struct fail fail;
};

static void
destroy(struct relay_body *b)
{
	timer_free(b->again);
	body_free(b->body);
	buf_release(&b->piece);
	free(b->domain);
	free(b->recipients);
	free(b->wanted);
	free(b);
}

/* On a thread of its own: fill piece. */
static void
fill(struct relay_body *b)
{
	while (b->piece.len == 0 && !b->end && b->fail.kind == FAIL_NONE) {
		int more = body_read(b->body, PIECE, &b->piece, &b->fail);
		size_t n = b->piece.len;

		if (more == -1) {
			buf_clear(&b->piece);
			return;
		}
		b->end = more == 0;
		if (n > b->skip)
			n = (size_t)b->skip;
		buf_drop(&b->piece, n);
		b->skip -= n;
	}
}

static struct relay_body *
of_open(struct store_job *job)
{
	return (struct relay_body *)((char *)job -
				     offsetof(struct relay_body, open));
}

static struct relay_body *
of_read(struct worker_job *job)
{
	return (struct relay_body *)((char *)job -
				     offsetof(struct relay_body, read));
}

static int
find_wanted(struct relay_body *b, struct db *db, struct fail *f)
{
	for (size_t i = 0; i < b->n; i++) {
		int got = queue_is_wanted(
		    db, b->trace, b->recipients[i], str_of(b->domain), f);

		if (got == -1)
			return -1;
		b->wanted[i] = got == 1;
	}
	return 0;
}

/* Who sends it elsewhere on purpose knows better. */
static int
find_ours(struct relay_body *b, struct db *db, struct fail *f)
{
	int got = 0;

	if (b->domain[0] != QUEUE_REROUTED)
		got = domain_find(db, str_of(b->domain), f);
	b->ours = got == 1;
	return got == -1 ? -1 : 0;
}

static int
run_open(struct db *db, struct store_job *job, struct fail *f)
{
	struct relay_body *b = of_open(job);

	if (find_ours(b, db, f) == -1 || find_wanted(b, db, f) == -1) {
		/* our trouble, nobody's order */
		for (size_t i = 0; i < b->n; i++)
			b->wanted[i] = true;
		return -1;
	}
	b->body = body_open(db, b->id, f);
	if (b->body == NULL)
		return -1;
	fill(b);
	return 0;
}

static void
finish(struct relay_body *b)
{
	b->reading = false;
	if (b->orphan)
		destroy(b);
	else
		b->ready(b->arg);
}

static void
done_open(struct store_job *job)
{
	struct relay_body *b = of_open(job);

	if (job->rc == -1)
		b->fail = job->fail;
	finish(b);
}

static void
run_read(struct worker_job *job)
{
	fill(of_read(job));
}

static void
done_read(struct worker_job *job)
{
	finish(of_read(job));
}

static void
submit(void *arg)
{
	struct relay_body *b = arg;

	b->waiting = !workers_submit(b->workers, &b->read);
	if (b->waiting)
		timer_set(b->again, 20);
}

struct relay_body *
relay_body_new(const struct relay_deps *deps, const struct relay_body_of *of,
    relay_body_ready *ready, void *arg)
{
	struct relay_body *b = MEM_NEW(struct relay_body);

	b->workers = deps->workers;
	b->ready = ready;
	b->arg = arg;
	b->id = of->body;
	b->skip = of->skip;
	b->trace = of->trace;
	b->domain = mem_dup(of->domain);
	b->n = of->n;
	b->recipients = mem_new(of->n, sizeof(*b->recipients));
	b->wanted = mem_new(of->n, sizeof(*b->wanted));
	for (size_t i = 0; i < of->n; i++)
		b->recipients[i] = of->recipients[i];
	b->again = timer_new(deps->loop, submit, b);
	b->open.run = run_open;
	b->open.done = done_open;
	b->read.run = run_read;
	b->read.done = done_read;
	buf_init(&b->piece, PIECE);
	b->reading = true;
	store_read(deps->store, &b->open);
	return b;
}

bool
relay_body_is_for(const struct relay_body *b, size_t recipient)
{
	assert(!b->reading && recipient < b->n);
	return b->wanted[recipient];
}

bool
relay_body_is_ours(const struct relay_body *b)
{
	assert(!b->reading);
	return b->ours;
}

struct str
relay_body_piece(const struct relay_body *b)
{
	return b->reading ? (struct str){0} : buf_str(&b->piece);
}

void
relay_body_drop(struct relay_body *b, size_t n)
{
	assert(!b->reading);
	buf_drop(&b->piece, n);
}

bool
relay_body_at_end(const struct relay_body *b)
{
	return !b->reading && b->end && b->piece.len == 0;
}

const char *
relay_body_failure(const struct relay_body *b)
{
	return !b->reading && b->fail.kind != FAIL_NONE ? b->fail.text : NULL;
}

void
relay_body_more(struct relay_body *b)
{
	if (b->reading || b->end || b->fail.kind != FAIL_NONE)
		return;
	assert(b->piece.len == 0);
	buf_clear(&b->piece);
	b->reading = true;
	submit(b);
}

void
relay_body_free(struct relay_body *b)
{
	if (b == NULL)
		return;
	if (b->reading && !b->waiting)
		b->orphan = true;
	else
		destroy(b);
}
