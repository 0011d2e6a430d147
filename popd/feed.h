/* SPDX-License-Identifier: MIT */
/*
 * feed: a stored body, piece by piece, read off the loop.
 *
 * One piece is under way at a time; ready() is called on the loop, never
 * from within these functions.  So the memory of a message being given out
 * is one piece, however large it is and however slowly it is taken.
 *
 * A feed only goes forward; what is left out is read, too.
 */
#ifndef POPD_FEED_H
#define POPD_FEED_H

#include "common/net/worker.h"
#include "common/store/store.h"
#include "common/util/mem.h"
#include "common/util/str.h"

#define FEED_PIECE (32 * KB)

struct feed;

enum feed_result {
	FEED_MORE,   /* a piece, perhaps empty; ask for the next */
	FEED_END,    /* the last piece, perhaps empty */
	FEED_GONE,   /* no such body any more */
	FEED_FAILED, /* cannot be read; text says why */
};

/* piece is valid until feed_next() or feed_free(). */
typedef void feed_ready(
    void *arg, enum feed_result result, struct str piece, const char *text);

/* Open the body and read its first piece: at most max octets from at on. */
struct feed *feed_open(struct store *store, struct workers *workers,
    int64_t body, uint64_t at, size_t max, feed_ready *ready, void *arg);

/* Read a piece, after FEED_MORE only, from at on: not before feed_at(). */
void feed_next(struct feed *f, uint64_t at, size_t max);

int64_t feed_body(const struct feed *f);
uint64_t feed_at(const struct feed *f);   /* where the next piece begins */
bool feed_has_more(const struct feed *f); /* after FEED_MORE */

/* Not while a piece is awaited.  NULL is fine. */
void feed_free(struct feed *f);

#endif
