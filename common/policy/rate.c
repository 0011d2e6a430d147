/* SPDX-License-Identifier: MIT */
#include "common/policy/rate.h"

#include <assert.h>
#include <stdlib.h>

#include "common/util/mem.h"

#define CHAINS     RATE_KEYS /* a power of two */
#define MOST_MAX   1000000   /* times now_ms stays below 2^63 */
#define ROOM_FIRST 64

/* A bucket is known by when it is full again, which is all one needs: each
 * take puts that off.  Time is in units of 1/most ms, so nothing is rounded. */
struct bucket {
	uint64_t key;
	int64_t full_at;
	uint32_t next;  /* in its chain: index + 1, 0 is the end */
	uint32_t place; /* in the heap */
};

struct rate {
	int64_t most, period_ms;
	uint64_t salt;
	struct bucket *at;
	uint32_t *heap; /* of indices: the first is the longest full one */
	size_t n, room;
	uint32_t chains[CHAINS]; /* index + 1 of the first */
};

struct rate *
rate_new(size_t most, int64_t period_ms)
{
	struct rate *r = MEM_NEW(struct rate);

	assert(most > 0 && most <= MOST_MAX && period_ms > 0);
	r->most = (int64_t)most;
	r->period_ms = period_ms;
	/* where it lies in memory: nobody outside can choose keys that meet
	 * in one chain */
	r->salt = (uint64_t)(uintptr_t)r;
	return r;
}

void
rate_free(struct rate *r)
{
	if (r == NULL)
		return;
	free(r->at);
	free(r->heap);
	free(r);
}

/* The finalizer of MurmurHash3, salted. */
static uint32_t *
chain_of(struct rate *r, uint64_t key)
{
	key ^= r->salt * 0x9e3779b97f4a7c15U;
	key = (key ^ key >> 33) * 0xff51afd7ed558ccdU;
	key = (key ^ key >> 33) * 0xc4ceb9fe1a85ec53U;
	return &r->chains[(key ^ key >> 33) % CHAINS];
}

static void
put(struct rate *r, size_t place, uint32_t index)
{
	r->heap[place] = index;
	r->at[index].place = (uint32_t)place;
}

static int64_t
full_at(const struct rate *r, size_t place)
{
	return r->at[r->heap[place]].full_at;
}

/* The bucket at a place is full later than it was. */
static void
sink(struct rate *r, size_t place)
{
	uint32_t index = r->heap[place];

	for (;;) {
		size_t child = 2 * place + 1;

		if (child + 1 < r->n &&
		    full_at(r, child + 1) < full_at(r, child))
			child++;
		if (child >= r->n || full_at(r, child) >= r->at[index].full_at)
			break;
		put(r, place, r->heap[child]);
		place = child;
	}
	put(r, place, index);
}

/* The bucket at a place is full sooner than those above it. */
static void
rise(struct rate *r, size_t place)
{
	uint32_t index = r->heap[place];

	for (; place > 0; place = (place - 1) / 2) {
		size_t parent = (place - 1) / 2;

		if (full_at(r, parent) <= r->at[index].full_at)
			break;
		put(r, place, r->heap[parent]);
	}
	put(r, place, index);
}

static void
unlink_bucket(struct rate *r, uint32_t index)
{
	uint32_t *link = chain_of(r, r->at[index].key);

	while (*link != index + 1)
		link = &r->at[*link - 1].next;
	*link = r->at[index].next;
}

static struct bucket *
find(struct rate *r, uint64_t key)
{
	uint32_t i = *chain_of(r, key);

	while (i != 0 && r->at[i - 1].key != key)
		i = r->at[i - 1].next;
	return i != 0 ? &r->at[i - 1] : NULL;
}

static void
add(struct rate *r, uint64_t key, int64_t full)
{
	bool instead = r->n == RATE_KEYS;
	uint32_t *chain = chain_of(r, key), index;

	if (instead) {
		index = r->heap[0];
		unlink_bucket(r, index);
	} else {
		if (r->n == r->room) {
			r->room = r->room > 0 ? 2 * r->room : ROOM_FIRST;
			r->at = mem_grow(r->at, r->room, sizeof(*r->at));
			r->heap = mem_grow(r->heap, r->room, sizeof(*r->heap));
		}
		index = (uint32_t)r->n++;
	}
	r->at[index] = (struct bucket){
	    .key = key, .full_at = full, .next = *chain};
	*chain = index + 1;
	if (instead) {
		sink(r, 0);
	} else {
		put(r, index, index);
		rise(r, index);
	}
}

bool
rate_take(struct rate *r, uint64_t key, int64_t now_ms)
{
	int64_t now = now_ms * r->most, cost = r->period_ms;
	struct bucket *b = find(r, key);

	if (b == NULL) {
		add(r, key, now + cost);
		return true;
	}
	if (b->full_at < now)
		b->full_at = now;
	if (b->full_at - now > cost * (r->most - 1)) {
		sink(r, b->place);
		return false;
	}
	b->full_at += cost;
	sink(r, b->place);
	return true;
}
