/* SPDX-License-Identifier: MIT */
/*
 * stage: a message while it arrives, before anything is promised.
 *
 * Up to 256 KiB in memory, then an unlinked temporary file in the store.
 * Nothing of it survives a crash.  stage_seal() puts `head' before it,
 * hashes, compresses and finds the MIME structure, and for a large body writes
 * the object file and syncs it and its folder: then delivery_run() only names
 * it.
 *
 * Life: new, add..., seal (once), used by one delivery or message_append(),
 * free.
 */
#ifndef STORE_STAGE_H
#define STORE_STAGE_H

#include <stdint.h>

#include "common/util/fail.h"
#include "common/util/str.h"

struct press; /* press.h */
struct stage;

struct stage *stage_new(const char *store_dir);

/* Append.  A failure to write (disk full) is remembered and told by seal. */
void stage_add(struct stage *s, struct str bytes);

/* Octets added so far (after seal: head included). */
uint64_t stage_size(const struct stage *s);

/* On any thread, not the loop.  FAIL_DISK when the disk is full. */
int stage_seal(struct stage *s, struct str head, struct fail *f);

/* The same with what is kept for it: store_job.press, or NULL. */
int stage_seal_with(
    struct stage *s, struct press *press, struct str head, struct fail *f);

/* Removes whatever no committed body names. */
void stage_free(struct stage *s);

#endif
