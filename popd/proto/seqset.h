/* SPDX-License-Identifier: MIT */
/*
 * seqset: sets of sequence numbers or UIDs as ranges, never expanded
 * (RFC 9051 s9 sequence-set).
 *
 * Ranges are kept rising, apart and merged.  While `*' is not resolved it is
 * SEQSET_STAR, which no message has as its number (UIDs end below it here).
 */
#ifndef POPD_PROTO_SEQSET_H
#define POPD_PROTO_SEQSET_H

#include "common/util/buf.h"

#define SEQSET_STAR   UINT32_MAX
#define SEQSET_RANGES 100000 /* most that a client may send */

struct seqrange {
	uint32_t low, high; /* both in it; low <= high */
};
struct seqset {
	struct seqrange *ranges;
	size_t n, room;
	bool
	    saved; /* `$' (RFC 5182): the host of the set knows what is in it */
};

/* All zero is the empty set. */
void seqset_release(struct seqset *s);
void seqset_clear(struct seqset *s);

/* Take a set from the front of *in: 1 and it is added, 0 when none begins
 * there, -1 when it breaks the grammar or is too long.  4:2 is 2:4. */
int seqset_take(struct str *in, struct seqset *out);

/* `*' becomes highest: a range from 10 to `*' then is highest:10 if that is
 * lower (RFC 9051 s9 seq-range).  highest 0 (nothing is there) empties it. */
void seqset_resolve(struct seqset *s, uint32_t highest);

void seqset_add(struct seqset *s, uint32_t low, uint32_t high);
void seqset_add_all(struct seqset *s, const struct seqset *other);
void seqset_remove(struct seqset *s, uint32_t low, uint32_t high);
bool seqset_has(const struct seqset *s, uint32_t n);

/* How many numbers are in it, and the n-th of them from 0. */
uint64_t seqset_count(const struct seqset *s);
uint32_t seqset_at(const struct seqset *s, uint64_t n);

/* The first number in it that is at least n; false if there is none. */
bool seqset_from(const struct seqset *s, uint32_t n, uint32_t *out);

void seqset_write(const struct seqset *s, struct buf *out); /* "1:3,7" */

#endif
