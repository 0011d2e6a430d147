/* SPDX-License-Identifier: MIT */
/* A message of any octets in pieces of any size, the first octet says how many
 * lines of its body are wanted: what TOP gives is what is cut off by looking at
 * all of it at once. */
#include <assert.h>

#include "common/util/buf.h"
#include "common/util/mem.h"
#include "popd/proto/top.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Header, empty line, so many lines. */
static size_t
at_once(struct str message, uint64_t lines)
{
	size_t at = 0, end;
	bool body = false;

	while (at < message.len && (!body || lines > 0)) {
		bool empty = str_starts(str_after(message, at), STR("\r\n"));

		if (!str_find_str(str_after(message, at), STR("\r\n"), &end))
			return message.len;
		at += end + 2;
		lines -= body;
		body |= empty;
	}
	return at;
}

static void
check(struct str message, uint64_t lines, size_t piece)
{
	struct buf out;
	struct top t;

	buf_init(&out, 1 * MB);
	top_init(&t, lines);
	for (struct str rest = message; rest.len > 0;
	     rest = str_after(rest, piece)) {
		struct str part = str_first(rest, piece);
		struct str got = top_take(&t, part);

		assert(got.len == 0 || got.at == part.at);
		assert(got.len <= part.len);
		assert(got.len == part.len || top_is_full(&t));
		buf_add(&out, got);
	}
	assert(
	    str_eq(buf_str(&out), str_first(message, at_once(message, lines))));
	buf_release(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str message = {(const char *)data + 1, size - 1};

	if (size < 2)
		return 0;
	check(message, data[0] % 6, size);
	check(message, data[0] % 6, 1 + data[1] % 5);
	return 0;
}
