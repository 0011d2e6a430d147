/* SPDX-License-Identifier: MIT */
/*
 * press: what sealing a stage needs (about 300 KB with all its parts), kept
 * from one message to the next by who seals many: making it anew costs as much
 * as a third of the pressing.  Each part is made when first needed.
 *
 * One thread at a time.  Nothing of a message stays in it that the next one
 * could see.
 */
#ifndef STORE_PRESS_H
#define STORE_PRESS_H

#include <stddef.h>
#include <zstd.h>

#include "common/mime/structure.h"

struct press {
	ZSTD_CCtx *zstd;             /* NULL: not made yet, so for the others */
	struct structure *structure; /* the last message's, or NULL */
	char *room;                  /* where a whole message is pressed to */
	size_t room_size;
};

struct press *press_new(void);
void press_free(struct press *p);

/* Ready for a message of size plain octets, NULL when zstd cannot start. */
ZSTD_CCtx *press_zstd(struct press *p, uint64_t size);
struct structure *press_structure(struct press *p);

/* At least so many octets, valid until the next call. */
char *press_room(struct press *p, size_t size);

/* zstd took buffers for a stream, which few messages need: give them back. */
void press_drop_stream(struct press *p);

#endif
