/* SPDX-License-Identifier: MIT */
#include "popd/ops/header_cache.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "common/util/mem.h"

#define SLOTS_FIRST 64

struct slot {
	int64_t body; /* 0: free */
	uint32_t name;
	uint32_t len;
	size_t at; /* in text */
};

/* An open hash table, at most half full. */
struct generation {
	struct slot *slots;
	size_t n, room;
	struct buf text;
};

struct header_cache {
	pthread_mutex_t mutex; /* of all below */
	size_t max;            /* octets of a generation */
	struct generation young, old;
	char *names[HEADER_CACHE_NAMES];
	uint32_t n_names;
};

static void
forget(struct generation *g, size_t max)
{
	free(g->slots);
	buf_release(&g->text);
	*g = (struct generation){0};
	buf_init(&g->text, max);
}

struct header_cache *
header_cache_new(size_t octets)
{
	struct header_cache *c = MEM_NEW(struct header_cache);

	pthread_mutex_init(&c->mutex, NULL);
	c->max = octets / 2;
	forget(&c->young, c->max);
	forget(&c->old, c->max);
	return c;
}

static void
forget_all(struct header_cache *c)
{
	forget(&c->young, c->max);
	forget(&c->old, c->max);
	while (c->n_names > 0)
		free(c->names[--c->n_names]);
}

void
header_cache_free(struct header_cache *c)
{
	if (c == NULL)
		return;
	forget_all(c);
	pthread_mutex_destroy(&c->mutex);
	free(c);
}

/* Its number, or n_names if it has none. */
static uint32_t
find_name(const struct header_cache *c, struct str name)
{
	uint32_t i = 0;

	while (i < c->n_names && !str_eq(str_of(c->names[i]), name))
		i++;
	return i;
}

/* Where it is, or the free slot where it would be. */
static struct slot *
find(const struct generation *g, int64_t body, uint32_t name)
{
	uint64_t hash = ((uint64_t)body << 8 ^ name) * 0x9e3779b97f4a7c15u;
	size_t i = (size_t)(hash >> 32) & (g->room - 1);

	while (g->slots[i].body != 0 &&
	       (g->slots[i].body != body || g->slots[i].name != name))
		i = (i + 1) & (g->room - 1);
	return &g->slots[i];
}

/* For one more. */
static size_t
room_needed(const struct generation *g)
{
	if (2 * g->n < g->room)
		return g->room;
	return g->room > 0 ? 2 * g->room : SLOTS_FIRST;
}

static void
widen(struct generation *g)
{
	struct generation old = *g;

	g->room = room_needed(g);
	g->slots = mem_new(g->room, sizeof(*g->slots));
	for (size_t i = 0; i < old.room; i++)
		if (old.slots[i].body != 0)
			*find(g, old.slots[i].body,
			    old.slots[i].name) = old.slots[i];
	free(old.slots);
}

/* Octets, with one more of that length. */
static size_t
size_with(const struct generation *g, size_t len)
{
	return room_needed(g) * sizeof(*g->slots) + g->text.len + len;
}

static void
add(struct header_cache *c, int64_t body, uint32_t name, struct str text)
{
	struct generation *g = &c->young;
	struct slot *s;

	if (size_with(g, text.len) > c->max) {
		forget(&c->old, c->max);
		c->old = c->young;
		*g = (struct generation){0};
		forget(g, c->max);
		if (size_with(g, text.len) > c->max)
			return; /* a cache too small for it */
	}
	if (room_needed(g) > g->room)
		widen(g);
	s = find(g, body, name);
	if (s->body != 0)
		return;
	*s = (struct slot){body, name, (uint32_t)text.len, g->text.len};
	buf_add(&g->text, text);
	assert(!g->text.overrun);
	g->n++;
}

static bool
get(const struct generation *g, int64_t body, uint32_t name, struct str *text)
{
	const struct slot *s;

	if (g->n == 0)
		return false;
	s = find(g, body, name);
	*text = str_first(str_after(buf_str(&g->text), s->at), s->len);
	return s->body != 0;
}

bool
header_cache_get(
    struct header_cache *c, int64_t body, struct str name, struct buf *out)
{
	struct str text;
	bool found;
	uint32_t n;

	pthread_mutex_lock(&c->mutex);
	n = find_name(c, name);
	found = n < c->n_names && get(&c->young, body, n, &text);
	if (found) {
		buf_add(out, text);
	} else if (n < c->n_names && get(&c->old, body, n, &text)) {
		found = true;
		buf_add(out, text);
		/* add() may forget what text is in */
		add(c, body, n, str_after(buf_str(out), out->len - text.len));
	}
	pthread_mutex_unlock(&c->mutex);
	return found;
}

void
header_cache_put(
    struct header_cache *c, int64_t body, struct str name, struct str text)
{
	uint32_t n;

	if (text.len > HEADER_CACHE_TEXT || name.len > HEADER_CACHE_NAME)
		return;
	pthread_mutex_lock(&c->mutex);
	n = find_name(c, name);
	if (n == HEADER_CACHE_NAMES) {
		forget_all(c);
		n = 0;
	}
	if (n == c->n_names)
		c->names[c->n_names++] = mem_dup(name);
	add(c, body, n, text);
	pthread_mutex_unlock(&c->mutex);
}
