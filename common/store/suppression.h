/* SPDX-License-Identifier: MIT */
/*
 * suppression: addresses that other servers said do not exist, so that mail
 * for them is returned at once instead of being tried again: who goes on
 * sending to dead addresses is taken for a spammer.
 */
#ifndef STORE_SUPPRESSION_H
#define STORE_SUPPRESSION_H

#include <stdint.h>

#include "common/store/db.h"
#include "common/util/buf.h"

struct suppression_law {
	uint64_t after; /* refusals in a row; 0: nothing is suppressed */
	int64_t for_ms; /* since the last one */
};

/* Another server refused the address for good because nobody has it (good
 * false), or took mail for it (good true).  In a write transaction. */
int suppression_note(struct db *db, struct str address, bool good,
    struct str reply, int64_t now_ms, struct fail *f);

/* Is any address remembered at all?  1, 0, -1. */
int suppression_any(struct db *db, struct fail *f);

/* 1: suppressed; sentence (may be NULL) says for its sender when and how often
 * it was refused, with what words, and what can be done; 0; -1. */
int suppression_find(struct db *db, const struct suppression_law *law,
    struct str address, int64_t now_ms, struct buf *sentence, struct fail *f);

struct suppression {
	struct str address;
	int64_t bounces, first_ms, last_ms;
	struct str reply;
};
int suppression_list(struct db *db,
    void (*fn)(void *arg, const struct suppression *s), void *arg,
    struct fail *f);

/* 1 it was there, 0, -1.  In a write transaction. */
int suppression_remove(struct db *db, struct str address, struct fail *f);

/* Forget at most max that were refused last before then; *n: so many.  In a
 * write transaction. */
int suppression_sweep(
    struct db *db, int64_t before_ms, size_t max, size_t *n, struct fail *f);

#endif
