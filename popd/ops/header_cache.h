/* SPDX-License-Identifier: MIT */
/*
 * header_cache: the header fields that clients list again and again.
 *
 * Kept by body and by what was asked for, as the response names it
 * ("BODY[HEADER.FIELDS (DATE FROM)]").  Bodies never change and their ids are
 * never used again, so nothing here is ever out of date.  What is in it was
 * read from the store before; whoever asks has found the body in a mailbox of
 * his own.
 *
 * Two generations: what is new, or was asked for again, goes into the young
 * one; when that is full the old one is forgotten and the young one is old.
 * Any thread may call.
 */
#ifndef POPD_OPS_HEADER_CACHE_H
#define POPD_OPS_HEADER_CACHE_H

#include <stdint.h>

#include "common/util/buf.h"

#define HEADER_CACHE_TEXT  4096 /* octets, longer ones are not kept */
#define HEADER_CACHE_NAME  512
#define HEADER_CACHE_NAMES 256 /* with one more all is forgotten */

struct header_cache;

/* About so many octets of memory, at most. */
struct header_cache *header_cache_new(size_t octets);
void header_cache_free(struct header_cache *c); /* NULL is fine */

/* Append it to out, if it is kept. */
bool header_cache_get(
    struct header_cache *c, int64_t body, struct str name, struct buf *out);
void header_cache_put(
    struct header_cache *c, int64_t body, struct str name, struct str text);

#endif
