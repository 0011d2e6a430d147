/* SPDX-License-Identifier: MIT */
#include "maild/relay/pending.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>

#include "common/mime/header.h"
#include "common/mime/pending_note.h"
#include "common/store/body.h"
#include "common/store/pending.h"
#include "common/store/queue.h"
#include "common/util/mem.h"
#include "common/util/rand.h"

#define BATCH       20 /* notes in one transaction */
#define SHOWN       PENDING_SHOWN
#define WHOLE_MAX   (256 * KB) /* of a message; of a larger one the header */
#define HEADER_MAX  (64 * KB)
#define SKIPPED_MAX (4 * KB) /* the Return-Path before it */
#define LOOK_MS     1000     /* between two walks, at least ... */
#define REST_MAX_MS 30000    /* ... and ten times what the last one took */
#define MORE_MS     20       /* between two steps of one, at least ... */
#define MORE_MAX_MS 500      /* ... twice as long as the last one took */
#define AGAIN_MS    30000    /* after a failure */

/* One change, on its way. */
struct note {
	struct pending_change change;
	struct queue_list queue; /* the first recipients of it */
	struct buf octets;       /* the message, or its beginning */
	bool whole;
	uint64_t random;
	struct stage *stage; /* of the note; NULL: it goes */
};

struct pending {
	struct store_job read, write;
	struct relay_deps deps;
	struct timer *timer; /* the next look */
	struct pending_walk walk;
	struct note notes[BATCH];
	size_t n;
	int64_t mailboxes[BATCH]; /* that changed */
	size_t n_mailboxes;
	int64_t now_ms;
	int64_t begun_ms;  /* the step under way */
	int64_t worked_ms; /* the steps of this walk that are over */
	int64_t next_ms;   /* no walk begins before */
	bool waits, busy, again, stopped;
	bool over; /* none are wanted, and there are none any more */
};

static struct pending *
of_read(struct store_job *job)
{
	return (struct pending *)((char *)job - offsetof(struct pending, read));
}

static struct pending *
of_write(struct store_job *job)
{
	return (
	    struct pending *)((char *)job - offsetof(struct pending, write));
}

/* ---- reading what a note shows ---- */

/* The message behind its Return-Path.  What cannot be read is not shown. */
static void
read_message(struct note *n, struct db *db, const struct queue_entry *e)
{
	struct fail ignored = {0};
	struct body *body = body_open(db, e->body, &ignored);
	size_t skip = e->skip < SKIPPED_MAX ? (size_t)e->skip : 0;
	size_t max = HEADER_MAX + skip;

	buf_init(&n->octets, 2 * (WHOLE_MAX + SKIPPED_MAX));
	if (body == NULL)
		return;
	/* RFC 2046 s5.2.1: there is no message/rfc822 in binary */
	n->whole = body_size(body) <= WHOLE_MAX + skip && !e->binary;
	if (n->whole)
		max = WHOLE_MAX + skip;
	while (n->octets.len < max &&
	       body_read(body, max - n->octets.len, &n->octets, &ignored) == 1)
		;
	n->whole &= n->octets.len == body_size(body);
	body_free(body);
	buf_drop(&n->octets, skip < n->octets.len ? skip : n->octets.len);
}

static int
read_note(struct note *n, struct db *db, int64_t now_ms, struct fail *f)
{
	struct queue_filter which = {.trace = n->change.trace};

	if (queue_read(db, &which, now_ms, SHOWN, &n->queue, f) == -1)
		return -1;
	if (n->queue.n > 0)
		read_message(n, db, &n->queue.entries[0]);
	n->random = rand_u64();
	return 0;
}

static int
run_read(struct db *db, struct store_job *job, struct fail *f)
{
	struct pending *p = of_read(job);
	struct pending_change changes[BATCH];

	if (pending_look(db, &p->walk, p->now_ms, changes, BATCH, &p->n, f) ==
	    -1)
		return -1;
	for (size_t i = 0; i < p->n; i++)
		p->notes[i] = (struct note){.change = changes[i]};
	for (size_t i = 0; i < p->n; i++)
		if (!changes[i].remove &&
		    read_note(&p->notes[i], db, p->now_ms, f) == -1)
			return -1;
	return 0;
}

