/* SPDX-License-Identifier: MIT */
/*
 *	       +------------CRLF-------------+
 *	       v                             |
 *	--> LINE_START --octet--> IN_LINE ---+
 *	       | '.'       other ^  ^
 *	       v                 |  | CR, then other
 *	      DOT ---------------+  |
 *	       | CR                 |
 *	       v                    |
 *	     DOT_CR ----------------+
 *	       | LF
 *	       v
 *	    DOT_END
 */
#include "common/wire/dot.h"

#include "common/wire/bare.h"

enum state {
	LINE_START, /* also before the first octet: DATA's own CRLF counts */
	IN_LINE,
	AFTER_CR, /* in a line, and the last octet was CR */
	DOT,      /* a dot at the start of a line, not yet written */
	DOT_CR,   /* and a CR, not yet written */
};

static size_t
room(const struct buf *out)
{
	return out->len < out->limit ? out->limit - out->len : 0;
}

/* Pass on octets of one line, up to its LF at most. */
static void
pass(struct dot_reader *d, struct str piece, struct buf *out)
{
	bool after_cr = d->state == AFTER_CR;
	bool ends = bare_ends_line(piece, after_cr);
	size_t nul;

	d->bare |= bare_seen(piece, after_cr);
	d->nul |= str_find(piece, '\0', &nul);
	buf_add(out, piece);
	d->state = ends                              ? LINE_START
	           : piece.at[piece.len - 1] == '\r' ? AFTER_CR
	                                             : IN_LINE;
	d->line += piece.len;
	size_t octets = d->line - (ends ? 2 : d->state == AFTER_CR ? 1 : 0);
	if (octets > d->longest)
		d->longest = octets;
	if (ends)
		d->line = 0;
}

/* How many octets at the front are whole lines that may pass as they are: what
 * almost all mail is made of.  Nothing is known of NULs. */
static size_t
plain_lines(struct dot_reader *d, struct str in)
{
	size_t at = 0, lf, cr;

	while (at < in.len && in.at[at] != '.') {
		struct str rest = str_after(in, at);

		if (!str_find(rest, '\n', &lf) ||
		    !str_find(str_first(rest, lf), '\r', &cr) || cr + 1 != lf)
			break;
		if (cr > d->longest)
			d->longest = cr;
		at += lf + 1;
	}
	return at;
}

/* Pass on as many lines as can be at once, perhaps none. */
static void
pass_lines(struct dot_reader *d, struct str *in, struct buf *out)
{
	struct str lines = str_first(
	    *in, plain_lines(d, str_first(*in, room(out))));
	size_t nul;

	d->nul |= str_find(lines, '\0', &nul);
	buf_add(out, lines);
	*in = str_after(*in, lines.len);
}

void
dot_reader_init(struct dot_reader *d)
{
	*d = (struct dot_reader){.state = LINE_START};
}

enum dot_result
dot_read(struct dot_reader *d, struct str *in, struct buf *out)
{
	while (in->len > 0) {
		if (d->state == LINE_START)
			pass_lines(d, in, out);
		if (in->len == 0)
			break;
		if (d->state == LINE_START && str_take(in, '.')) {
			d->state = DOT;
		} else if (d->state == DOT) {
			/* RFC 5321 s4.5.2: the dot is deleted, whatever
			 * follows it but the end */
			d->state = str_take(in, '\r') ? DOT_CR : IN_LINE;
		} else if (d->state == DOT_CR && str_take(in, '\n')) {
			return DOT_END;
		} else if (room(out) == 0) {
			return DOT_MORE;
		} else if (d->state == DOT_CR) {
			pass(d, STR("\r"), out);
		} else {
			struct str piece = bare_piece(
			    str_first(*in, room(out)));

			pass(d, piece, out);
			*in = str_after(*in, piece.len);
		}
	}
	return DOT_MORE;
}

void
dot_writer_init(struct dot_writer *w)
{
	*w = (struct dot_writer){.line_start = true};
}

void
dot_write(struct dot_writer *w, struct str bytes, struct buf *out)
{
	size_t from = 0; /* bytes before this are written */
	size_t at = 0;   /* bytes before this are looked at */

	while (at < bytes.len) {
		size_t lf;

		if (w->line_start && bytes.at[at] == '.') {
			buf_add(out, str_after(str_first(bytes, at), from));
			buf_add_char(out, '.');
			from = at;
		}
		if (!str_find(str_after(bytes, at), '\n', &lf)) {
			w->cr = bytes.at[bytes.len - 1] == '\r';
			w->line_start = false;
			break;
		}
		w->line_start = lf > 0 ? bytes.at[at + lf - 1] == '\r' : w->cr;
		w->cr = false;
		at += lf + 1;
	}
	buf_add(out, str_after(bytes, from));
}

void
dot_write_end(struct dot_writer *w, struct buf *out)
{
	if (!w->line_start)
		/* half a CRLF is completed: we send no bare CR */
		buf_add(out, w->cr ? STR("\n") : STR("\r\n"));
	buf_add(out, STR(".\r\n"));
	dot_writer_init(w);
}
