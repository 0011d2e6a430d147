/* SPDX-License-Identifier: MIT */
/* mirror_state: what mirror.c and view*.c share; nobody else's. */
#ifndef POPD_PROTO_MIRROR_STATE_H
#define POPD_PROTO_MIRROR_STATE_H

#include "popd/proto/mirror.h"

#define MIRROR_CHANGES 128 /* last changes of flags that are remembered */

struct mirror {
	struct mirror_facts facts;
	struct mirror_message *messages; /* rising by UID */
	size_t n, room;
	char *keywords[64];
	uint64_t named; /* bits that have one */
	bool gone;
	struct view *views;
	size_t n_views;

	/* Who changed last: saves a look at all.  Complete for changes after
	 * modseq changes_since. */
	int64_t flags_modseq; /* of the last change of flags */
	int64_t changes_since;
	struct {
		uint32_t uid;
		int64_t modseq;
	} changes[MIRROR_CHANGES];
	size_t n_changes;
};

/* Ghosts without a gap between: all from low to high are. */
struct view_run {
	uint32_t low, high;
	uint32_t before; /* ghosts in the runs before it */
};

struct view_told {
	uint32_t uid;
	int64_t modseq;
};

struct view {
	struct mirror *mirror;
	struct view *newer, *older; /* of the same mirror */
	bool read_only;
	uint32_t known; /* the highest UID that can have been announced */
	struct view_run *ghosts;
	size_t n_ghosts, ghosts_room;
	struct seqset recent;
	uint64_t keywords; /* told of */

	/* Changes up to modseq `told' were told, and these, by UID. */
	int64_t told;
	struct view_told *later;
	size_t n_later, later_room;
	uint32_t cursor; /* of view_next_changed() */
	int64_t round;   /* modseq of the mirror when it was at 0 */
};

/* The place of the first message with at least this UID. */
size_t mirror_from(const struct mirror *m, uint32_t uid);

/* mirror.c tells each view which messages are gone: runs without a gap, every
 * UID of which was there. */
void view_haunt(struct view *v, const struct seqrange *gone, size_t n);

/* From this UID on, what no session was told of is \Recent here. */
void view_take_recent(struct view *v, uint32_t from);

#endif
