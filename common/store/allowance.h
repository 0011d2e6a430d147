/* SPDX-License-Identifier: MIT */
/*
 * allowance: how much an account may send, so that a stolen password does not
 * make us a source of spam.
 *
 * Counted by the Unix hour; of the hour that the last hour, or day, begins in
 * the middle of counts as much as is left of it.
 */
#ifndef STORE_ALLOWANCE_H
#define STORE_ALLOWANCE_H

#include <stdint.h>

#include "common/store/db.h"
#include "common/util/str.h"

struct allowance_law { /* 0: no limit */
	uint64_t messages_per_hour, recipients_per_day, new_recipients_per_day;
	bool learn; /* who is written to is well thought of (reputation.h) */
};

enum allowance_result {
	ALLOWANCE_OK,
	ALLOWANCE_MESSAGES,
	ALLOWANCE_RECIPIENTS,
	ALLOWANCE_NEW_RECIPIENTS,
};

/* In the write transaction that takes the message: counts it and notes its
 * recipients (folded; those named twice count once) as correspondents; or, over
 * a limit, counts nothing and says which, and in *tell whether the owner has
 * yet to be told today. */
int allowance_take(struct db *db, const struct allowance_law *law,
    int64_t account, const struct str *recipients, size_t n, int64_t now_ms,
    enum allowance_result *r, bool *tell, struct fail *f);

/* What was counted in the hour and the day before now_ms. */
struct allowance_use {
	uint64_t messages_hour, recipients_day, new_recipients_day;
};
int allowance_used(struct db *db, int64_t account, int64_t now_ms,
    struct allowance_use *out, struct fail *f);

/* The owner was told.  In the write transaction that delivers the notice. */
int allowance_told(
    struct db *db, int64_t account, int64_t now_ms, struct fail *f);

/* Was that within the last day?  1, 0, -1. */
int allowance_is_told(
    struct db *db, int64_t account, int64_t now_ms, struct fail *f);

/* Forget up to max hours that count no more.  In a write transaction. */
int allowance_sweep(
    struct db *db, int64_t now_ms, size_t max, size_t *swept, struct fail *f);

#endif
