/* SPDX-License-Identifier: MIT */
#include "common/util/tally.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/util/mem.h"

struct tally_entry {
	uint64_t key, count;
};

void
tally_release(struct tally *t)
{
	free(t->entries);
	*t = (struct tally){NULL, 0, 0};
}

/* Where key is, or belongs. */
static size_t
place(const struct tally *t, uint64_t key)
{
	size_t low = 0, high = t->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (t->entries[middle].key < key)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool
is_at(const struct tally *t, size_t i, uint64_t key)
{
	return i < t->n && t->entries[i].key == key;
}

uint64_t
tally_count(const struct tally *t, uint64_t key)
{
	size_t i = place(t, key);

	return is_at(t, i, key) ? t->entries[i].count : 0;
}

void
tally_add(struct tally *t, uint64_t key)
{
	size_t i = place(t, key);

	if (is_at(t, i, key)) {
		t->entries[i].count++;
		return;
	}
	if (t->n == t->room) {
		t->room = t->room * 2 + 16;
		t->entries = mem_grow(t->entries, t->room, sizeof(*t->entries));
	}
	memmove(&t->entries[i + 1], &t->entries[i],
	    (t->n - i) * sizeof(*t->entries));
	t->entries[i] = (struct tally_entry){key, 1};
	t->n++;
}

void
tally_drop(struct tally *t, uint64_t key)
{
	size_t i = place(t, key);

	assert(is_at(t, i, key));
	if (--t->entries[i].count > 0)
		return;
	t->n--;
	memmove(&t->entries[i], &t->entries[i + 1],
	    (t->n - i) * sizeof(*t->entries));
}
