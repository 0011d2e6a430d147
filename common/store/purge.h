/* SPDX-License-Identifier: MIT */
/* purge: forgetting journeys that nobody will ask for any more. */
#ifndef STORE_PURGE_H
#define STORE_PURGE_H

#include <stddef.h>
#include <stdint.h>

#include "common/store/db.h"

/* Forget up to max journeys that began before this time, oldest first, but
 * none of a message that still waits in the queue.  What was said in attempts
 * to relay it goes along.  In a write transaction. *n: how many. */
int purge_journeys_before(
    struct db *db, int64_t before_ms, size_t max, size_t *n, struct fail *f);

#endif
