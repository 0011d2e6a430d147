/* SPDX-License-Identifier: MIT */
#include <stddef.h>
#include <stdlib.h>

#include "common/util/mem.h"
#include "popd/imap_session_state.h"
#include "popd/proto/imap_selected_op.h"

#define TELL_MS   10000 /* RFC 9585: how often a client hears of progress */
#define OP_WEIGHT 1000  /* octets an op writes besides its messages */

/* ---- messages on their way in ---- */

void
imap_job_stage(struct imap_session *s)
{
	s->stages = mem_grow(s->stages, s->n_stages + 1, sizeof(*s->stages));
	s->stages[s->n_stages++] = stage_new(store_dir(s->popd->store));
}

void
imap_job_octets(struct imap_session *s)
{
	struct str octets = imap_octets(s->imap);

	s->octets += octets.len;
	if (s->n_stages > 0)
		stage_add(s->stages[s->n_stages - 1], octets);
}

void
imap_job_unstage(struct imap_session *s)
{
	for (size_t i = 0; i < s->n_stages; i++)
		stage_free(s->stages[i]);
	free(s->stages);
	s->stages = NULL;
	s->n_stages = 0;
}

/* ---- ops ---- */

static bool
takes_stages(const struct imap_op *op)
{
	return op->kind == IMAP_OP_APPEND || op->kind == IMAP_OP_REPLACE;
}

/* The op has its answer. */
static void
answer(void *arg)
{
	struct imap_session *s = arg;

	if (takes_stages(s->job.op))
		imap_job_unstage(s);
	s->job.op = NULL;
	if (s->conn != NULL)
		imap_done(s->imap);
	imap_session_resume(s);
}

static void
fail_op(struct imap_op *op, const struct fail *f)
{
	op->rc = -1;
	op->fail = *f;
	op->code = IMAP_CODE_NONE;
}

static void
opened(void *arg, struct mirror *mirror, const struct fail *f)
{
	struct imap_session *s = arg;

	if (f != NULL)
		fail_op(s->job.op, f);
	((struct imap_select_op *)s->job.op)->mirror = mirror;
	answer(s);
}

static void
polled(void *arg, struct mirror *mirror, const struct fail *f)
{
	struct imap_session *s = arg;

	(void)mirror; /* the session's view knows it */
	if (f != NULL)
		fail_op(s->job.op, f);
	answer(s);
}

static int
prepare(struct store_job *job, struct fail *f)
{
	struct imap_job *j = (struct imap_job *)job;

	if (ops_prepare(&j->context, j->op) == 0)
		return 0;
	*f = j->op->fail;
	return -1;
}

static int
run(struct db *db, struct store_job *job, struct fail *f)
{
	struct imap_job *j = (struct imap_job *)job;

	if (ops_run(db, &j->context, j->op) == 0)
		return 0;
	*f = j->op->fail;
	return -1;
}

/* Nobody waits for what the op would find any more? */
static bool
is_forsaken(struct imap_session *s)
{
	if (s->conn != NULL && !s->ending)
		return false;
	s->job.op = NULL;
	imap_session_resume(s);
	return true;
}

static void
search_goes(struct turn *turn)
{
	struct imap_job *j = (struct imap_job *)((char *)turn -
						 offsetof(
						     struct imap_job, turn));
	struct imap_session *s = j->s;

	if (s->conn != NULL && !s->ending) {
		store_read(s->popd->store, &j->job);
		return;
	}
	turns_give(&s->popd->searches, turn);
	is_forsaken(s);
}

static void
submit(struct imap_session *s)
{
	struct imap_job *j = &s->job;

	if (j->op->kind == IMAP_OP_SEARCH)
		turns_take(&s->popd->searches, &j->turn);
	else if (ops_writes(j->op->kind))
		store_write(s->popd->store, &j->job);
	else
		store_read(s->popd->store, &j->job);
}

