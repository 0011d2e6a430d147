/* SPDX-License-Identifier: MIT */
/*
 * body: reading the stored bytes of a message, in pieces, byte-exact.
 *
 * body_open() is called in a read transaction; the reading then needs no
 * transaction and no connection: a small body is in memory (256 KiB at most), a
 * large one is an open file.  body_read() may block on the disk:
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
 * -1 failure (damaged: FAIL_PERM).  Checksums show damage: zstd's for a small
 * body, the hash for others. */
int body_read(struct body *b, size_t max, struct buf *out, struct fail *f);

/* All was read: is it what the hash in its row says?  0, -1.  It takes as long
 * as unpacking; nobody but a check of the store needs it. */
int body_verify(const struct body *b, struct fail *f);

/* All plain octets, if they are at hand, or else nothing (at is NULL); valid
 * until it is freed. */
struct str body_whole(const struct body *b);
void body_free(struct body *b);

/* Delete up to max bodies nobody refers to, inside a write transaction;
 * files are unlinked after their row is gone.  *n: how many; none while a
 * backup is made (sweep_pause.h). */
int body_sweep(struct db *db, size_t max, size_t *n, struct fail *f);

/* At start, under the lock: remove object files and stage files no row names.
 */
int body_sweep_files(struct db *db, size_t *n, struct fail *f);

#endif