/* ---- composing ---- */

static enum pending_note_state
state_of(const struct queue_entry *e, int64_t now_ms)
{
	switch (queue_entry_state(e, now_ms)) {
	case QUEUE_HELD:
		return PENDING_NOTE_HELD;
	case QUEUE_SCHEDULED:
		return PENDING_NOTE_SCHEDULED;
	case QUEUE_PAUSED:
		return PENDING_NOTE_PAUSED;
	case QUEUE_ANY:
	case QUEUE_WAITING:
		break;
	}
	return PENDING_NOTE_WAITS;
}

static struct pending_note_recipient
recipient(const struct queue_entry *e, int64_t now_ms)
{
	return (struct pending_note_recipient){
	    .state = state_of(e, now_ms),
	    .address = str_of(e->original != NULL ? e->original : e->address),
	    .tries = e->tries,
	    .tried_s = e->last_ms / 1000,
	    .next_s = e->next_ms / 1000,
	    .until_s = e->expires_ms / 1000,
	    .said = e->last_code != 0,
	    .reply = str_of(e->last_reply),
	    .host = str_of(e->last_host),
	};
}

static int
compose(const struct pending *p, struct note *n, struct fail *f)
{
	struct pending_note_recipient recipients[SHOWN];
	char id[TRACE_TEXT_MAX];
	struct pending_note note = {
	    .host = str_of(p->deps.conf->server_hostname),
	    .sender = str_of(n->queue.entries[0].return_to),
	    .id = str_of(trace_text(n->change.trace, id)),
	    .now_s = p->now_ms / 1000,
	    .random = n->random,
	    .recipients = recipients,
	    .n = n->queue.n,
	    .more = n->change.recipients > n->queue.n
	                ? n->change.recipients - n->queue.n
	                : 0,
	};
	struct str rest;
	struct buf out;

	for (size_t i = 0; i < n->queue.n; i++)
		recipients[i] = recipient(&n->queue.entries[i], p->now_ms);
	header_split(buf_str(&n->octets), &note.block, &rest);
	if (n->whole)
		note.message = buf_str(&n->octets);
	buf_init(&out, pending_note_room(&note));
	pending_note_compose(&note, &out);
	assert(!out.overrun);
	n->stage = stage_new(store_dir(p->deps.store));
	stage_add(n->stage, buf_str(&out));
	buf_release(&out);
	return stage_seal(n->stage, STR(""), f);
}

static int
prepare_write(struct store_job *job, struct fail *f)
{
	struct pending *p = of_write(job);

	for (size_t i = 0; i < p->n; i++) {
		struct note *n = &p->notes[i];

		/* no recipients: it has gone while it was read */
		if (!n->change.remove && n->queue.n > 0 &&
		    compose(p, n, f) == -1)
			return -1;
	}
	return 0;
}

/* ---- writing ---- */

static int
write_note(
    struct pending *p, const struct note *n, struct db *db, struct fail *f)
{
	int64_t mailbox = 0;
	int got = 0;

	if (n->change.remove)
		got = pending_remove(
		    db, n->change.trace, p->now_ms, &mailbox, f);
	else if (n->stage != NULL)
		got = pending_put(
		    db, &n->change, n->stage, p->now_ms, &mailbox, f);
	if (got == 1)
		p->mailboxes[p->n_mailboxes++] = mailbox;
	return got == -1 ? -1 : 0;
}

/* The last step of taking all notes away. */
static bool
is_last(const struct pending *p)
{
	return p->walk.off && p->walk.account == 0 && !p->walk.left;
}

static int
run_write(struct db *db, struct store_job *job, struct fail *f)
{
	struct pending *p = of_write(job);

	p->n_mailboxes = 0;
	for (size_t i = 0; i < p->n; i++)
		if (write_note(p, &p->notes[i], db, f) == -1)
			return -1;
	return is_last(p) ? pending_give_up(db, f) : 0;
}

static void
forget_notes(struct pending *p)
{
	for (size_t i = 0; i < p->n; i++) {
		struct note *n = &p->notes[i];

		queue_list_release(&n->queue);
		buf_release(&n->octets);
		stage_free(n->stage);
	}
	p->n = 0;
}

