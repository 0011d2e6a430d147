/* SPDX-License-Identifier: MIT */
#include "common/mime/text.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/mime/charset.h"
#include "common/mime/cte.h"
#include "common/mime/encword.h"
#include "common/mime/fields.h"
#include "common/mime/param.h"
#include "common/mime/parts.h"

#define HEADER_LOOK (256 * KB) /* of one header block */
#define CHARSET_MAX 64

/*
 * The message goes by once.  What is of use in it are regions that follow each
 * other: the header of each part, and the body of each text part.
 */
struct text_reader {
	struct str parts; /* not looked at yet; borrowed */
	struct part part; /* at hand */
	bool done;        /* there is no further region */
	bool in_body;     /* its body is awaited, else its header */
	bool first;       /* it is the message itself */
	uint64_t at;      /* octets gone by */
	struct buf raw;   /* of the region so far, a body's decoded */
	struct cte_decoder cte;
	char charset[CHARSET_MAX]; /* of the part at hand */
	bool html;
	bool report;           /* message/...: text, if it has no parts */
	struct buf head, body; /* what is made */
};

struct text_reader *
text_reader_new(struct str packed)
{
	struct text_reader *r = MEM_NEW(struct text_reader);

	r->parts = packed;
	r->first = true;
	buf_init(&r->raw, HEADER_LOOK);
	buf_init(&r->head, TEXT_MAX);
	buf_init(&r->body, TEXT_MAX);
	r->done = !parts_next(&r->parts, &r->part);
	return r;
}

void
text_reader_free(struct text_reader *r)
{
	if (r == NULL)
		return;
	buf_release(&r->raw);
	buf_release(&r->head);
	buf_release(&r->body);
	free(r);
}

/* What no name of a field may have (RFC 5322 s2.2) is found by nobody. */
static void
add_name(struct buf *out, struct str name)
{
	for (size_t i = 0; i < name.len; i++) {
		char c = name.at[i] > ' ' && name.at[i] < 0x7f ? name.at[i]
		                                               : '?';

		text_fold((struct str){&c, 1}, out);
	}
	buf_add(out, STR(": "));
}

static void
add_field(struct buf *out, const struct fields_line *field)
{
	struct buf value;

	add_name(out, field->name);
	buf_init(&value, HEADER_LOOK);
	encword_decode(field->value, &value);
	text_fold(str_trim(buf_str(&value)), out);
	buf_add_char(out, '\n');
	buf_release(&value);
}

/* Lines that are no field are of the header all the same.  They are not taken
 * for one: the first has no colon, those that continue it begin with a space.
 */
static void
add_stray(struct buf *out, struct str lines)
{
	while (lines.len > 0 && !out->overrun) {
		struct str line = str_cut(&lines, '\n');

		if (line.len > 0 && line.at[line.len - 1] == '\r')
			line.len--;
		if (str_trim(line).len == 0)
			continue;
		text_fold(line, out);
		buf_add_char(out, '\n');
	}
}

/* The next field of a header; what is before it is made text of. */
static bool
next_field(struct text_reader *r, struct str *rest, struct fields_line *field)
{
	struct str before = *rest;
	bool more = fields_next(rest, field);

	if (more)
		before.len = (size_t)(field->name.at - before.at);
	add_stray(&r->head, before);
	return more;
}

/* Which charset, and is it HTML? */
static void
read_type(struct text_reader *r, struct str value)
{
	struct buf line;
	struct param_list *params;
	struct str charset;

	buf_init(&line, HEADER_LOOK);
	fields_unfold(value, &line);
	r->html = str_starts_nocase(buf_str(&line), STR("text/html"));
	r->report = str_starts_nocase(buf_str(&line), STR("message/"));
	params = param_parse(buf_str(&line));
	if (param_find(params, STR("charset"), &charset))
		snprintf(
		    r->charset, sizeof(r->charset), "%.*s", STR_FMT(charset));
	param_free(params);
	buf_release(&line);
}

