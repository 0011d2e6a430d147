/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <stdlib.h>

#include "common/store/mailbox.h"
#include "common/util/mem.h"
#include "popd/mailboxes_state.h"

#define EVERY_MS      5000
#define KEPT_BOXES    64 /* mirrors that nobody views */
#define KEPT_MESSAGES ((size_t)1 << 19)
#define RECENT_WEIGHT 100 /* octets a row writes, about */

/* What the store has of a mailbox. */
struct seen {
	int64_t mailbox, modseq;
	bool gone;
};

struct look {
	struct store_job job; /* first, so that a job is its look */
	struct mailboxes *all;
	struct seen *boxes;
	size_t n;
};

struct recent {
	int64_t mailbox;
	uint32_t uid;
};

struct recents {
	struct store_job job; /* first, so that a job is its recents */
	const struct log *log;
	struct recent *boxes;
	size_t n;
};

/* ---- \Recent ---- */

static int
run_recents(struct db *db, struct store_job *job, struct fail *f)
{
	struct recents *r = (struct recents *)job;

	for (size_t i = 0; i < r->n; i++)
		if (mailbox_set_recent(
			db, r->boxes[i].mailbox, r->boxes[i].uid, f) == -1)
			return -1;
	return 0;
}

static void
done_recents(struct store_job *job)
{
	struct recents *r = (struct recents *)job;

	if (job->rc == -1)
		log_warn(r->log, "who was told of new messages is not kept: %s",
		    job->fail.text);
	free(r->boxes);
	free(r);
}

static bool
was_told(const struct box *b)
{
	return b->mirror != NULL && !b->gone &&
	       mirror_recent_uid(b->mirror) > b->recent_uid;
}

static void
write_recents(struct mailboxes *m)
{
	struct recents *r;
	size_t n = 0;

	for (size_t i = 0; i < m->n; i++)
		n += was_told(m->boxes[i]);
	if (n == 0)
		return;
	r = MEM_NEW(struct recents);
	r->job.run = run_recents;
	r->job.done = done_recents;
	r->job.weight = n * RECENT_WEIGHT;
	r->log = m->log;
	r->boxes = mem_new(n, sizeof(*r->boxes));
	for (size_t i = 0; i < m->n; i++) {
		struct box *b = m->boxes[i];

		if (!was_told(b))
			continue;
		b->recent_uid = mirror_recent_uid(b->mirror);
		r->boxes[r->n++] = (struct recent){b->mailbox, b->recent_uid};
	}
	store_write(m->store, &r->job);
}

/* ---- mirrors nobody views ---- */

static bool
is_viewed(const struct box *b)
{
	return b->reading || (b->mirror != NULL && mirror_views(b->mirror) > 0);
}

static void
drop(struct mailboxes *m, struct box *b)
{
	assert(b->now.first == NULL && b->next.first == NULL);
	boxes_forget(m, b);
	mirror_free(b->mirror);
	free(b);
}

static int
newest_first(const void *a, const void *b)
{
	const struct box *x = *(struct box *const *)a;
	const struct box *y = *(struct box *const *)b;

	return x->used_ms != y->used_ms ? (x->used_ms < y->used_ms ? 1 : -1)
	                                : 0;
}

static void
drop_old(struct mailboxes *m)
{
	struct box **idle = mem_new(m->n + 1, sizeof(struct box *));
	size_t n = 0, messages = 0;

	for (size_t i = 0; i < m->n; i++)
		if (is_viewed(m->boxes[i]))
			m->boxes[i]->used_ms = loop_now_ms(m->loop);
		else
			idle[n++] = m->boxes[i];
	qsort(idle, n, sizeof(struct box *), newest_first);
	for (size_t i = 0, kept = 0; i < n; i++) {
		bool good = idle[i]->mirror != NULL && !idle[i]->gone;

		if (good)
			messages += mirror_count(idle[i]->mirror);
		if (good && kept < KEPT_BOXES && messages <= KEPT_MESSAGES)
			kept++;
		else
			drop(m, idle[i]);
	}
	free(idle);
}

/* ---- what has changed ---- */

static int
run_look(struct db *db, struct store_job *job, struct fail *f)
{
	struct look *look = (struct look *)job;
	struct mailbox row;

	for (size_t i = 0; i < look->n; i++) {
		struct seen *s = &look->boxes[i];
		int found = mailbox_find_id(db, s->mailbox, &row, f);

		if (found == -1)
			return -1;
		s->gone = found == 0;
		s->modseq = found == 1 ? row.modseq : 0;
	}
	return 0;
}

static void
done_look(struct store_job *job)
{
	struct look *look = (struct look *)job;
	struct mailboxes *m = look->all;

	m->looking = false;
	for (size_t i = 0; i < look->n && job->rc == 0; i++) {
		const struct seen *s = &look->boxes[i];
		struct box *b = boxes_find(m, s->mailbox);

		if (b == NULL || b->mirror == NULL || b->gone || m->stopped)
			continue;
		if (s->gone || s->modseq > mirror_facts(b->mirror)->modseq)
			boxes_refresh(b);
	}
	free(look->boxes);
	free(look);
}

static void
look_for_changes(struct mailboxes *m)
{
	struct look *look;

	if (m->looking || m->n == 0)
		return;
	m->looking = true;
	look = MEM_NEW(struct look);
	look->job.run = run_look;
	look->job.done = done_look;
	look->all = m;
	look->boxes = mem_new(m->n, sizeof(*look->boxes));
	for (size_t i = 0; i < m->n; i++)
		if (is_viewed(m->boxes[i]) && !m->boxes[i]->gone)
			look->boxes[look->n++].mailbox = m->boxes[i]->mailbox;
	store_read(m->store, &look->job);
}

static void
on_timer(void *arg)
{
	struct mailboxes *m = arg;

	write_recents(m);
	drop_old(m);
	look_for_changes(m);
	timer_set(m->timer, EVERY_MS);
}

void
look_start(struct mailboxes *m)
{
	m->timer = timer_new(m->loop, on_timer, m);
	timer_set(m->timer, EVERY_MS);
}

void
look_stop(struct mailboxes *m)
{
	write_recents(m);
	timer_free(m->timer);
	m->timer = NULL;
}
