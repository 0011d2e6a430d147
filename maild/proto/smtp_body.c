/* SPDX-License-Identifier: MIT */
#include "maild/proto/smtp_body.h"

/* Octets at the front of s that need no look: no CR or LF in them. */
static size_t
plain(struct str s)
{
	size_t cr = s.len, lf = s.len;

	if (str_find(s, '\n', &lf))
		s = str_first(s, lf);
	return str_find(s, '\r', &cr) ? cr : lf;
}

void
smtp_body_init(struct smtp_body *b)
{
	*b = (struct smtp_body){.cr = false};
	dot_writer_init(&b->dot);
}

void
smtp_body_add(struct smtp_body *b, struct str chunk, struct buf *out)
{
	if (chunk.len > 0 && b->cr) {
		b->cr = false;
		if (str_take(&chunk, '\n'))
			dot_write(&b->dot, STR("\r\n"), out);
		else
			dot_write(&b->dot, STR(" "), out);
	}
	while (chunk.len > 0) {
		size_t n = plain(chunk);

		/* as many good lines as there are, in one piece */
		while (n + 1 < chunk.len && chunk.at[n] == '\r' &&
		       chunk.at[n + 1] == '\n')
			n += 2 + plain(str_after(chunk, n + 2));
		dot_write(&b->dot, str_first(chunk, n), out);
		chunk = str_after(chunk, n);
		if (chunk.len == 1 && chunk.at[0] == '\r') {
			b->cr = true;
			return;
		}
		if (chunk.len > 0)
			dot_write(&b->dot, STR(" "), out);
		chunk = str_after(chunk, 1);
	}
}

void
smtp_body_end(struct smtp_body *b, struct buf *out)
{
	if (b->cr)
		dot_write(&b->dot, STR(" "), out);
	b->cr = false;
	dot_write_end(&b->dot, out);
}
