/* SPDX-License-Identifier: MIT */
/* greylist: who was asked to come again, and did (RFC 6647). */
#ifndef STORE_GREYLIST_H
#define STORE_GREYLIST_H

#include <stdint.h>

#include "common/store/db.h"
#include "common/util/str.h"

/* Who did not come again within this is new again (RFC 6647 s5). */
#define GREYLIST_RETRY_MS (INT64_C(2) * 24 * 60 * 60 * 1000)

/* How long who came again is remembered after its last mail. */
#define GREYLIST_LIFE_MS (INT64_C(36) * 24 * 60 * 60 * 1000)

struct greylist_question {
	struct str network, sender, recipient; /* folded */
	int64_t now_ms;
	int64_t wait_ms; /* too early before */
	int64_t life_ms; /* forgotten after */
};

enum greylist_answer {
	GREYLIST_PASS, /* came again in time, now or before */
	GREYLIST_WAIT, /* new, or too early */
};

/* In a write transaction. */
int greylist_ask(struct db *db, const struct greylist_question *q,
    enum greylist_answer *a, struct fail *f);

/* Forget up to max entries: those not seen for life_ms, and those that never
 * came again.  In a write transaction. */
int greylist_sweep(struct db *db, int64_t now_ms, int64_t life_ms, size_t max,
    size_t *swept, struct fail *f);

#endif
