/* SPDX-License-Identifier: MIT */
/* sts_policy: MTA-STS policies of other domains, kept until they expire. */
#ifndef STORE_STS_POLICY_H
#define STORE_STS_POLICY_H

#include <stdint.h>

#include "common/store/db.h"
#include "common/util/buf.h"

struct sts_policy {
	struct str domain; /* folded */
	struct str id;     /* of the TXT record it was fetched for */
	struct str text;   /* as it came */
	int64_t fetched_ms, expires_ms;
	int64_t used_ms; /* last asked for, to a day or so */
};

/* One that has not expired: 1, with its strings in text, 0 none, -1. */
int sts_policy_find(struct db *db, struct str domain, int64_t now_ms,
    struct sts_policy *out, struct buf *text, struct fail *f);

/* In place of the one that was there.  In a write transaction. */
int sts_policy_put(struct db *db, const struct sts_policy *p, struct fail *f);

/* Domains, a NUL after each, whose policies were fetched before that time and
 * have been used since the other; the first to expire first, at most max. */
int sts_policy_old(struct db *db, int64_t fetched_before_ms,
    int64_t used_since_ms, size_t max, struct buf *domains, struct fail *f);

/* Forget what has expired, at most max.  In a write transaction. */
int sts_policy_sweep(
    struct db *db, int64_t now_ms, size_t max, size_t *n, struct fail *f);

#endif
