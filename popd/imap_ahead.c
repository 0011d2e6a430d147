/* SPDX-License-Identifier: MIT */
#include "popd/imap_ahead.h"

#include <assert.h>
#include <stdlib.h>

#include "common/util/mem.h"
#include "popd/imap_session_state.h"

struct imap_ahead {
	struct store_job job;       /* first, so that a job is its imap_ahead */
	struct imap_session *s;     /* NULL: nobody will ask */
	struct ops_context context; /* no more of it than FETCH looks at */
	struct imap_fetch_op op;    /* a copy of what the engine asks, with the
	                             * answer to its next part */
	struct imap_fetch_op *asked; /* the engine waits for that part */
	bool reading;
	uint32_t from_uid; /* where that part begins */
	size_t from_item;
};

static void
free_ahead(struct imap_ahead *a)
{
	imap_fetch_query_release(&a->op.query);
	imap_fetch_batch_release(&a->op.batch);
	seqset_release(&a->op.uids);
	free(a);
}

static int
run(struct db *db, struct store_job *job, struct fail *f)
{
	struct imap_ahead *a = (struct imap_ahead *)job;

	if (ops_run(db, &a->context, &a->op.op) == 0)
		return 0;
	*f = a->op.op.fail;
	return -1;
}

/* Read what follows `behind'. */
static void
read_on(struct imap_ahead *a, const struct imap_fetch_op *behind)
{
	a->op.from_uid = a->from_uid = behind->from_uid;
	a->op.from_item = a->from_item = behind->from_item;
	a->op.op.rc = 0;
	a->op.over = a->op.unknown_cte = a->op.unreadable = false;
	imap_fetch_batch_clear(&a->op.batch);
	a->reading = true;
	store_read(a->s->popd->store, &a->job);
}

/* Answer the op, and go on behind it. */
static void
give(struct imap_ahead *a, struct imap_fetch_op *op)
{
	struct imap_fetch_batch room = op->batch;

	op->batch = a->op.batch;
	a->op.batch = room;
	op->op.rc = 0;
	op->over = a->op.over;
	op->from_uid = a->op.from_uid;
	op->from_item = a->op.from_item;
	op->unknown_cte = a->op.unknown_cte;
	op->unreadable = a->op.unreadable;
	if (op->over)
		imap_ahead_drop(a->s);
	else
		read_on(a, op);
}

static void
done(struct store_job *job)
{
	struct imap_ahead *a = (struct imap_ahead *)job;
	struct imap_session *s = a->s;
	struct imap_fetch_op *asked = a->asked;
	bool good = job->rc == 0;

	a->reading = false;
	a->asked = NULL;
	if (s == NULL) {
		free_ahead(a);
		return;
	}
	if (!good)
		imap_ahead_drop(s);
	else if (asked != NULL)
		give(a, asked);
	if (asked != NULL)
		imap_job_go_on(s, good);
}

void
imap_ahead_begin(struct imap_session *s, const struct imap_fetch_op *op)
{
	struct imap_ahead *a = MEM_NEW(struct imap_ahead);

	imap_ahead_drop(s);
	s->ahead = a;
	a->s = s;
	a->job.run = run;
	a->job.done = done;
	a->context.headers = s->popd->headers;
	a->op.op.kind = IMAP_OP_FETCH;
	a->op.op.account = op->op.account;
	a->op.mailbox = op->mailbox;
	a->op.utf8 = op->utf8;
	imap_fetch_query_copy(&op->query, &a->op.query);
	seqset_add_all(&a->op.uids, &op->uids);
	buf_init(&a->op.batch.text, op->batch.text.limit);
	read_on(a, op);
}

enum imap_ahead_is
imap_ahead_take(struct imap_session *s, struct imap_fetch_op *op)
{
	struct imap_ahead *a = s->ahead;
	bool reading;

	if (a == NULL)
		return IMAP_AHEAD_NONE;
	/* a command that is not over goes on where it was */
	assert(a->op.mailbox == op->mailbox && a->from_uid == op->from_uid &&
	       a->from_item == op->from_item);
	reading = a->reading;
	if (reading)
		a->asked = op;
	else
		give(a, op);
	return reading ? IMAP_AHEAD_SOON : IMAP_AHEAD_HERE;
}

void
imap_ahead_drop(struct imap_session *s)
{
	struct imap_ahead *a = s->ahead;

	s->ahead = NULL;
	if (a != NULL && a->reading)
		a->s = NULL;
	else if (a != NULL)
		free_ahead(a);
}
