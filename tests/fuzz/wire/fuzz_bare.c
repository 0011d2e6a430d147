/* SPDX-License-Identifier: MIT */
/* Line ends and what is none of them, in pieces cut by the function itself and
 * anywhere: as seen in all of it at once. */
#include <assert.h>

#include "common/wire/bare.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
	bool bare;
	size_t lines;
	bool after_cr; /* at the end */
};

static struct seen
at_once(struct str s)
{
	struct seen seen = {0};

	for (size_t i = 0; i < s.len; i++) {
		bool cr = i > 0 && s.at[i - 1] == '\r';

		seen.bare |= (s.at[i] == '\n') != cr;
		seen.lines += s.at[i] == '\n' && cr;
	}
	seen.after_cr = s.len > 0 && s.at[s.len - 1] == '\r';
	return seen;
}

static struct seen
in_pieces(struct str s, size_t most)
{
	struct seen seen = {0};

	while (s.len > 0) {
		struct str piece = bare_piece(str_first(s, most));

		assert(piece.len > 0 && piece.at == s.at);
		seen.bare |= bare_seen(piece, seen.after_cr);
		seen.lines += bare_ends_line(piece, seen.after_cr);
		seen.after_cr = piece.at[piece.len - 1] == '\r';
		s = str_after(s, piece.len);
	}
	return seen;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str s = {(const char *)data, size};
	struct seen all = at_once(s);
	struct seen cut = in_pieces(s, size > 0 ? 1 + data[0] % 9 : 1);
	struct seen whole = in_pieces(s, size + 1);

	assert(all.bare == cut.bare && all.bare == whole.bare);
	assert(all.lines == cut.lines && all.lines == whole.lines);
	assert(all.after_cr == cut.after_cr);
	return 0;
}
