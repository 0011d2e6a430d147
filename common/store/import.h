/* SPDX-License-Identifier: MIT */
/*
 * import: how far reading messages from a file or folder into a mailbox has
 * come, kept in the transaction that has the messages, so that a crash
 * neither loses nor doubles one.
 *
 * A file is done up to a position, and a digest of what was before it tells
 * whether it is still that file.  Of a folder the names that are done are
 * kept, each as the first IMPORT_NAME octets of its digest.
 */
#ifndef STORE_IMPORT_H
#define STORE_IMPORT_H

#include <stdint.h>

#include "common/store/db.h"
#include "common/util/buf.h"

#define IMPORT_DIGEST 32
#define IMPORT_NAME   16

struct import_mark {
	int64_t id;
	uint64_t position;
	bool has_digest;
	char digest[IMPORT_DIGEST];
};

/* 1 found, 0 this source was never read into this mailbox, -1. */
int import_find(struct db *db, int64_t mailbox, struct str source,
    struct import_mark *out, struct fail *f);

/* Begin one; what there was before is forgotten.  In a write transaction, as
 * the next two. */
int import_begin(struct db *db, int64_t mailbox, struct str source, int64_t *id,
    struct fail *f);
int import_set(struct db *db, int64_t id, uint64_t position,
    const char digest[IMPORT_DIGEST], struct fail *f);

/* More names of a folder are done: their digests one after another. */
int import_add_names(
    struct db *db, int64_t id, struct str names, struct fail *f);

/* Append the digests of all names that are done. */
int import_names(struct db *db, int64_t id, struct buf *out, struct fail *f);

/* The digest of octets as they pass. */
struct import_digest;
struct import_digest *import_digest_new(void);
void import_digest_add(struct import_digest *d, struct str octets);
/* Of all so far; more may be added. */
void import_digest_now(const struct import_digest *d, char out[IMPORT_DIGEST]);
void import_digest_free(struct import_digest *d);

void import_name_digest(struct str name, char out[IMPORT_NAME]);

#endif
