/* SPDX-License-Identifier: MIT */
#include "popd/turns.h"

#include <assert.h>

/* How many have a slice under way: all, and of this account. */
static size_t
count_going(const struct turns *t, int64_t account, bool *same)
{
	size_t n = 0;

	*same = false;
	for (const struct turn *x = t->going; x != NULL; x = x->next) {
		*same |= x->account == account;
		n++;
	}
	return n;
}

/* The link to the first that may go; to NULL: none. */
static struct turn **
find_next(struct turns *t)
{
	struct turn **at = &t->waiting;
	bool same;

	for (; *at != NULL; at = &(*at)->next)
		if (count_going(t, (*at)->account, &same) < t->max && !same)
			break;
	return at;
}

static void
let_go(struct turns *t)
{
	struct turn **at, *turn;

	while (*(at = find_next(t)) != NULL) {
		turn = *at;
		*at = turn->next;
		turn->next = t->going;
		t->going = turn;
		turn->go(turn);
	}
}

void
turns_take(struct turns *t, struct turn *turn)
{
	struct turn **end = &t->waiting;

	assert(t->max > 0);
	while (*end != NULL)
		end = &(*end)->next;
	turn->next = NULL;
	*end = turn;
	let_go(t);
}

void
turns_give(struct turns *t, struct turn *turn)
{
	struct turn **at = &t->going;

	while (*at != turn) {
		assert(*at != NULL);
		at = &(*at)->next;
	}
	*at = turn->next;
	let_go(t);
}
