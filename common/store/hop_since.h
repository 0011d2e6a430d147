/* SPDX-License-Identifier: MIT */
/* hop_since: what lately happened, to whichever message. */
#ifndef STORE_HOP_SINCE_H
#define STORE_HOP_SINCE_H

#include "common/store/hop.h"

/* Each hop that maild wrote at since_ms or later, by time; what it points to is
 * valid during the call.  Reads all hops there are: for tests. */
int hop_since(struct db *db, int64_t since_ms,
    void (*fn)(void *arg, const struct hop *h), void *arg, struct fail *f);

#endif
