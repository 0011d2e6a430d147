/* SPDX-License-Identifier: MIT */
#include "common/wire/bare.h"

static bool
ends_in_lf(struct str piece)
{
	return piece.len > 0 && piece.at[piece.len - 1] == '\n';
}

struct str
bare_piece(struct str in)
{
	size_t at;

	return str_find(in, '\n', &at) ? str_first(in, at + 1) : in;
}

bool
bare_ends_line(struct str piece, bool after_cr)
{
	if (!ends_in_lf(piece))
		return false;
	return piece.len > 1 ? piece.at[piece.len - 2] == '\r' : after_cr;
}

bool
bare_seen(struct str piece, bool after_cr)
{
	size_t at;

	if (piece.len == 0)
		return false;
	if (after_cr && piece.at[0] != '\n')
		return true;
	if (ends_in_lf(piece)) {
		if (!bare_ends_line(piece, after_cr))
			return true;
		piece.len -= piece.len > 1 ? 2 : 1;
	} else if (piece.at[piece.len - 1] == '\r')
		piece.len--;
	return str_find(piece, '\r', &at);
}
