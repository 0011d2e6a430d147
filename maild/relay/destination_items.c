/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

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

static bool
is_named(const struct destination *d)
{
	return d->domain[0] == QUEUE_REROUTED;
}

bool
items_may_be_elsewhere(const struct destination *d)
{
	const struct destination *other = d->relay->destinations;

	while (other != NULL && !is_named(other))
		other = other->next;
	return is_named(d) || other != NULL;
}

bool
items_are_elsewhere(const struct destination *d, int64_t trace, int n)
{
	for (const struct destination *other = d->relay->destinations;
	     other != NULL; other = other->next) {
		const struct item *i;

		if (other == d ||
		    other->n_in[ITEM_SENDING] + other->n_in[ITEM_RECORDING] ==
			0)
			continue;
		i = items_find(other, trace, n);
		if (i != NULL &&
		    (i->state == ITEM_SENDING || i->state == ITEM_RECORDING))
			return true;
	}
	return false;
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
	return strcmp(a->sender, b->sender) == 0;
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
