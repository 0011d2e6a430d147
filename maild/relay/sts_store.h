/* SPDX-License-Identifier: MIT */
/* sts_store: policies of store/sts_policy.h from and to the store's threads. */
#ifndef MAILD_RELAY_STS_STORE_H
#define MAILD_RELAY_STS_STORE_H

#include "common/store/store.h"
#include "common/store/sts_policy.h"
#include "common/util/log.h"

/* read: what there is was read; false: there may be one, which is logged.  p:
 * valid during the call, NULL: there is none. */
typedef void sts_loaded(void *arg, bool read, const struct sts_policy *p);

void sts_load(struct store *s, const struct log *log, struct str domain,
    int64_t now_ms, sts_loaded *loaded, void *arg);

/* p is copied.  What cannot be saved is logged. */
void sts_save(
    struct store *s, const struct log *log, const struct sts_policy *p);

#endif