static void
end_header(struct text_reader *r)
{
	struct str rest = buf_str(&r->raw);
	struct fields_line field;

	r->charset[0] = '\0';
	r->html = r->report = false;
	while (next_field(r, &rest, &field)) {
		if (str_eq_nocase(field.name, STR("content-type")))
			read_type(r, field.value);
		if (!r->head.overrun)
			add_field(&r->head, &field);
	}
	if (r->first)
		buf_add_char(&r->head, '\n');
	r->first = false;
}

/* CRLF as '\n'. */
static void
unify_lines(struct buf *b)
{
	size_t to = 0;

	for (size_t i = 0; i < b->len; i++)
		if (b->data[i] != '\r' || i + 1 == b->len ||
		    b->data[i + 1] != '\n')
			b->data[to++] = b->data[i];
	buf_cut(b, to);
}

/* Of a large text no more copies are held at a time than two. */
static void
end_body(struct text_reader *r)
{
	struct buf utf8, words;

	cte_decode_end(&r->cte, &r->raw);
	buf_init(&utf8, TEXT_MAX);
	buf_init(&words, TEXT_MAX);
	charset_to_utf8(str_of(r->charset), buf_str(&r->raw), &utf8);
	buf_release(&r->raw);
	unify_lines(&utf8);
	if (r->html) {
		text_of_html(buf_str(&utf8), &words);
		buf_release(&utf8);
	}
	text_fold(buf_str(r->html ? &words : &utf8), &r->body);
	buf_add_char(&r->body, '\n');
	buf_release(&words);
	buf_release(&utf8);
}

/* The region is over: make its text, and find the next. */
static void
end_region(struct text_reader *r)
{
	bool was_body = r->in_body;

	if (was_body)
		end_body(r);
	else
		end_header(r);
	buf_release(&r->raw);
	r->in_body = !was_body &&
	             (r->part.kind == PART_TEXT ||
			 (r->part.kind == PART_OTHER && r->report));
	if (r->in_body) {
		cte_decoder_init(&r->cte, r->part.encoding);
		buf_init(&r->raw, TEXT_MAX + sizeof(r->cte.held));
		return;
	}
	buf_init(&r->raw, HEADER_LOOK);
	r->done = !parts_next(&r->parts, &r->part) || r->body.overrun;
}

static void
take(struct text_reader *r, struct str piece)
{
	if (!r->in_body)
		buf_add(&r->raw, str_first(piece, HEADER_LOOK - r->raw.len));
	else if (r->raw.len < TEXT_MAX)
		cte_decode(
		    &r->cte, str_first(piece, TEXT_MAX - r->raw.len), &r->raw);
}

/* Where the region at hand is. */
static void
find_region(const struct text_reader *r, uint64_t *from, uint64_t *to)
{
	const struct part *p = &r->part;

	*from = r->in_body ? p->body_at : p->header_at;
	*to = *from + (r->in_body ? p->body_len : p->header_len);
}

bool
text_reader_feed(struct text_reader *r, struct str bytes)
{
	uint64_t from, to;

	while (!r->done) {
		find_region(r, &from, &to);
		if (from > r->at) { /* nothing of use before it */
			size_t skip = bytes.len;

			if (skip > from - r->at)
				skip = (size_t)(from - r->at);
			bytes = str_after(bytes, skip);
			r->at += skip;
			if (r->at < from)
				return true;
		}
		if (to > r->at) {
			struct str piece = bytes;

			if (piece.len > to - r->at)
				piece = str_first(bytes, (size_t)(to - r->at));
			take(r, piece);
			bytes = str_after(bytes, piece.len);
			r->at += piece.len;
			if (r->at < to)
				return true;
		}
		end_region(r);
	}
	return false;
}

void
text_reader_finish(struct text_reader *r, struct buf *head, struct buf *body)
{
	while (!r->done) /* the message is shorter than its parts say */
		end_region(r);
	buf_add(head, buf_str(&r->head));
	buf_add(body, buf_str(&r->body));
}
