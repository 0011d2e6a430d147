/* SPDX-License-Identifier: MIT */
/* body_write: making bodies and counting who holds them; in a write
 * transaction, for the files of this directory. */
#ifndef STORE_BODY_WRITE_H
#define STORE_BODY_WRITE_H

#include "common/store/db.h"
#include "common/store/stage.h"

/* The body of a sealed stage, held refs times: a new one, or for large ones
 * that of an equal body.  mailbox: a mailbox is among those that hold it, so
 * IMAP will ask what is in it. */
int body_write(struct db *db, struct stage *stage, int64_t refs, bool mailbox,
    int64_t *id, struct fail *f);

/* delta more (or fewer) hold it; at 0 it waits for body_sweep(). */
int body_hold(struct db *db, int64_t id, int64_t delta, struct fail *f);

/* The same for each of these ids (rising, one that comes twice counts twice):
 * quick where they follow one another. */
int body_hold_all(
    struct db *db, const int64_t *ids, size_t n, int64_t delta, struct fail *f);

#endif
