/* SPDX-License-Identifier: MIT */
/*
 * route_cache: where mail for an address went a moment ago.
 *
 * For the loop, which has neither a connection nor the time to wait for one:
 * a repeated recipient is answered at once.  Only what leads somewhere is
 * kept (ROUTE_OK), for ROUTE_CACHE_MS and until the mark changes
 * (route_mark.h); what leads to a mailbox that is short of room is not, so
 * that who has none is refused as soon as it is known.  Bounded: of those that
 * share a place the one that was put first is forgotten.
 */
#ifndef STORE_ROUTE_CACHE_H
#define STORE_ROUTE_CACHE_H

#include "common/store/route.h"

#define ROUTE_CACHE_MS   5000
#define ROUTE_CACHE_ROOM (256 * MB) /* short of room, with less than that */

struct route_cache;

/* NULL with *f if the store has no mark. */
struct route_cache *route_cache_new(const char *store_dir, struct fail *f);
void route_cache_free(struct route_cache *c);

/* Where address goes, valid until the next call; NULL: ask the store, and then
 * put it here under *mark, which is good for one that is asked from now on.
 * now_ms only grows.  address as in RCPT: other case is another address. */
const struct route *route_cache_find(
    struct route_cache *c, struct str address, int64_t now_ms, uint64_t *mark);

/* address led there, as the store said that was asked after find().  Copied,
 * or left when it is not to be kept. */
void route_cache_put(struct route_cache *c, struct str address,
    const struct route *route, int64_t now_ms, uint64_t mark);

#endif
