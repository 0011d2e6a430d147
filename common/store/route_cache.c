/* SPDX-License-Identifier: MIT */
#include "common/store/route_cache.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/store/route_mark.h"
#include "common/util/mem.h"
#include "common/util/rand.h"

#define PLACES      1024
#define SHARE       4  /* entries of one place */
#define TARGETS_MAX 16 /* of a route that is kept: 5 KiB */

struct entry {
	char *address; /* NULL: empty */
	struct route route;
	uint64_t mark;
	int64_t until_ms;
};

struct route_cache {
	int fd;        /* the mark's */
	uint64_t seed; /* so that nobody outside knows who shares a place */
	struct entry entries[PLACES][SHARE];
};

static void
empty(struct entry *e)
{
	free(e->address);
	route_release(&e->route);
	*e = (struct entry){0};
}

struct route_cache *
route_cache_new(const char *store_dir, struct fail *f)
{
	int fd = route_mark_open(store_dir, f);
	struct route_cache *c;

	if (fd == -1)
		return NULL;
	c = MEM_NEW(struct route_cache);
	c->fd = fd;
	c->seed = rand_u64();
	return c;
}

void
route_cache_free(struct route_cache *c)
{
	if (c == NULL)
		return;
	for (size_t i = 0; i < PLACES; i++)
		for (size_t j = 0; j < SHARE; j++)
			empty(&c->entries[i][j]);
	close(c->fd);
	free(c);
}

static struct entry *
row_of(struct route_cache *c, struct str address)
{
	uint64_t h = c->seed;

	for (size_t i = 0; i < address.len; i++) {
		h = (h ^ (unsigned char)address.at[i]) * 0x9e3779b97f4a7c15u;
		h ^= h >> 32;
	}
	return c->entries[h % PLACES];
}

const struct route *
route_cache_find(
    struct route_cache *c, struct str address, int64_t now_ms, uint64_t *mark)
{
	struct entry *row = row_of(c, address);

	if (!route_mark_read(c->fd, mark)) {
		*mark = rand_u64(); /* of which nothing is found */
		return NULL;
	}
	for (struct entry *e = row; e < row + SHARE; e++)
		if (e->mark == *mark && now_ms < e->until_ms &&
		    str_eq(str_of(e->address), address))
			return &e->route;
	return NULL;
}

static bool
is_worth_it(const struct route *route)
{
	return route->result == ROUTE_OK && route->n <= TARGETS_MAX &&
	       route->room >= ROUTE_CACHE_ROOM;
}

void
route_cache_put(struct route_cache *c, struct str address,
    const struct route *route, int64_t now_ms, uint64_t mark)
{
	struct entry *row = row_of(c, address), *place = row;

	for (struct entry *e = row; e < row + SHARE; e++) {
		if (str_eq(str_of(e->address), address)) {
			place = e;
			empty(place); /* it may lead elsewhere by now */
			break;
		}
		if (e->until_ms < place->until_ms)
			place = e;
	}
	if (!is_worth_it(route))
		return;
	empty(place);
	*place = (struct entry){
	    .address = mem_dup(address),
	    .route = *route,
	    .mark = mark,
	    .until_ms = now_ms + ROUTE_CACHE_MS,
	};
	place->route.targets = mem_new(route->n, sizeof(*route->targets));
	memcpy(place->route.targets, route->targets,
	    route->n * sizeof(*route->targets));
}
