/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "common/util/mem.h"
#include "maild/relay/sts_state.h"

/* In memory; the others are read again.  What domains there are is the choice
 * of those who may send here, and so few do not need a secret in the hash. */
#define ENTRIES_MAX 2000
#define TEXTS_MAX   (16 * MB)

#define AGAIN_MS    (5 * 60 * 1000) /* s3.3 */

int64_t
sts_now_ms(const struct sts *s)
{
	return clock_wall_ms(s->deps.clock);
}

void
sts_entry_set_text(struct sts_entry *e, struct str text)
{
	e->sts->octets -= e->text.len;
	buf_clear(&e->text);
	buf_add(&e->text, text);
	e->sts->octets += e->text.len;
}

bool
sts_entry_has_policy(const struct sts_entry *e)
{
	return e->expires_ms > sts_now_ms(e->sts);
}

bool
sts_entry_has_failed_lately(const struct sts_entry *e)
{
	int64_t since_ms = sts_now_ms(e->sts) - e->failed_ms;

	return e->failed_ms != 0 && since_ms >= 0 && since_ms < AGAIN_MS;
}

static bool
is_at_rest(const struct sts_entry *e)
{
	return e->stage == STS_IDLE && e->questions == NULL && e->pinned == 0;
}

void
sts_question_link(struct sts_question *q, struct sts_question **list)
{
	q->next = *list;
	q->self = list;
	if (q->next != NULL)
		q->next->self = &q->next;
	*list = q;
}

void
sts_question_unlink(struct sts_question *q)
{
	*q->self = q->next;
	if (q->next != NULL)
		q->next->self = q->self;
}

void
sts_question_drop(struct sts_question *q)
{
	sts_question_unlink(q);
	free(q);
}

void
sts_entry_drop(struct sts_entry *e)
{
	HASH_DEL(e->sts->entries, e);
	e->sts->octets -= e->text.len;
	while (e->questions != NULL)
		sts_question_drop(e->questions);
	if (e->query != NULL)
		resolver_cancel(e->query);
	web_cancel(e->fetch);
	buf_release(&e->text);
	free(e);
}

static void
make_room(struct sts *s)
{
	struct sts_entry *e, *next;

	HASH_ITER(hh, s->entries, e, next)
	{
		if (HASH_COUNT(s->entries) < ENTRIES_MAX &&
		    s->octets < TEXTS_MAX)
			return;
		if (is_at_rest(e))
			sts_entry_drop(e);
	}
}

struct sts_entry *
sts_entry_find(struct sts *s, struct str domain)
{
	struct sts_entry *e;

	HASH_FIND(hh, s->entries, domain.at, (unsigned)domain.len, e);
	if (e != NULL) {
		HASH_DEL(s->entries, e);
	} else {
		make_room(s);
		e = MEM_NEW(struct sts_entry);
		e->sts = s;
		memcpy(e->domain, domain.at, domain.len);
		buf_init(&e->text, MTASTS_TEXT_MAX);
	}
	HASH_ADD_KEYPTR(hh, s->entries, e->domain, (unsigned)domain.len, e);
	return e;
}
