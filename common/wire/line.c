/* SPDX-License-Identifier: MIT */
#include "common/wire/line.h"

#include "common/util/secret.h"
#include "common/wire/bare.h"

/* Keep a piece of an unfinished line, or give up on holding the line. */
static void
hold(struct line *l, struct str piece)
{
	if (l->too_long)
		return;
	/* 2: the CRLF may be here while it is not yet known to be one */
	l->held.limit = l->max + 2;
	buf_add(&l->held, piece);
	if (l->held.overrun) {
		secret_wipe(&l->held);
		l->too_long = true;
	}
}

/* The line is complete: judge it and begin the next. */
static enum line_result
finish(struct line *l, struct str whole, struct str *out)
{
	enum line_result result = LINE_READY;

	if (l->too_long || l->seen - 2 > l->max)
		result = LINE_TOO_LONG;
	else if (l->bare)
		result = LINE_BAD;
	else
		*out = str_first(whole, whole.len - 2);
	l->too_long = l->bare = l->cr = false;
	l->seen = 0;
	return result;
}

void
line_init(struct line *l, size_t max)
{
	*l = (struct line){.max = max};
	buf_init(&l->held, max + 2);
}

void
line_release(struct line *l)
{
	secret_wipe(&l->held);
	line_init(l, l->max);
}

enum line_result
line_take(struct line *l, struct str *in, struct str *out)
{
	size_t nul;

	if (l->seen == 0)
		secret_wipe(&l->held); /* the line given last time */
	while (in->len > 0) {
		struct str piece = bare_piece(*in);
		bool ends = bare_ends_line(piece, l->cr);

		*in = str_after(*in, piece.len);
		l->bare |= bare_seen(piece, l->cr) ||
		           str_find(piece, '\0', &nul);
		l->cr = piece.at[piece.len - 1] == '\r';
		if (ends && l->seen == 0) {
			l->seen = piece.len;
			return finish(l, piece, out);
		}
		l->seen += piece.len;
		hold(l, piece);
		if (ends)
			return finish(l, buf_str(&l->held), out);
	}
	return LINE_MORE;
}

size_t
line_seen(const struct line *l)
{
	return l->seen;
}
