/* SPDX-License-Identifier: MIT */
/*
 * structure_tree: the parts of a message as they were found, and what is
 * written of them at the end (for structure.c).
 */
#ifndef MIME_STRUCTURE_TREE_H
#define MIME_STRUCTURE_TREE_H

#include "common/mime/structure_part.h"

/* A part: its texts follow one another in the tree's `texts'. */
struct structure_node {
	struct part part;
	bool text, digest;
	uint32_t text_at, head_len, tail_len;
	uint32_t envelope_len; /* of the message in a PART_MESSAGE */
};

/* In the order of the message, a container before what it contains. */
struct structure_tree {
	struct structure_node *nodes;
	size_t n, room;
	struct buf texts;
};

void structure_tree_init(struct structure_tree *t);
void structure_tree_release(struct structure_tree *t);

/* Empty again; it keeps a little of its room. */
void structure_tree_clear(struct structure_tree *t);

/* A part of which nothing is known yet but where it begins; its number. */
size_t structure_tree_add(
    struct structure_tree *t, unsigned depth, uint64_t header_at);

/* What its header says.  envelope: the part is the message in another, its
 * envelope is wanted there. */
void structure_tree_describe(struct structure_tree *t, size_t node,
    struct str header, struct structure_place place, bool envelope,
    struct structure_part *about);

/* BODYSTRUCTURE of all, and the packed parts (parts.h), appended. */
void structure_tree_write(
    const struct structure_tree *t, struct buf *body, struct buf *parts);

#endif
