/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/mime/plain_structure.h"

#include <stdlib.h>
#include <string.h>

#include "common/util/mem.h"
#include "tests/fuzz/mime/plain_type.h"

#define LEVELS   100
#define BOUNDARY 80

struct reading {
	struct str message;
	struct plain_structure *out;
	char boundary[LEVELS][BOUNDARY];
	size_t boundary_len[LEVELS];
	int n_boundaries; /* of the multiparts that are open */
};

/* Where something was over, and by which boundary; -1: the message is. */
struct stop {
	size_t at;  /* of the delimiter's line */
	size_t end; /* of what is before it */
	int by;
};

/* Behind the line at this place. */
static size_t
line_end(const struct reading *r, size_t at)
{
	while (at < r->message.len)
		if (r->message.at[at++] == '\n')
			break;
	return at;
}

static bool
is_there(const struct reading *r, size_t at, struct str what)
{
	return str_starts(str_after(r->message, at), what);
}

/* How long the empty line at this place is; 0: it is none. */
static size_t
empty_line(const struct reading *r, size_t at)
{
	if (is_there(r, at, STR("\n")))
		return 1;
	return is_there(r, at, STR("\r\n")) ? 2 : 0;
}

/* How long the line end before this place is. */
static size_t
end_before(const struct reading *r, size_t at)
{
	if (at >= 2 && is_there(r, at - 2, STR("\r\n")))
		return 2;
	return at >= 1 && is_there(r, at - 1, STR("\n")) ? 1 : 0;
}

static struct str
boundary(const struct reading *r, int i)
{
	return (struct str){r->boundary[i], r->boundary_len[i]};
}

/* The boundary of the delimiter at this place, or -1. */
static int
delimiter(const struct reading *r, size_t at)
{
	int best = -1;

	if (!is_there(r, at, STR("--")))
		return -1;
	for (int i = 0; i < r->n_boundaries; i++)
		if (is_there(r, at + 2, boundary(r, i)) &&
		    (best == -1 || boundary(r, i).len >= boundary(r, best).len))
			best = i;
	return best;
}

/* From the beginning of a line to the next delimiter, or the message's end.
 * Nothing ends before least. */
static struct stop
find_stop(const struct reading *r, size_t at, size_t least)
{
	struct stop s = {.by = -1};

	while (at < r->message.len && (s.by = delimiter(r, at)) == -1)
		at = line_end(r, at);
	s.at = s.end = at;
	if (s.by != -1)
		s.end -= end_before(r, at);
	if (s.end < least)
		s.end = least;
	return s;
}

static struct plain_part *
add_part(struct reading *r, size_t at, unsigned depth)
{
	struct plain_structure *out = r->out;
	struct plain_part *p;

	out->parts = mem_grow(out->parts, out->n + 1, sizeof(*out->parts));
	p = &out->parts[out->n++];
	*p = (struct plain_part){
	    .at = {.depth = depth, .header_at = at}
        };
	buf_init(&p->type, 1 * MB);
	buf_init(&p->subtype, 1 * MB);
	buf_init(&p->encoding, 1 * MB);
	return p;
}

static bool
is(const struct buf *word, const char *what)
{
	return str_eq_nocase(buf_str(word), str_of(what));
}

static void
set_type(struct plain_part *p, struct str type, struct str subtype)
{
	buf_add(&p->type, type);
	buf_add(&p->subtype, subtype);
}

static enum part_kind
kind_of(const struct plain_part *p)
{
	if (is(&p->type, "multipart"))
		return PART_MULTIPART;
	if (is(&p->type, "message") &&
	    (is(&p->subtype, "rfc822") || is(&p->subtype, "global")))
		return PART_MESSAGE;
	return is(&p->type, "text") ? PART_TEXT : PART_OTHER;
}

/* What a header says of its part.  up: what it is in, or NULL. */
static void
describe(struct plain_part *p, struct str header, const struct plain_part *up)
{
	bool in_multipart = up != NULL && up->at.kind == PART_MULTIPART;
	bool in_digest = in_multipart && is(&up->subtype, "digest");
	struct buf type, encoding, version;
	bool has_type, has_version, mime, has_encoding;

	buf_init(&type, 1 * MB);
	buf_init(&encoding, 1 * MB);
	buf_init(&version, 1 * MB);
	has_type = plain_field(header, "Content-Type", &type);
	has_version = plain_field(header, "MIME-Version", &version);
	mime = in_multipart || has_type || has_version;
	has_encoding = plain_field(
	    header, "Content-Transfer-Encoding", &encoding);
	if (!has_type && in_digest)
		set_type(p, STR("message"), STR("rfc822"));
	else if (!has_type || !plain_type(buf_str(&type), p))
		set_type(p, STR("text"), STR("plain"));
	p->at.kind = kind_of(p);
	p->text = p->at.kind == PART_TEXT;
	p->octets = p->at.kind >= PART_MULTIPART && p->at.depth == LEVELS - 1;
	if (p->octets)
		p->at.kind = PART_OTHER;
	else if (p->at.kind != PART_MULTIPART)
		p->at.encoding = plain_encoding(
		    mime && has_encoding ? buf_str(&encoding) : STR(""),
		    &p->encoding);
	buf_release(&type);
	buf_release(&encoding);
	buf_release(&version);
}

