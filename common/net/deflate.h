/* SPDX-License-Identifier: MIT */
/*
 * deflate: raw DEFLATE both ways (RFC 1951), for one connection (RFC 4978).
 *
 * What is packed is flushed whole each time: the other side can read all of
 * it.  Unpacking draws no more than there is room for, so a peer cannot make
 * much of little.
 *
 * Memory: about 24 KiB to pack, for a small window compresses mail nearly as
 * well; 7 KiB to unpack, and 32 KiB more once a peer's text is that long: how
 * far back it refers is its choice.
 */
#ifndef NET_DEFLATE_H
#define NET_DEFLATE_H

#include "common/util/buf.h"

struct deflate;

struct deflate *deflate_new(void);
void deflate_free(struct deflate *d); /* NULL is fine */

/* Append all of text, packed, to out (RFC 1951 s3.2.4 ends it on an octet). */
void deflate_pack(struct deflate *d, struct str text, struct buf *out);

enum deflate_result {
	DEFLATE_MORE, /* in is used up and all of it was drawn */
	DEFLATE_FULL, /* room is used up: there may be more to draw, even if in
	               * is empty */
	DEFLATE_END,  /* the peer says that this was all */
	DEFLATE_BAD,  /* not DEFLATE */
};

/* Append at most room octets to out, taking *in from the front. */
enum deflate_result deflate_unpack(
    struct deflate *d, struct str *in, size_t room, struct buf *out);

#endif
