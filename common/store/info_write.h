/* SPDX-License-Identifier: MIT */
/* info_write: keeping what was found of a body; for the files of this
 * directory. */
#ifndef STORE_INFO_WRITE_H
#define STORE_INFO_WRITE_H

#include "common/mime/structure.h"
#include "common/store/info.h"

/* In a write transaction.  A body that has a row already keeps it: equal octets
 * say the same. */
int info_write(struct db *db, int64_t body, const struct structure_result *r,
    struct fail *f);

#endif
