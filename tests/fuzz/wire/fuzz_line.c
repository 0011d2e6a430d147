/* SPDX-License-Identifier: MIT */
/* Lines come out the same however the bytes are cut. */
#include <assert.h>

#include "common/util/mem.h"
#include "common/wire/line.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
run(struct str in, size_t max, size_t piece, struct buf *out)
{
	struct line l;

	line_init(&l, max);
	while (in.len > 0) {
		struct str part = str_first(in, piece), line;
		enum line_result r;

		in = str_after(in, part.len);
		while ((r = line_take(&l, &part, &line)) != LINE_MORE) {
			buf_add_char(out, (char)r);
			if (r == LINE_READY) {
				assert(line.len <= max);
				buf_add(out, line);
			}
		}
		assert(part.len == 0);
	}
	line_release(&l);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf whole, cut;

	if (size < 2)
		return 0;
	buf_init(&whole, 1 * MB);
	buf_init(&cut, 1 * MB);
	struct str in = {(const char *)data + 2, size - 2};
	run(in, data[0], size, &whole);
	run(in, data[0], 1 + data[1] % 16, &cut);
	assert(str_eq(buf_str(&whole), buf_str(&cut)));
	buf_release(&whole);
	buf_release(&cut);
	return 0;
}