/* Remember its boundary, if it has one: its number, or -1. */
static int
open_multipart(struct reading *r, const struct plain_part *p)
{
	const struct buf *value = plain_param(p, "boundary");
	struct str text;

	if (value == NULL || value->len == 0)
		return -1;
	text = str_first(buf_str(value), BOUNDARY);
	memcpy(r->boundary[r->n_boundaries], text.at, text.len);
	r->boundary_len[r->n_boundaries] = text.len;
	return r->n_boundaries++;
}

/* Does a part of this multipart begin behind the stop?  If it is its last
 * delimiter, the stop is moved behind the epilogue. */
static bool
next_part(struct reading *r, int mine, struct stop *s, size_t *next)
{
	if (mine == -1 || s->by != mine)
		return false;
	r->n_boundaries = mine + 1;
	*next = line_end(r, s->at);
	if (r->message.at[*next - 1] != '\n') {
		*s = (struct stop){*next, *next, -1};
		return false;
	}
	if (!is_there(r, s->at + 2 + r->boundary_len[mine], STR("--")))
		return true;
	r->n_boundaries = mine;
	*s = find_stop(r, *next, 0);
	return false;
}

static size_t
count_lines(struct str body)
{
	size_t n = 0;

	for (size_t i = 0; i < body.len; i++)
		n += body.at[i] == '\n';
	return n;
}

static void
set_places(const struct reading *r, struct part *p, size_t body, size_t end)
{
	/* it may have lost its empty line, or the end of its last field */
	if (body > end)
		body = end;
	if (p->header_at > end)
		p->header_at = end;
	p->header_len = body - p->header_at;
	p->body_at = body;
	p->body_len = end - body;
	p->lines = (uint32_t)count_lines(
	    str_first(str_after(r->message, body), end - body));
}

/* What begins at this place: a header, and a body of some kind.  up: the part
 * that it is in; itself: none. */
static struct stop
read_entity(
    struct reading *r, size_t at, size_t least, unsigned depth, size_t up)
{
	size_t me = r->out->n, head = at, blank = 0, body;
	int outer = r->n_boundaries, mine = -1;
	struct plain_part *p = add_part(r, at, depth);
	struct stop s;

	while (head < r->message.len && (blank = empty_line(r, head)) == 0 &&
	       delimiter(r, head) == -1)
		head = line_end(r, head);
	describe(p, str_after(str_first(r->message, head), at),
	    me == up ? NULL : &r->out->parts[up]);
	p->embedded = me != up && r->out->parts[up].at.kind == PART_MESSAGE;
	body = head + blank;
	if (p->at.kind == PART_MULTIPART && blank > 0)
		mine = open_multipart(r, p);
	s = find_stop(r, body, least);
	if (p->at.kind == PART_MESSAGE)
		s = read_entity(
		    r, body, s.at == body ? s.end : body, depth + 1, me);
	while (next_part(r, mine, &s, &at))
		s = read_entity(r, at, at, depth + 1, me);
	r->n_boundaries = outer;
	set_places(r, &r->out->parts[me].at, body, s.end);
	return s;
}

struct plain_structure *
plain_structure_read(struct str message)
{
	struct reading *r = MEM_NEW(struct reading);
	struct plain_structure *out = MEM_NEW(struct plain_structure);

	r->message = message;
	r->out = out;
	read_entity(r, 0, 0, 0, 0);
	free(r);
	return out;
}

void
plain_structure_free(struct plain_structure *s)
{
	for (size_t i = 0; i < s->n; i++) {
		struct plain_part *p = &s->parts[i];

		for (size_t k = 0; k < p->n_params; k++) {
			buf_release(&p->params[k].name);
			buf_release(&p->params[k].value);
		}
		free(p->params);
		buf_release(&p->type);
		buf_release(&p->subtype);
		buf_release(&p->encoding);
	}
	free(s->parts);
	free(s);
}
