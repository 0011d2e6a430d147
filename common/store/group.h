/* SPDX-License-Identifier: MIT */
/* group: many jobs with one COMMIT; of one that fails nothing remains. */
#ifndef STORE_GROUP_H
#define STORE_GROUP_H

#include "common/store/store.h"

/* Under the lock.  Sets rc and fail of each: 0 only if it is on disk. */
void group_commit(struct db *db, struct store_job **jobs, size_t n);

/* None of them is on disk; those that failed before keep their own words. */
void group_refuse(struct store_job **jobs, size_t n, const struct fail *why);

#endif
