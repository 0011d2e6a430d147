/* SPDX-License-Identifier: MIT */
/*
 * secret: a password or key in memory, wiped when it is released.
 *
 * The bytes live in a block of their own that is never moved or copied by
 * growing; nothing of it belongs in struct fail, a reply or a log.
 */
#ifndef UTIL_SECRET_H
#define UTIL_SECRET_H

#include "common/util/buf.h"

struct secret {
	char *data; /* NUL-terminated; NULL when empty */
	size_t len;
};

void secret_init(struct secret *s);

/* Keep a copy of these bytes; what was held before is wiped. */
void secret_set(struct secret *s, struct str bytes);
struct str secret_str(const struct secret *s); /* stale after set, release */
void secret_release(struct secret *s);

/* Equal, in a time that depends on the lengths only. */
bool secret_eq(struct str a, struct str b);

/* Wipe a buffer that held a secret, its room included, and release it. */
void secret_wipe(struct buf *b);

#endif
