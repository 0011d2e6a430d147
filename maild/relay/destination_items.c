/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "common/util/mem.h"
#include "maild/relay/destination_internal.h"

void
items_set(struct destination *d, struct item *i, enum item_state state)
{
	d->n_in[i->state]--;
	i->state = state;
	d->n_in[i->state]++;
}

static void
item_free(struct item *i)
{
	queue_entry_release(&i->e);
	free(i->refusal);
	free(i);
}

void
items_drop(struct destination *d, enum item_state state)
{
	struct item **at = &d->items;

	while (*at != NULL && d->n_in[state] > 0) {
		struct item *i = *at;

		if (i->state == state) {
			*at = i->next;
			d->n_in[state]--;
			d->n_items--;
			item_free(i);
		} else {
			at = &i->next;
		}
	}
}

struct item *
items_find(const struct destination *d, int64_t trace, int n)
{
	for (struct item *i = d->items; i != NULL; i = i->next)
		if (i->e.trace == trace && i->e.n == n)
			return i;
	return NULL;
}

struct item *
items_add(struct destination *d, struct queue_entry *e)
{
	struct item *i = MEM_NEW(struct item), **tail = &d->items;

	while (*tail != NULL)
		tail = &(*tail)->next;
	*tail = i;
	i->e = *e;
	*e = (struct queue_entry){0};
	d->n_items++;
	d->n_in[ITEM_WAITING]++;
	return i;
}

void
items_drop_all(struct destination *d)
{
	for (enum item_state s = 0; s < ITEM_STATES; s++)
		items_drop(d, s);
}

static bool
same_sender(const struct queue_entry *a, const struct queue_entry *b)
{
	return str_eq(str_of(a->sender), str_of(b->sender));
}

void
items_pass_turn(struct destination *d, const struct item *served)
{
	struct item **at = &d->items, *last = NULL, **tail = &last;

	while (*at != NULL) {
		struct item *i = *at;

		if (i->state == ITEM_WAITING &&
		    same_sender(&i->e, &served->e)) {
			*at = i->next;
			i->next = NULL;
			*tail = i;
			tail = &i->next;
		} else {
			at = &i->next;
		}
	}
	*at = last;
}
