/* SPDX-License-Identifier: MIT */
#include "popd/feed.h"

#include <assert.h>
#include <stdlib.h>

#include "common/store/body.h"
#include "common/util/mem.h"

#define SHORT_WAY (256 * KB) /* a thread of the store may read so far */

struct feed {
	struct store_job open; /* first, so that a job is its feed */
	struct worker_job read;
	struct workers *workers;
	int64_t id;
	struct body *body; /* NULL until open */
	struct buf piece;
	uint64_t at;   /* behind the piece */
	uint64_t from; /* where the piece is to begin */
	size_t max;
	int more; /* body_read()'s answer */
	struct fail fail;
	feed_ready *ready;
	void *arg;
	bool busy; /* a job is under way */
};

static struct feed *
feed_of(struct worker_job *job)
{
	return (struct feed *)((char *)job - offsetof(struct feed, read));
}

static void
read_piece(struct feed *f)
{
	bool there;

	do {
		size_t max = f->max;

		there = f->at == f->from;
		if (!there)
			max = f->from - f->at < FEED_PIECE
			          ? (size_t)(f->from - f->at)
			          : FEED_PIECE;
		buf_clear(&f->piece);
		f->more = body_read(f->body, max, &f->piece, &f->fail);
		f->at += f->piece.len;
	} while (!there && f->more == 1);
	if (!there)
		buf_clear(&f->piece);
}

/* On a thread of the store: a small message needs no other. */
static int
run_open(struct db *db, struct store_job *job, struct fail *fail)
{
	struct feed *f = (struct feed *)job;

	f->body = body_open(db, f->id, fail);
	if (f->body == NULL)
		return -1;
	f->more = 1;
	if (f->from <= SHORT_WAY)
		read_piece(f);
	return 0;
}

static void
run_read(struct worker_job *job)
{
	read_piece(feed_of(job));
}

static void
tell(struct feed *f, enum feed_result result, const char *text)
{
	f->busy = false;
	f->ready(f->arg, result, buf_str(&f->piece), text);
}

static void
tell_piece(struct feed *f)
{
	if (f->more == -1)
		tell(f, FEED_FAILED, f->fail.text);
	else
		tell(f, f->more == 1 ? FEED_MORE : FEED_END, "");
}

static void
done_open(struct store_job *job)
{
	struct feed *f = (struct feed *)job;

	if (job->rc == 0)
		tell_piece(f);
	else
		tell(f, job->fail.kind == FAIL_PERM ? FEED_GONE : FEED_FAILED,
		    job->fail.text);
}

static void
done_read(struct worker_job *job)
{
	tell_piece(feed_of(job));
}

struct feed *
feed_open(struct store *store, struct workers *workers, int64_t body,
    uint64_t at, size_t max, feed_ready *ready, void *arg)
{
	struct feed *f = MEM_NEW(struct feed);

	f->open.run = run_open;
	f->open.done = done_open;
	f->read.run = run_read;
	f->read.done = done_read;
	f->workers = workers;
	f->id = body;
	f->ready = ready;
	f->arg = arg;
	f->from = at;
	f->max = max < FEED_PIECE ? max : FEED_PIECE;
	f->busy = true;
	buf_init(&f->piece, FEED_PIECE);
	store_read(store, &f->open);
	return f;
}

void
feed_next(struct feed *f, uint64_t at, size_t max)
{
	bool taken;

	assert(!f->busy && f->more == 1 && at >= f->at);
	f->from = at;
	f->max = max < FEED_PIECE ? max : FEED_PIECE;
	f->busy = true;
	/* main() gave the workers a queue as long as there are connections */
	taken = workers_submit(f->workers, &f->read);
	assert(taken);
}

int64_t
feed_body(const struct feed *f)
{
	return f->id;
}

uint64_t
feed_at(const struct feed *f)
{
	return f->at;
}

bool
feed_has_more(const struct feed *f)
{
	return f->more == 1;
}

void
feed_free(struct feed *f)
{
	if (f == NULL)
		return;
	assert(!f->busy);
	body_free(f->body);
	buf_release(&f->piece);
	free(f);
}
