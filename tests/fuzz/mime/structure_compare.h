/* SPDX-License-Identifier: MIT */
/*
 * structure_compare: is what common/mime/structure.c finds in a message what
 * plain_structure.h finds: the same tree, offsets, sizes, line counts, types,
 * parameters and encodings, in the packed parts and in BODYSTRUCTURE?
 */
#ifndef FUZZ_MIME_STRUCTURE_COMPARE_H
#define FUZZ_MIME_STRUCTURE_COMPARE_H

#include "common/util/buf.h"

/* True if so.  Otherwise a sentence is appended to why.  piece: how many
 * octets structure.c is fed at a time. */
bool structure_compare(struct str message, size_t piece, struct buf *why);

#endif
