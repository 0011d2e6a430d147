/* SPDX-License-Identifier: MIT */
#include "common/control/backup_board.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/util/mem.h"

struct backup_board {
	pthread_mutex_t mutex;
	struct backup_state state;
	bool whole; /* the order says so */
};

struct backup_board *
backup_board_new(void)
{
	struct backup_board *b = MEM_NEW(struct backup_board);

	pthread_mutex_init(&b->mutex, NULL);
	return b;
}

void
backup_board_free(struct backup_board *b)
{
	if (b == NULL)
		return;
	pthread_mutex_destroy(&b->mutex);
	free(b);
}

static struct backup_state *
lock(struct backup_board *b)
{
	pthread_mutex_lock(&b->mutex);
	return &b->state;
}

static void
unlock(struct backup_board *b)
{
	pthread_mutex_unlock(&b->mutex);
}

void
backup_board_read(struct backup_board *b, struct backup_state *out)
{
	*out = *lock(b);
	unlock(b);
}

uint64_t
backup_board_order(struct backup_board *b, bool whole)
{
	struct backup_state *s = lock(b);
	uint64_t order = ++s->ordered;

	b->whole |= whole;
	unlock(b);
	return order;
}

bool
backup_board_take(struct backup_board *b, bool *whole)
{
	struct backup_state *s = lock(b);
	bool any = s->begun < s->ordered;

	if (any) {
		s->begun = s->ordered;
		*whole = b->whole;
		b->whole = false;
	}
	unlock(b);
	return any;
}

void
backup_board_work(struct backup_board *b, enum backup_work work)
{
	struct backup_state *s = lock(b);

	s->work = work;
	s->what[0] = '\0';
	s->done = s->total = 0;
	unlock(b);
}

void
backup_board_progress(
    struct backup_board *b, const char *what, uint64_t done, uint64_t total)
{
	struct backup_state *s = lock(b);

	snprintf(s->what, sizeof(s->what), "%s", what);
	s->done = done;
	s->total = total;
	unlock(b);
}

void
backup_board_look(struct backup_board *b, const struct backup_info *newest,
    const struct drill_report *drill)
{
	struct backup_state *s = lock(b);

	s->newest = newest != NULL ? *newest : (struct backup_info){0};
	s->drill = *drill;
	unlock(b);
}

void
backup_board_made(struct backup_board *b, const struct backup_made *made,
    const struct fail *why, int64_t now_ms)
{
	struct backup_state *s = lock(b);

	s->ended = s->begun;
	s->failed = made == NULL;
	s->failed_ms = made == NULL ? now_ms : 0;
	if (made != NULL)
		s->made = *made;
	else
		s->why = *why;
	unlock(b);
}

void
backup_board_tried(struct backup_board *b, const struct drill_report *r,
    const struct fail *why, int64_t now_ms)
{
	struct backup_state *s = lock(b);

	if (r != NULL)
		s->drill = *r;
	else
		s->why = *why;
	s->failed_ms = r == NULL || !r->good ? now_ms : s->failed_ms;
	unlock(b);
}
