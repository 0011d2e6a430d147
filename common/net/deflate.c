/* SPDX-License-Identifier: MIT */
#include "common/net/deflate.h"

#include <assert.h>
#include <limits.h>
#include <stdlib.h>
#include <zlib.h>

#include "common/util/mem.h"

#define PACK_WINDOW   12 /* 4 KiB of window: 2^(12 + 2) octets */
#define PACK_LEVEL    5  /* memLevel: 2^(5 + 9) octets */
#define UNPACK_WINDOW 15 /* what a peer may use */
#define PIECE         ((size_t)4096)
#define FLUSH_ROOM    ((size_t)64) /* what a flush adds at least */

struct deflate {
	z_stream pack, unpack;
	bool ended; /* the peer's stream */
};

/* Nothing is freed by zlib but by its own end functions. */
static void *
allocate(void *arg, unsigned n, unsigned size)
{
	(void)arg;
	return mem_new(n, size);
}

static void
release(void *arg, void *p)
{
	(void)arg;
	free(p);
}

struct deflate *
deflate_new(void)
{
	struct deflate *d = MEM_NEW(struct deflate);
	int rc;

	d->pack.zalloc = d->unpack.zalloc = allocate;
	d->pack.zfree = d->unpack.zfree = release;
	/* negative: raw */
	rc = deflateInit2(&d->pack, Z_DEFAULT_COMPRESSION, Z_DEFLATED,
	    -PACK_WINDOW, PACK_LEVEL, Z_DEFAULT_STRATEGY);
	assert(rc == Z_OK);
	rc = inflateInit2(&d->unpack, -UNPACK_WINDOW);
	assert(rc == Z_OK);
	return d;
}

void
deflate_free(struct deflate *d)
{
	if (d == NULL)
		return;
	deflateEnd(&d->pack);
	inflateEnd(&d->unpack);
	free(d);
}

void
deflate_pack(struct deflate *d, struct str text, struct buf *out)
{
	z_stream *z = &d->pack;

	assert(text.len <= UINT_MAX);
	if (text.len == 0)
		return;
	z->next_in = (z_const Bytef *)text.at;
	z->avail_in = (uInt)text.len;
	do { /* until a flush leaves room: then it is whole */
		char *at = buf_reserve(out, PIECE + FLUSH_ROOM);
		int rc;

		assert(at != NULL); /* the caller's limit is the text's */
		z->next_out = (Bytef *)at;
		z->avail_out = (uInt)(PIECE + FLUSH_ROOM);
		rc = deflate(z, Z_SYNC_FLUSH);
		assert(rc == Z_OK || rc == Z_BUF_ERROR);
		buf_added(out, PIECE + FLUSH_ROOM - z->avail_out);
	} while (z->avail_out == 0);
	assert(z->avail_in == 0);
	z->next_in = NULL;
	z->next_out = NULL;
}

/* One call of inflate() with room for it: octets drawn. */
static size_t
draw(z_stream *z, struct str *in, size_t room, struct buf *out, int *rc)
{
	size_t given = in->len < UINT_MAX ? in->len : UINT_MAX;
	char *at = buf_reserve(out, room);

	assert(at != NULL);
	z->next_in = (z_const Bytef *)in->at;
	z->avail_in = (uInt)given;
	z->next_out = (Bytef *)at;
	z->avail_out = (uInt)room;
	*rc = inflate(z, Z_SYNC_FLUSH);
	*in = str_after(*in, given - z->avail_in);
	room -= z->avail_out;
	buf_added(out, room);
	z->next_in = NULL;
	z->next_out = NULL;
	return room;
}

enum deflate_result
deflate_unpack(struct deflate *d, struct str *in, size_t room, struct buf *out)
{
	int rc;

	if (d->ended)
		return DEFLATE_END;
	while (room > 0) {
		size_t most = room < PIECE ? room : PIECE;
		size_t n = draw(&d->unpack, in, most, out, &rc);

		room -= n;
		d->ended = rc == Z_STREAM_END;
		if (d->ended)
			return DEFLATE_END;
		if (rc != Z_OK && rc != Z_BUF_ERROR) /* that is: no progress */
			return DEFLATE_BAD;
		if (n < most) /* so it could draw no more */
			return DEFLATE_MORE;
	}
	return DEFLATE_FULL;
}
