/* SPDX-License-Identifier: MIT */
/*
 * meta_secret: secrets that a store makes for itself, in its table meta; only
 * for the files of this directory (and tests of them).
 */
#ifndef STORE_META_SECRET_H
#define STORE_META_SECRET_H

#include <stdint.h>

#include "common/store/db.h"

#define META_SECRET_OCTETS 32

/* 1 and the secret of this name, 0 none was made yet, -1.  One of another
 * length is a failure, not none: to replace it would undo all that was made
 * with it, without a word. */
int meta_secret_get(struct db *db, const char *name,
    uint8_t out[META_SECRET_OCTETS], struct fail *f);

/* The secret, made now if there is none.  In a write transaction.  0 or -1. */
int meta_secret_make(struct db *db, const char *name,
    uint8_t out[META_SECRET_OCTETS], struct fail *f);

#endif