/* It is not over yet. */
static void
again(struct imap_session *s)
{
	struct imap_job *j = &s->job;
	int64_t now_ms = loop_now_ms(s->popd->loop);

	if (is_forsaken(s))
		return;
	if (now_ms - j->told_ms >= TELL_MS) {
		j->told_ms = now_ms;
		imap_progress(s->imap);
		imap_session_flush(s);
	}
	submit(s);
}

static bool
goes_on(const struct imap_op *op)
{
	return op->kind == IMAP_OP_FETCH && op->rc == 0 &&
	       !((const struct imap_fetch_op *)op)->over;
}

static void
done(struct store_job *job)
{
	struct imap_job *j = (struct imap_job *)job;
	struct imap_session *s = j->s;
	struct imap_op *op = j->op;

	if (op->kind == IMAP_OP_SEARCH)
		turns_give(&s->popd->searches, &j->turn);
	if (job->rc == -1 && op->rc == 0) /* not begun, or not committed */
		fail_op(op, &job->fail);
	if (op->rc == -1 &&
	    (op->fail.kind == FAIL_TEMP || op->fail.kind == FAIL_DISK))
		log_error(&s->popd->log, "command of %s: %s", s->login,
		    op->fail.text);
	if (goes_on(op) && s->conn != NULL)
		imap_ahead_begin(s, (const struct imap_fetch_op *)op);
	if (op->rc == -1)
		answer(s);
	else if (op->again)
		again(s);
	else if (ops_writes(op->kind))
		mailboxes_committed(s->popd->mailboxes, op, &s->listener,
		    imap_selected(s->imap), answer, s);
	else if (op->kind == IMAP_OP_SELECT &&
		 ((struct imap_select_op *)op)->mailbox != 0)
		mailboxes_get(s->popd->mailboxes,
		    ((struct imap_select_op *)op)->mailbox, opened, s);
	else
		answer(s);
}

static size_t
weight(const struct imap_session *s, const struct imap_op *op)
{
	uint64_t n = OP_WEIGHT;

	for (size_t i = 0; takes_stages(op) && i < s->n_stages; i++)
		n += stage_size(s->stages[i]);
	return n < SIZE_MAX / 2 ? (size_t)n : SIZE_MAX / 2;
}

void
imap_job_begin(struct imap_session *s)
{
	struct imap_job *j = &s->job;
	struct imap_op *op = imap_op(s->imap);

	s->busy = true;
	*j = (struct imap_job){.s = s, .op = op};
	if (op->kind == IMAP_OP_POLL) {
		mailboxes_get(s->popd->mailboxes,
		    ((struct imap_poll_op *)op)->mailbox, polled, s);
		return;
	}
	j->turn.account = s->listener.account;
	j->turn.go = search_goes;
	j->told_ms = loop_now_ms(s->popd->loop);
	j->context = (struct ops_context){.login = str_of(s->login),
	    .peer = str_of(s->ip),
	    .client = str_of(imap_client(s->imap)),
	    .now_ms = clock_wall_ms(s->popd->clock),
	    .stages = s->stages,
	    .n_stages = s->n_stages,
	    .traces = &s->popd->traces,
	    .learn = s->popd->conf->policy_reputation,
	    .headers = s->popd->headers};
	j->job.prepare = takes_stages(op) ? prepare : NULL;
	j->job.run = run;
	j->job.done = done;
	j->job.weight = weight(s, op);
	if (op->kind != IMAP_OP_FETCH) {
		submit(s);
		return;
	}
	switch (imap_ahead_take(s, (struct imap_fetch_op *)op)) {
	case IMAP_AHEAD_NONE:
		submit(s);
		break;
	case IMAP_AHEAD_HERE:
		answer(s);
		break;
	case IMAP_AHEAD_SOON:
		break;
	}
}

void
imap_job_go_on(struct imap_session *s, bool answered)
{
	if (answered)
		answer(s);
	else
		submit(s);
}
