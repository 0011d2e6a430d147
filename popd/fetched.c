/* SPDX-License-Identifier: MIT */
#include "popd/fetched.h"

#include <stdlib.h>
#include <string.h>

#include "common/store/hop_known.h"
#include "common/util/buf.h"
#include "common/util/mem.h"

#define EVERY_MS   2000
#define ROWS_MAX   1024 /* gathered before they are written */
#define HOP_WEIGHT 200  /* octets a hop writes, about */
#define DETAIL_MAX 200

/* One client; rows that follow each other are mostly of the same. */
struct reader {
	char *login, *ip, *detail;
};

struct row {
	int64_t trace, at_ms;
	size_t reader;
};

struct batch {
	struct store_job job; /* first, so that a job is its batch */
	const struct log *log;
	struct reader *readers;
	struct row *rows;
	size_t n_readers, n_rows, room;
};

struct fetched {
	struct store *store;
	const struct clock *clock;
	const struct log *log;
	struct timer *timer;
	struct batch *batch; /* NULL: nothing has gathered */
};

static int
write_once(struct db *db, const struct hop *hop, struct fail *f)
{
	int known = hop_known(db, hop, f);

	if (known != 0)
		return known == -1 ? -1 : 0;
	return hop_write(db, hop, f); /* its journey may be forgotten */
}

static int
run(struct db *db, struct store_job *job, struct fail *f)
{
	struct batch *b = (struct batch *)job;

	for (size_t i = 0; i < b->n_rows; i++) {
		const struct reader *r = &b->readers[b->rows[i].reader];
		struct hop hop = {.trace = b->rows[i].trace,
		    .at_ms = b->rows[i].at_ms,
		    .daemon = HOP_POPD,
		    .kind = HOP_FETCHED,
		    .recipient = str_of(r->login),
		    .peer = str_of(r->ip),
		    .detail = str_of(r->detail)};

		if (write_once(db, &hop, f) == -1)
			return -1;
	}
	return 0;
}

static void
done(struct store_job *job)
{
	struct batch *b = (struct batch *)job;

	if (job->rc == -1)
		log_warn(
		    b->log, "fetched hops are not written: %s", job->fail.text);
	for (size_t i = 0; i < b->n_readers; i++) {
		free(b->readers[i].login);
		free(b->readers[i].ip);
		free(b->readers[i].detail);
	}
	free(b->readers);
	free(b->rows);
	free(b);
}

static void
write_batch(struct fetched *g)
{
	struct batch *b = g->batch;

	if (b == NULL)
		return;
	g->batch = NULL;
	b->job.weight = b->n_rows * HOP_WEIGHT;
	store_write(g->store, &b->job);
}

static void
on_timer(void *arg)
{
	write_batch(arg);
}

struct fetched *
fetched_new(struct loop *l, struct store *store, const struct clock *clock,
    const struct log *log)
{
	struct fetched *g = MEM_NEW(struct fetched);

	g->store = store;
	g->clock = clock;
	g->log = log;
	g->timer = timer_new(l, on_timer, g);
	return g;
}

static struct batch *
batch_of(struct fetched *g)
{
	if (g->batch != NULL)
		return g->batch;
	g->batch = MEM_NEW(struct batch);
	g->batch->job.run = run;
	g->batch->job.done = done;
	g->batch->log = g->log;
	timer_set(g->timer, EVERY_MS);
	return g->batch;
}

/* Of the batch, the newest of this session's or a new one. */
static size_t
reader_of(struct batch *b, const struct fetched_by *by)
{
	const struct reader *last = b->n_readers > 0
	                                ? &b->readers[b->n_readers - 1]
	                                : NULL;
	struct buf detail;
	bool same;

	buf_init(&detail, DETAIL_MAX);
	buf_addf(&detail, "IMAP%s%.100s", by->client[0] != '\0' ? ", " : "",
	    by->client);
	same = last != NULL && strcmp(last->login, by->login) == 0 &&
	       strcmp(last->ip, by->ip) == 0 &&
	       strcmp(last->detail, detail.data) == 0;
	if (!same) {
		b->readers = mem_grow(
		    b->readers, b->n_readers + 1, sizeof(*b->readers));
		b->readers[b->n_readers++] = (struct reader){
		    mem_dup(str_of(by->login)), mem_dup(str_of(by->ip)),
		    mem_dup(buf_str(&detail))};
	}
	buf_release(&detail);
	return b->n_readers - 1;
}

void
fetched_add(struct fetched *g, const struct fetched_by *by,
    const int64_t *traces, size_t n)
{
	int64_t now_ms = clock_wall_ms(g->clock);

	for (size_t i = 0; i < n; i++) {
		struct batch *b = batch_of(g);
		size_t reader = reader_of(b, by);

		if (b->n_rows == b->room) {
			b->room = b->room * 2 + 16;
			b->rows = mem_grow(b->rows, b->room, sizeof(*b->rows));
		}
		b->rows[b->n_rows++] = (struct row){traces[i], now_ms, reader};
		if (b->n_rows == ROWS_MAX)
			write_batch(g);
	}
}

void
fetched_free(struct fetched *g)
{
	if (g == NULL)
		return;
	write_batch(g);
	timer_free(g->timer);
	free(g);
}
