/* SPDX-License-Identifier: MIT */
/*
 * body: reading the stored bytes of a message, in pieces, byte-exact.
 *
 * body_open() is called in a read transaction; the reading then needs no
 * transaction and no connection: a small body was copied (compressed, at most
 * 64 KiB), a large one is an open file.  body_read() may block on the disk:
 * call it on a worker thread.  A message deleted meanwhile is still read to
 * its end.
 */
#ifndef STORE_BODY_H
#define STORE_BODY_H

#include <stdint.h>

#include "common/store/db.h"
#include "common/util/buf.h"

struct body;

/* NULL on failure. */
struct body *body_open(struct db *db, int64_t id, struct fail *f);
uint64_t body_size(const struct body *b); /* plain octets */

/* Append up to max plain octets to out.  1 more to come, 0 that was the end,
 * -1 failure (damaged: FAIL_PERM). */
int body_read(struct body *b, size_t max, struct buf *out, struct fail *f);
void body_free(struct body *b);

/* Delete up to max bodies nobody refers to, inside a write transaction;
 * files are unlinked after their row is gone.  *n: how many. */
int body_sweep(struct db *db, size_t max, size_t *n, struct fail *f);

/* At start, under the lock: remove object files and stage files no row names.
 */
int body_sweep_files(struct db *db, size_t *n, struct fail *f);

#endif
