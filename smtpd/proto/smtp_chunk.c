/* SPDX-License-Identifier: MIT */
#include "smtpd/proto/smtp_chunk.h"

#include "common/wire/bare.h"

#define DIGITS_MAX 20 /* as SIZE has (RFC 1870 s3) */

bool
smtp_chunk_parse(struct str arg, uint64_t *octets, bool *last)
{
	struct str size = str_cut(&arg, ' ');

	arg = str_trim(arg);
	*last = str_eq_nocase(arg, STR("LAST"));
	return (*last || arg.len == 0) && size.len <= DIGITS_MAX &&
	       str_to_u64(size, UINT64_MAX, octets);
}

/* Octets of one line, up to its LF at most. */
static void
look(struct smtp_text *t, struct str piece)
{
	bool ends = bare_ends_line(piece, t->after_cr);
	size_t octets, nul;

	t->bare |= bare_seen(piece, t->after_cr);
	t->nul |= str_find(piece, '\0', &nul);
	t->after_cr = piece.at[piece.len - 1] == '\r';
	t->line += piece.len;
	octets = t->line - (ends ? 2 : t->after_cr ? 1 : 0);
	if (octets > t->longest)
		t->longest = octets;
	if (ends)
		t->line = 0;
}

void
smtp_text_look(struct smtp_text *t, struct str octets)
{
	while (octets.len > 0) {
		struct str piece = bare_piece(octets);

		look(t, piece);
		octets = str_after(octets, piece.len);
	}
}
