/* SPDX-License-Identifier: MIT */
/*
 * info: what IMAP says of a body, found while it was staged
 * (mime/structure.h) and kept beside it.  A body that has none yet is parsed
 * again, so callers need not care.
 */
#ifndef STORE_INFO_H
#define STORE_INFO_H

#include <stdint.h>

#include "common/store/db.h"
#include "common/util/buf.h"

struct info {
	bool has_sent;
	int64_t sent_s;
	struct buf text; /* owns what the others point into */
	struct str envelope, structure, parts, refs, preview;
};
void info_init(struct info *i);
void info_release(struct info *i);

enum info_want { /* so that no more is read than is needed */
	INFO_SENT = 1 << 0,
	INFO_ENVELOPE = 1 << 1,
	INFO_STRUCTURE = 1 << 2,
	INFO_PARTS = 1 << 3,
	INFO_REFS = 1 << 4,
	INFO_PREVIEW = 1 << 5,
	INFO_ALL = (1 << 6) - 1,
};

/* In a read transaction; may read and parse the body if there is no row.  1, 0
 * no such body, -1.  *i is used again from call to call. */
int info_read(
    struct db *db, int64_t body, unsigned want, struct info *i, struct fail *f);

#endif
