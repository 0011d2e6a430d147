/* SPDX-License-Identifier: MIT */
#include "popd/pop3_ahead.h"

#include <stdlib.h>

#include "common/store/body.h"
#include "common/util/mem.h"
#include "popd/pop3_session_state.h"

#define AHEAD_OCTETS   (64 * KB) /* of messages, on one shelf */
#define AHEAD_MESSAGES 32

/* Messages that follow one another. */
struct shelf {
	size_t first, n; /* places in the maildrop */
	struct {
		int64_t body; /* 0: marked deleted, not read */
		bool there;
		size_t at, len; /* in text */
	} of[AHEAD_MESSAGES];
	struct buf text;
};

struct pop3_ahead {
	struct store_job job;   /* first, so that a job is its pop3_ahead */
	struct pop3_session *s; /* NULL: nobody will ask */
	struct shelf here;      /* being given out */
	struct shelf next;      /* the job's while it is under way */
	bool reading, asked;
	size_t wanted; /* if asked */
};

static void
free_ahead(struct pop3_ahead *a)
{
	buf_release(&a->here.text);
	buf_release(&a->next.text);
	free(a);
}

static bool
is_on(const struct shelf *shelf, size_t index)
{
	return index >= shelf->first && index - shelf->first < shelf->n;
}

static bool
find(const struct shelf *shelf, size_t index, struct str *text)
{
	size_t i = index - shelf->first;

	if (!is_on(shelf, index) || !shelf->of[i].there)
		return false;
	*text = str_first(str_after(buf_str(&shelf->text), shelf->of[i].at),
	    shelf->of[i].len);
	return true;
}

/* One that cannot be read is left to who reads it for itself, and says so. */
static int
read_shelf(struct db *db, struct store_job *job, struct fail *f)
{
	struct shelf *shelf = &((struct pop3_ahead *)job)->next;

	for (size_t i = 0; i < shelf->n; i++) {
		size_t at = shelf->text.len;
		struct body *b = shelf->of[i].body != 0
		                     ? body_open(db, shelf->of[i].body, f)
		                     : NULL;

		if (b == NULL)
			continue;
		shelf->of[i].there = body_read(
					 b, AHEAD_OCTETS, &shelf->text, f) == 0;
		body_free(b);
		shelf->of[i].at = at;
		shelf->of[i].len = shelf->text.len - at;
	}
	return 0;
}

/* Read what follows the shelf that is being given out. */
static void
read_on(struct pop3_ahead *a, size_t first)
{
	const struct pop3_maildrop *drop = maildrop_pop3(a->s->drop);
	struct shelf *shelf = &a->next;
	uint64_t octets = 0;

	shelf->first = first;
	shelf->n = 0;
	buf_clear(&shelf->text);
	for (size_t i = first; i < drop->n && shelf->n < AHEAD_MESSAGES; i++) {
		const struct pop3_message *m = &drop->messages[i];
		size_t k = shelf->n;

		if (m->octets > AHEAD_OCTETS - octets)
			break;
		octets += m->deleted ? 0 : m->octets;
		shelf->of[k].body = m->deleted ? 0
		                               : maildrop_body(a->s->drop, i);
		shelf->of[k].there = false;
		shelf->n++;
	}
	if (shelf->n == 0)
		return;
	a->reading = true;
	store_read(a->s->popd->store, &a->job);
}

/* What was read is given out now; what follows is read meanwhile. */
static void
turn_over(struct pop3_ahead *a)
{
	struct shelf done = a->here;

	a->here = a->next;
	a->next = done;
	a->next.n = 0;
	read_on(a, a->here.first + a->here.n);
}

static void
shelf_is_read(struct store_job *job)
{
	struct pop3_ahead *a = (struct pop3_ahead *)job;
	struct pop3_session *s = a->s;
	bool asked = a->asked;
	struct str text;

	a->reading = a->asked = false;
	if (s == NULL) {
		free_ahead(a);
		return;
	}
	if (job->rc == -1)
		a->next.n = 0;
	if (!asked)
		return;
	if (s->conn == NULL) {
		pop3_session_resume(s);
	} else if (find(&a->next, a->wanted, &text)) {
		turn_over(a);
		pop3_serve_ahead(s, text);
	} else {
		pop3_serve_alone(s);
	}
}

void
pop3_ahead_begin(struct pop3_session *s, size_t index)
{
	struct pop3_ahead *a = s->ahead;

	if (a == NULL) {
		a = s->ahead = MEM_NEW(struct pop3_ahead);
		a->job.run = read_shelf;
		a->job.done = shelf_is_read;
		a->s = s;
		buf_init(&a->here.text, AHEAD_OCTETS);
		buf_init(&a->next.text, AHEAD_OCTETS);
	}
	if (!a->reading)
		read_on(a, index);
}

enum pop3_ahead_is
pop3_ahead_take(struct pop3_session *s, size_t index, struct str *text)
{
	struct pop3_ahead *a = s->ahead;

	if (a == NULL)
		return POP3_AHEAD_NONE;
	if (find(&a->here, index, text))
		return POP3_AHEAD_HERE;
	if (a->reading && is_on(&a->next, index)) {
		a->asked = true;
		a->wanted = index;
		return POP3_AHEAD_SOON;
	}
	if (a->reading || !find(&a->next, index, text))
		return POP3_AHEAD_NONE;
	turn_over(a);
	return POP3_AHEAD_HERE;
}

void
pop3_ahead_drop(struct pop3_session *s)
{
	struct pop3_ahead *a = s->ahead;

	s->ahead = NULL;
	if (a != NULL && a->reading)
		a->s = NULL;
	else if (a != NULL)
		free_ahead(a);
}
