/* SPDX-License-Identifier: MIT */
/* srs_secret: what makes the return paths of forwarded mail ours
 * (policy/srs.h). */
#ifndef STORE_SRS_SECRET_H
#define STORE_SRS_SECRET_H

#include <stdint.h>

#include "common/store/db.h"

#define SRS_SECRET_OCTETS 32

/* 1 and the secret, 0 none was made yet, -1. */
int srs_secret_get(
    struct db *db, uint8_t out[SRS_SECRET_OCTETS], struct fail *f);

/* The secret, made now if there is none.  In a write transaction. */
int srs_secret_make(
    struct db *db, uint8_t out[SRS_SECRET_OCTETS], struct fail *f);

#endif
