/* SPDX-License-Identifier: MIT */
/* Any octets are unpacked to the same in whatever pieces they come and however
 * little room there is, or are no DEFLATE in each; and what is packed comes
 * back, whole after each flush. */
#include <assert.h>

#include "common/net/deflate.h"
#include "common/util/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MOST (256 * KB) /* that is drawn of one input */

static enum deflate_result
unpack(struct str in, size_t piece, size_t room, struct buf *out)
{
	struct deflate *d = deflate_new();
	enum deflate_result r = DEFLATE_MORE;
	struct str part = {0};

	while (out->len < MOST && (r == DEFLATE_FULL || in.len > 0)) {
		size_t before = out->len;

		if (r == DEFLATE_MORE) {
			part = str_first(in, piece);
			in = str_after(in, part.len);
		}
		r = deflate_unpack(d, &part, room, out);
		assert(out->len - before <= room);
		assert(r != DEFLATE_MORE || part.len == 0);
		if (r == DEFLATE_END || r == DEFLATE_BAD)
			break;
	}
	deflate_free(d);
	return r;
}

static void
unpack_twice(struct str in, size_t piece, size_t room)
{
	struct buf whole, cut;
	enum deflate_result a, b;

	buf_init(&whole, 2 * MOST);
	buf_init(&cut, 2 * MOST);
	a = unpack(in, in.len + 1, 4 * KB, &whole);
	b = unpack(in, piece, room, &cut);
	if (whole.len < MOST && cut.len < MOST) {
		assert((a == DEFLATE_END) == (b == DEFLATE_END));
		assert((a == DEFLATE_BAD) == (b == DEFLATE_BAD));
		if (a != DEFLATE_BAD)
			assert(str_eq(buf_str(&whole), buf_str(&cut)));
	}
	buf_release(&whole);
	buf_release(&cut);
}

static void
there_and_back(struct str text, size_t piece)
{
	struct deflate *to = deflate_new(), *from = deflate_new();
	struct buf packed, back;
	struct str in;

	buf_init(&back, MOST);
	buf_init(&packed, 2 * MOST);
	for (struct str rest = text; rest.len > 0;
	     rest = str_after(rest, piece)) {
		buf_clear(&packed);
		deflate_pack(to, str_first(rest, piece), &packed);
		in = buf_str(&packed);
		while (deflate_unpack(from, &in, 100, &back) == DEFLATE_FULL)
			continue;
		assert(in.len == 0);
		/* it can all be read before more is packed */
		assert(str_eq(buf_str(&back),
		    str_first(text, text.len - rest.len + piece)));
	}
	buf_release(&packed);
	buf_release(&back);
	deflate_free(to);
	deflate_free(from);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = {(const char *)data + 2, size - 2};

	if (size < 2 || size > 16 * KB)
		return 0;
	unpack_twice(in, 1 + data[0] % 50, 1 + data[1]);
	there_and_back(in, 64 + data[0] * 16u);
	return 0;
}