/* ---- when ---- */

static void
wait_for(struct pending *p, int64_t ms)
{
	p->waits = true;
	timer_set(p->timer, ms);
}

static int64_t
at_least(int64_t ms, int64_t least)
{
	return ms > least ? ms : least;
}

static int64_t
at_most(int64_t ms, int64_t most)
{
	return ms < most ? ms : most;
}

/* When the store has much to do, the rest of it comes first. */
static int64_t
more_ms(int64_t took_ms)
{
	return at_least(at_most(2 * took_ms, MORE_MAX_MS), MORE_MS);
}

static void
walk_again(struct pending *p)
{
	wait_for(p, at_least(p->next_ms - clock_mono_ms(p->deps.clock), 0));
}

/* A walk is over. */
static void
rest(struct pending *p)
{
	int64_t ms = at_least(at_most(10 * p->worked_ms, REST_MAX_MS), LOOK_MS);

	p->worked_ms = 0;
	p->next_ms = clock_mono_ms(p->deps.clock) + ms;
	if (p->walk.off && !p->walk.left)
		p->over = true;
	else if (p->walk.left || p->again)
		walk_again(p);
	else if (p->walk.later_ms > 0) /* or before, when it is kicked */
		timer_set(p->timer, at_least(p->walk.later_ms, ms));
}

/* A step is over: go on with the walk, or walk again, or rest. */
static void
next(struct pending *p, const struct store_job *job)
{
	int64_t took = clock_mono_ms(p->deps.clock) - p->begun_ms;

	forget_notes(p);
	p->busy = false;
	p->worked_ms += took;
	if (p->stopped)
		return;
	if (job->rc == -1) {
		log_warn(
		    p->deps.log, "notes of what waits: %s", job->fail.text);
		p->walk.left = true; /* what failed is not done */
		wait_for(p, AGAIN_MS);
	} else if (p->walk.account != 0)
		wait_for(p, more_ms(took));
	else
		rest(p);
}

static void
done_write(struct store_job *job)
{
	struct pending *p = of_write(job);

	if (job->rc == 0)
		mailbox_notice_add(
		    p->deps.notice, p->mailboxes, p->n_mailboxes);
	next(p, job);
}

static size_t
weight(const struct pending *p)
{
	size_t octets = p->n * KB;

	for (size_t i = 0; i < p->n; i++)
		octets += p->notes[i].octets.len;
	return octets;
}

static void
done_read(struct store_job *job)
{
	struct pending *p = of_read(job);

	if (job->rc == -1 || p->stopped || (p->n == 0 && !is_last(p))) {
		next(p, job);
		return;
	}
	p->write = (struct store_job){.prepare = prepare_write,
	    .run = run_write,
	    .done = done_write,
	    .weight = weight(p)};
	store_write(p->deps.store, &p->write);
}

static void
look(void *arg)
{
	struct pending *p = arg;

	assert(!p->busy);
	p->waits = false;
	p->busy = true;
	if (p->walk.account == 0) { /* a new walk sees what was kicked for */
		p->walk.left = p->again = false;
		p->walk.later_ms = 0;
	}
	p->now_ms = clock_wall_ms(p->deps.clock);
	p->begun_ms = clock_mono_ms(p->deps.clock);
	p->read = (struct store_job){.run = run_read, .done = done_read};
	store_read(p->deps.store, &p->read);
}

void
pending_kick(struct pending *p)
{
	if (p == NULL || p->stopped || p->over)
		return;
	p->again = true;
	if (!p->busy && !p->waits)
		walk_again(p);
}

struct pending *
pending_new(const struct relay_deps *deps)
{
	struct pending *p = MEM_NEW(struct pending);

	p->deps = *deps;
	p->walk.off = !deps->conf->submission_pending;
	p->timer = timer_new(deps->loop, look, p);
	return p;
}

void
pending_stop(struct pending *p)
{
	if (p == NULL)
		return;
	p->stopped = true;
	timer_clear(p->timer);
}

void
pending_free(struct pending *p)
{
	if (p == NULL)
		return;
	forget_notes(p);
	timer_free(p->timer);
	free(p);
}
