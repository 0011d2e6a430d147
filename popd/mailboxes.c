/* SPDX-License-Identifier: MIT */
#include "popd/mailboxes.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/store/mailbox.h"
#include "common/util/mem.h"
#include "popd/mailboxes_state.h"
#include "popd/ops/ops.h"

/* Either somebody who wants the mirror, or who wants it to have caught up. */
struct waiter {
	mailboxes_ready *ready;
	void (*caught_up)(void *arg);
	void *arg;
	struct waiter *next;
};

/* A job that reads a mirror, or what is new since it was read. */
struct reading {
	struct store_job job; /* first, so that a job is its reading */
	struct box *box;
	int64_t mailbox, since;
	uint32_t uid_next;
	bool whole;
	bool found;
	struct mirror *mirror;      /* whole */
	struct ops_refresh refresh; /* otherwise */
};

/* Whose is this mailbox?  For those who want to hear of all of them. */
struct owner {
	struct store_job job; /* first, so that a job is its owner */
	struct mailboxes *all;
	int64_t mailbox, account;
};

/* ---- the register ---- */

static size_t
place(const struct mailboxes *m, int64_t mailbox)
{
	size_t low = 0, high = m->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (m->boxes[middle]->mailbox < mailbox)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct box *
boxes_find(struct mailboxes *m, int64_t mailbox)
{
	size_t at = place(m, mailbox);

	return at < m->n && m->boxes[at]->mailbox == mailbox ? m->boxes[at]
	                                                     : NULL;
}

void
boxes_forget(struct mailboxes *m, struct box *b)
{
	size_t at = place(m, b->mailbox);

	assert(at < m->n && m->boxes[at] == b);
	m->n--;
	memmove(
	    m->boxes + at, m->boxes + at + 1, (m->n - at) * sizeof(*m->boxes));
}

static struct box *
box_make(struct mailboxes *m, int64_t mailbox)
{
	size_t at = place(m, mailbox);
	struct box *b;

	if (at < m->n && m->boxes[at]->mailbox == mailbox)
		return m->boxes[at];
	b = MEM_NEW(struct box);
	b->all = m;
	b->mailbox = mailbox;
	b->now.end = &b->now.first;
	b->next.end = &b->next.first;
	if (m->n == m->room) {
		m->room = m->room * 2 + 16;
		m->boxes = mem_grow(m->boxes, m->room, sizeof(*m->boxes));
	}
	memmove(
	    m->boxes + at + 1, m->boxes + at, (m->n - at) * sizeof(*m->boxes));
	m->boxes[at] = b;
	m->n++;
	return b;
}

/* ---- waiting ---- */

static void
wait_in(struct waiters *w, const struct waiter *what)
{
	struct waiter *x = MEM_NEW(struct waiter);

	*x = *what;
	*w->end = x;
	w->end = &x->next;
}

static struct waiter *
take_all(struct waiters *w)
{
	struct waiter *first = w->first;

	w->first = NULL;
	w->end = &w->first;
	return first;
}

static void
serve(struct waiter *first, struct mirror *mirror, const struct fail *f)
{
	struct waiter *next;

	for (struct waiter *w = first; w != NULL; w = next) {
		next = w->next;
		if (w->ready != NULL)
			w->ready(w->arg, mirror, f);
		else
			w->caught_up(w->arg);
		free(w);
	}
}

/* ---- reading ---- */

static int
run_reading(struct db *db, struct store_job *job, struct fail *f)
{
	struct reading *r = (struct reading *)job;
	int rc;

	if (r->whole) {
		rc = ops_mirror(db, r->mailbox, &r->mirror, f);
		r->found = r->mirror != NULL;
	} else {
		rc = ops_refresh(
		    db, r->mailbox, r->since, r->uid_next, &r->refresh, f);
		r->found = rc == 1;
	}
	return rc == -1 ? -1 : 0;
}

static void
bring_up_to_date(struct box *b, struct reading *r)
{
	int64_t before = mirror_facts(b->mirror)->modseq;

	for (unsigned bit = 0; bit < 64; bit++)
		if (r->refresh.keywords[bit] != NULL)
			mirror_set_keyword(
			    b->mirror, bit, str_of(r->refresh.keywords[bit]));
	mirror_apply(b->mirror, &r->refresh.delta);
	if (mirror_facts(b->mirror)->modseq != before)
		hear_change(
		    b->all, b->mailbox, mirror_facts(b->mirror)->account, NULL);
}

static void
box_is_gone(struct box *b)
{
	if (b->gone)
		return;
	b->gone = true;
	if (b->mirror == NULL)
		return;
	mirror_set_gone(b->mirror);
	hear_change(b->all, b->mailbox, mirror_facts(b->mirror)->account, NULL);
}

static void
done_reading(struct store_job *job)
{
	struct reading *r = (struct reading *)job;
	struct box *b = r->box;
	struct waiter *waiting = take_all(&b->now);

	if (job->rc == -1) {
		log_error(b->all->log, "mailbox %lld: %s",
		    (long long)b->mailbox, job->fail.text);
	} else if (!r->found) {
		box_is_gone(b);
	} else if (r->whole) {
		b->mirror = r->mirror;
		b->recent_uid = mirror_facts(r->mirror)->recent_uid;
	} else {
		bring_up_to_date(b, r);
	}
	if (!r->whole)
		ops_refresh_release(&r->refresh);
	/* so that a waiter that asks anew is not served by what was read
	 * before it asked, b is still reading here */
	serve(waiting, job->rc == -1 || b->gone ? NULL : b->mirror,
	    job->rc == -1 ? &job->fail : NULL);
	free(r);
	b->reading = false;
	if (b->next.first != NULL || b->again)
		boxes_refresh(b);
}

static void
start_reading(struct box *b)
{
	struct reading *r = MEM_NEW(struct reading);

	assert(!b->reading && b->now.first == NULL);
	b->now.first = b->next.first;
	b->now.end = b->next.first != NULL ? b->next.end : &b->now.first;
	b->next.first = NULL;
	b->next.end = &b->next.first;
	b->reading = true;
	b->again = false;
	b->used_ms = loop_now_ms(b->all->loop);
	r->job.run = run_reading;
	r->job.done = done_reading;
	r->box = b;
	r->mailbox = b->mailbox;
	r->whole = b->mirror == NULL;
	if (!r->whole) {
		r->since = mirror_facts(b->mirror)->modseq;
		r->uid_next = mirror_facts(b->mirror)->uid_next;
	}
	store_read(b->all->store, &r->job);
}

void
boxes_refresh(struct box *b)
{
	if (b->reading)
		b->again = true;
	else
		start_reading(b);
}

static void
wait_for_reading(struct box *b, const struct waiter *what)
{
	wait_in(&b->next, what);
	if (!b->reading)
		start_reading(b);
}

void
mailboxes_get(
    struct mailboxes *m, int64_t mailbox, mailboxes_ready *fn, void *arg)
{
	wait_for_reading(
	    box_make(m, mailbox), &(struct waiter){.ready = fn, .arg = arg});
}

/* ---- what was committed ---- */

/* True if the mirror has caught up with it, or there is none. */
static bool
apply(struct mailboxes *m, const struct mirror_delta *d, int64_t account,
    const struct mailbox_listener *by)
{
	struct box *b = boxes_find(m, d->mailbox);
	bool applied;

	hear_change(m, d->mailbox, account, by);
	if (b == NULL)
		return true;
	applied = b->mirror != NULL && mirror_apply(b->mirror, d);
	if (!applied)
		boxes_refresh(b);
	return applied;
}

void
mailboxes_committed(struct mailboxes *m, const struct imap_op *op,
    const struct mailbox_listener *by, int64_t mailbox, void (*done)(void *arg),
    void *arg)
{
	struct box *behind = NULL, *gone = boxes_find(m, op->gone);

	for (size_t i = 0; i < op->n_deltas; i++)
		if (!apply(m, &op->deltas[i], op->account, by) &&
		    op->deltas[i].mailbox == mailbox)
			behind = boxes_find(m, mailbox);
	if (gone != NULL)
		box_is_gone(gone);
	for (size_t i = 0; i < op->n_news; i++)
		hear_news(m, op->account, &op->news[i], by);
	if (behind != NULL)
		wait_for_reading(
		    behind, &(struct waiter){.caught_up = done, .arg = arg});
	else
		done(arg);
}

/* ---- notices ---- */

static int
run_owner(struct db *db, struct store_job *job, struct fail *f)
{
	struct owner *o = (struct owner *)job;
	struct mailbox row;
	int found = mailbox_find_id(db, o->mailbox, &row, f);

	if (found == 1)
		o->account = row.account;
	return found == -1 ? -1 : 0;
}

static void
done_owner(struct store_job *job)
{
	struct owner *o = (struct owner *)job;

	if (o->account != 0)
		hear_change(o->all, o->mailbox, o->account, NULL);
	free(o);
}

static void
find_owner(struct mailboxes *m, int64_t mailbox)
{
	struct owner *o = MEM_NEW(struct owner);

	o->job.run = run_owner;
	o->job.done = done_owner;
	o->all = m;
	o->mailbox = mailbox;
	store_read(m->store, &o->job);
}

void
mailboxes_notice(struct mailboxes *m, int64_t mailbox)
{
	struct box *b = boxes_find(m, mailbox);

	/* whoever comes to a mirror that nobody views reads it anew */
	if (b != NULL &&
	    (b->reading || (b->mirror != NULL && mirror_views(b->mirror) > 0)))
		boxes_refresh(b);
	else if (hear_wants_all(m))
		find_owner(m, mailbox);
}

/* ---- life ---- */

struct mailboxes *
mailboxes_new(struct loop *l, struct store *store, const struct log *log)
{
	struct mailboxes *m = MEM_NEW(struct mailboxes);

	m->loop = l;
	m->store = store;
	m->log = log;
	hear_start(m);
	look_start(m);
	return m;
}

void
mailboxes_stop(struct mailboxes *m)
{
	if (m == NULL)
		return;
	m->stopped = true;
	look_stop(m);
	hear_stop(m);
}

void
mailboxes_free(struct mailboxes *m)
{
	if (m == NULL)
		return;
	assert(m->stopped && m->listeners == NULL);
	for (size_t i = 0; i < m->n; i++) {
		assert(!m->boxes[i]->reading);
		mirror_free(m->boxes[i]->mirror);
		free(m->boxes[i]);
	}
	free(m->boxes);
	free(m);
}
