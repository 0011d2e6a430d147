/* SPDX-License-Identifier: MIT */
/* Data is read the same however it is cut, and what is written reads back. */
#include <assert.h>

#include "common/util/mem.h"
#include "common/wire/dot.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* How many octets were taken to the end; 0 without one. */
static size_t
run(struct str in, size_t piece, size_t room, struct dot_reader *d,
    struct buf *out)
{
	struct buf some;
	size_t taken = 0;
	bool ended = false;

	buf_init(&some, room);
	dot_reader_init(d);
	while (taken < in.len && !ended) {
		struct str part = str_first(str_after(in, taken), piece);
		size_t before = part.len;

		ended = dot_read(d, &part, &some) == DOT_END;
		assert(!some.overrun);
		assert(ended || part.len == 0 || some.len == room);
		taken += before - part.len;
		buf_add(out, buf_str(&some));
		buf_clear(&some);
	}
	buf_release(&some);
	return ended ? taken : 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dot_reader a, b;
	struct dot_writer w;
	struct buf whole, cut, wire;

	if (size < 2)
		return 0;
	buf_init(&whole, 1 * MB);
	buf_init(&cut, 1 * MB);
	buf_init(&wire, 2 * MB);
	struct str in = {(const char *)data + 2, size - 2};
	size_t end = run(in, size, 1 * MB, &a, &whole);
	assert(run(in, 1 + data[0] % 16, 1 + data[1] % 16, &b, &cut) == end);
	assert(str_eq(buf_str(&whole), buf_str(&cut)));
	assert(a.bare == b.bare && a.nul == b.nul && a.longest == b.longest);
	if (end > 0 && !a.bare) {
		dot_writer_init(&w);
		for (struct str rest = buf_str(&whole); rest.len > 0;
		     rest = str_after(rest, 1 + data[0] % 16))
			dot_write(&w, str_first(rest, 1 + data[0] % 16), &wire);
		dot_write_end(&w, &wire);
		buf_clear(&cut);
		assert(run(buf_str(&wire), size, 1 * MB, &b, &cut) == wire.len);
		assert(str_eq(buf_str(&whole), buf_str(&cut)) && !b.bare);
	}
	buf_release(&whole);
	buf_release(&cut);
	buf_release(&wire);
	return 0;
}
