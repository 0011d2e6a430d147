/* SPDX-License-Identifier: MIT */
/* attempt: what was said in an attempt that did not deliver all of a message.
 */
#ifndef STORE_ATTEMPT_H
#define STORE_ATTEMPT_H

#include <stdint.h>

#include "common/store/db.h"
#include "common/util/str.h"

#define ATTEMPT_KEPT         10         /* the newest of a message */
#define ATTEMPT_DIALOGUE_MAX (8 * 1024) /* cut: the newest lines stay */

struct attempt_row {
	int64_t at_ms;
	struct str host;     /* "mx.example.org [192.0.2.1]", or empty */
	struct str dialogue; /* lines "C: ..." and "S: ...", LF; never empty */
};

/* In the write transaction of the outcome. */
int attempt_put(
    struct db *db, int64_t trace, const struct attempt_row *a, struct fail *f);

/* Each, oldest first; valid during the call. */
int attempt_list(struct db *db, int64_t trace,
    void (*fn)(void *arg, const struct attempt_row *a), void *arg,
    struct fail *f);

#endif
