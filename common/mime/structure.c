/* SPDX-License-Identifier: MIT */
#include "common/mime/structure.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/mime/charset.h"
#include "common/mime/cte.h"
#include "common/mime/date.h"
#include "common/mime/envelope.h"
#include "common/mime/fields.h"
#include "common/mime/preview.h"
#include "common/mime/structure_tree.h"

/* How much of a line tells whether it is a boundary. */
#define LINE_HEAD (2 + STRUCTURE_BOUNDARY_MAX + 2 + 16)

/* Octets of a text that are looked at for the preview: HTML often begins with
 * much that nobody sees. */
#define PREVIEW_RAW   (48 * KB)
#define PREVIEW_TEXT  (6 * KB)
#define TEXT_LIMIT    (16 * MB) /* of what is made: the tree bounds it */
#define KEPT_MAX      (16 * KB) /* room a text may keep for the next message */
#define DATE_SIZE_MAX 1024

struct boundary {
	size_t level; /* the multipart is open[level] */
	size_t len;
	char text[STRUCTURE_BOUNDARY_MAX];
};

enum state {
	IN_HEADER,
	IN_BODY,     /* of a leaf; before, between or behind the parts */
	IN_BOUNDARY, /* the rest of a boundary's line */
};

/*
 *              empty line, no boundary    ---> IN_BODY
 *   IN_HEADER  empty line of a message/... ---> IN_HEADER (of what is in it)
 *              boundary                   ---> IN_BOUNDARY
 *   IN_BODY    boundary                   ---> IN_BOUNDARY
 *   IN_BOUNDARY line end ---> IN_HEADER; behind the last boundary: IN_BODY
 */
struct structure {
	enum state state;
	uint64_t pos;     /* octets before what is looked at */
	uint64_t n_lines; /* line ends before it */
	bool fresh;       /* at the beginning of a line */
	unsigned eol;     /* octets of the line end before pos that belong to
	                   * the boundary, if one follows */
	unsigned blank;   /* of the empty line that ended the last header */
	bool closing;     /* IN_BOUNDARY: it was its last */
	struct buf held;  /* the begin of a line, not yet understood */
	struct buf header;

	struct structure_tree tree;
	size_t open[STRUCTURE_DEPTH_MAX]; /* parts, each in the one before */
	uint64_t lines_at[STRUCTURE_DEPTH_MAX]; /* n_lines where they begin */
	size_t n_open;
	struct boundary boundaries[STRUCTURE_DEPTH_MAX];
	size_t n_boundaries;

	/* of the leaf whose body passes by */
	struct structure_part about;
	bool counting, previewing;
	struct cte_decoder count, decode;
	struct buf raw; /* for the preview, decoded */

	struct buf envelope, body, parts, refs, preview;
	struct structure_result result;
};

/* At the beginning of a message; all buffers and the tree are empty.  What
 * stands in arrays and decoders is set when it comes into use. */
static void
begin(struct structure *s)
{
	s->state = IN_HEADER;
	s->pos = s->n_lines = 0;
	s->fresh = true;
	s->eol = s->blank = 0;
	s->closing = false;
	s->n_open = s->n_boundaries = 0;
	s->counting = s->previewing = false;
	s->result = (struct structure_result){0};
	s->lines_at[0] = 0;
	s->open[s->n_open++] = structure_tree_add(&s->tree, 0, 0);
}

struct structure *
structure_new(void)
{
	struct structure *s = MEM_NEW(struct structure);

	buf_init(&s->held, 4 * LINE_HEAD);
	buf_init(&s->header, STRUCTURE_HEADER_MAX);
	structure_tree_init(&s->tree);
	/* a decoder may add what it held to a piece that just fits */
	buf_init(&s->raw, PREVIEW_RAW + sizeof(s->decode.held));
	buf_init(&s->envelope, TEXT_LIMIT);
	buf_init(&s->body, TEXT_LIMIT);
	buf_init(&s->parts, TEXT_LIMIT);
	buf_init(&s->refs, TEXT_LIMIT);
	buf_init(&s->preview, 4 * STRUCTURE_PREVIEW_MAX);
	begin(s);
	return s;
}

/* Most texts are short: what a long one took is given back. */
static void
empty(struct buf *b)
{
	if (b->hole + b->room > KEPT_MAX)
		buf_release(b);
	else
		buf_clear(b);
}

void
structure_reset(struct structure *s)
{
	struct buf *const texts[] = {&s->held, &s->header, &s->raw,
	    &s->envelope, &s->body, &s->parts, &s->refs, &s->preview};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		empty(texts[i]);
	structure_tree_clear(&s->tree);
	begin(s);
}

void
structure_free(struct structure *s)
{
	if (s == NULL)
		return;
	buf_release(&s->held);
	buf_release(&s->header);
	structure_tree_release(&s->tree);
	buf_release(&s->raw);
	buf_release(&s->envelope);
	buf_release(&s->body);
	buf_release(&s->parts);
	buf_release(&s->refs);
	buf_release(&s->preview);
	free(s);
}

static struct structure_node *
node_at(struct structure *s, size_t level)
{
	assert(level < s->n_open);
	return &s->tree.nodes[s->open[level]];
}

static struct structure_node *
current(struct structure *s)
{
	return node_at(s, s->n_open - 1);
}

static size_t
preview_wish(const struct structure *s)
{
	return s->about.html ? PREVIEW_RAW : PREVIEW_TEXT;
}

/* Octets of a leaf's body. */
static void
take_body(struct structure *s, struct str bytes)
{
	if (s->counting)
		current(s)->part.decoded_len += cte_count(&s->count, bytes);
	while (s->previewing && bytes.len > 0) {
		size_t room = preview_wish(s) - s->raw.len;

		cte_decode(&s->decode, str_first(bytes, room), &s->raw);
		bytes = str_after(bytes, room);
		s->previewing = s->raw.len < preview_wish(s);
	}
}

/* The line end before belongs to the body after all. */
static void
take_line_end(struct structure *s)
{
	if (s->state == IN_BODY && s->eol > 0)
		take_body(s, s->eol == 2 ? STR("\r\n") : STR("\n"));
}

static void
make_preview(struct structure *s)
{
	struct str charset = {s->about.charset, s->about.charset_len};
	struct buf utf8;

	cte_decode_end(&s->decode, &s->raw);
	buf_init(&utf8, 3 * PREVIEW_RAW);
	charset_to_utf8(
	    charset, str_first(buf_str(&s->raw), preview_wish(s)), &utf8);
	preview_make(
	    buf_str(&utf8), s->about.html, STRUCTURE_PREVIEW_MAX, &s->preview);
	buf_release(&utf8);
}

/* The innermost part ends at this place. */
static void
close_part(struct structure *s, uint64_t end, uint64_t lines)
{
	struct structure_node *n = current(s);

	n->part.body_len = end - n->part.body_at;
	n->part.lines = (uint32_t)(lines - s->lines_at[s->n_open - 1]);
	if (n->part.kind == PART_TEXT || n->part.kind == PART_OTHER) {
		if (s->counting)
			n->part.decoded_len += cte_count_end(&s->count);
		else
			n->part.decoded_len = n->part.body_len;
		if (s->raw.len > 0)
			make_preview(s);
		buf_clear(&s->raw);
		s->counting = s->previewing = false;
	}
	s->n_open--;
}

static void
begin_part(struct structure *s, uint64_t at)
{
	assert(s->n_open < STRUCTURE_DEPTH_MAX);
	s->open[s->n_open] = structure_tree_add(
	    &s->tree, (unsigned)s->n_open, at);
	s->n_open++;
	buf_clear(&s->header);
	s->state = IN_HEADER;
	s->eol = 0;
	if (s->tree.n == STRUCTURE_PARTS_MAX)
		s->n_boundaries = 0; /* the rest is this one's */
}

/* What the top's header says of the message. */
static void
read_message(struct structure *s)
{
	struct str header = buf_str(&s->header);
	struct str id = {0}, references = {0}, reply = {0}, date = {0};
	struct fields_line line;
	int64_t day;
	struct buf value;
	const struct {
		struct str name;
		struct str *value;
	} wanted[] = {
	    {STR("Message-ID"),  &id        },
	    {STR("References"),  &references},
	    {STR("In-Reply-To"), &reply     },
	    {STR("Date"),        &date      },
	};

	envelope_write(header, &s->envelope);
	while (fields_next(&header, &line))
		for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
			if ((wanted[i].value->at == NULL || i == 3) &&
			    str_eq_nocase(line.name, wanted[i].name))
				*wanted[i].value = line.value;
	buf_init(&value, STRUCTURE_HEADER_MAX + 1);
	fields_unfold(date, &value);
	s->result.has_sent = value.len <= DATE_SIZE_MAX &&
	                     date_sent(
				 buf_str(&value), &s->result.sent_s, &day);
	envelope_next_id(&id, &s->refs);
	buf_add_char(&s->refs, '\n');
	if (envelope_next_id(&references, &s->refs)) {
		do
			buf_add_char(&s->refs, '\n');
		while (envelope_next_id(&references, &s->refs));
	} else if (envelope_next_id(&reply, &s->refs))
		buf_add_char(&s->refs, '\n');
	buf_release(&value);
}

static void
push_boundary(struct structure *s)
{
	struct boundary *b = &s->boundaries[s->n_boundaries++];

	assert(s->n_boundaries <= STRUCTURE_DEPTH_MAX);
	b->level = s->n_open - 1;
	b->len = s->about.boundary_len;
	memcpy(b->text, s->about.boundary, b->len);
}

/* A header block ends here; eol of it belongs to a boundary behind it. */
static void
end_header(struct structure *s, uint64_t at, bool eol)
{
	struct structure_node *n = current(s);
	const struct structure_node *up = s->n_open > 1
	                                      ? node_at(s, s->n_open - 2)
	                                      : NULL;
	bool in_message = up != NULL && up->part.kind == PART_MESSAGE;
	struct structure_place place = {
	    .in_multipart = up != NULL && !in_message,
	    .in_digest = up != NULL && up->digest,
	    .leaf = s->n_open == STRUCTURE_DEPTH_MAX ||
	            s->tree.n == STRUCTURE_PARTS_MAX,
	};

	n->part.header_len = at - n->part.header_at;
	n->part.body_at = at;
	s->lines_at[s->n_open - 1] = s->n_lines - (eol ? 1 : 0);
	structure_tree_describe(&s->tree, s->open[s->n_open - 1],
	    buf_str(&s->header), place, in_message, &s->about);
	if (up == NULL)
		read_message(s);
	s->state = IN_BODY;
	s->eol = 0;
	if (n->part.kind == PART_MESSAGE) {
		begin_part(s, at);
	} else if (n->part.kind == PART_MULTIPART) {
		if (s->about.boundary_len > 0)
			push_boundary(s);
	} else {
		s->counting = n->part.encoding == PART_BASE64 ||
		              n->part.encoding == PART_QUOTED;
		s->previewing = n->part.kind == PART_TEXT &&
		                !s->about.attachment && s->preview.len == 0;
		cte_decoder_init(&s->count, n->part.encoding);
		s->decode = s->count;
	}
}

/* The boundary a line begins with, behind its "--": the longest, of several
 * that long the innermost (RFC 2046 s5.1.1, s5.1.2). */
static const struct boundary *
find_boundary(const struct structure *s, struct str line)
{
	const struct boundary *best = NULL;

	for (size_t i = s->n_boundaries; i-- > 0;) {
		const struct boundary *b = &s->boundaries[i];

		if (b->len <= line.len &&
		    memcmp(b->text, line.at, b->len) == 0 &&
		    (best == NULL || best->len < b->len))
			best = b;
	}
	return best;
}

enum line {
	LINE_UNCLEAR, /* more octets are needed */
	LINE_PLAIN,
	LINE_EMPTY,
	LINE_BOUNDARY
};

/* What begins at the front of rest, which is the beginning of a line. */
static enum line
judge(struct structure *s, struct str rest, bool last,
    const struct boundary **boundary)
{
	struct str line;
	size_t lf;

	if (s->state == IN_HEADER) {
		if (rest.at[0] == '\n')
			return LINE_EMPTY;
		if (rest.at[0] == '\r') {
			if (rest.len > 1)
				return rest.at[1] == '\n' ? LINE_EMPTY
				                          : LINE_PLAIN;
			return last ? LINE_PLAIN : LINE_UNCLEAR;
		}
	}
	if (rest.at[0] != '-' || s->n_boundaries == 0)
		return LINE_PLAIN;
	if (rest.len > 1 && rest.at[1] != '-')
		return LINE_PLAIN;
	line = str_after(str_first(rest, LINE_HEAD), 2);
	if (str_find(line, '\n', &lf)) {
		line = str_first(line, lf);
		if (line.len > 0 && line.at[line.len - 1] == '\r')
			line.len--;
	} else if (rest.len < LINE_HEAD && !last)
		return LINE_UNCLEAR;
	if (rest.len < 2)
		return LINE_PLAIN;
	*boundary = find_boundary(s, line);
	return *boundary != NULL ? LINE_BOUNDARY : LINE_PLAIN;
}

/* RFC 2046 s5.1.1: a part may be nothing but its header; then the empty line
 * behind it is the line end of the boundary. */
static bool
lacks_body(struct structure *s, const struct boundary *b, uint64_t at)
{
	const struct part *p = &current(s)->part;

	return b->level + 1 < s->n_open &&
	       (s->state == IN_BODY ? p->body_at == at : p->header_at == at);
}

/* Of the part and, if that is the message in another which has not begun, of
 * the one it is in. */
static void
drop_blank(struct structure *s)
{
	size_t level = s->n_open - 1;
	struct part *p = &current(s)->part;

	if (s->state == IN_HEADER) {
		p->header_at -= s->blank;
		p = &node_at(s, --level)->part;
	}
	p->header_len -= s->blank;
	p->body_at -= s->blank;
	s->lines_at[level]--;
}

/* A boundary is at this place; how much of its line is understood by that. */
static size_t
take_boundary(
    struct structure *s, const struct boundary *b, uint64_t at, struct str rest)
{
	uint64_t end = at - s->eol;
	bool eol = s->eol > 0;
	size_t used = 2 + b->len;

	if (s->blank > 0 && lacks_body(s, b, at)) {
		drop_blank(s);
		end = at - s->blank;
		eol = true;
	}
	if (s->state == IN_HEADER)
		end_header(s, end, eol);
	/* end_header() opens the empty message in a message/rfc822 */
	if (s->state == IN_HEADER)
		end_header(s, end, eol);
	while (s->n_open > b->level + 1)
		close_part(s, end, s->n_lines - (eol ? 1 : 0));
	s->closing = str_starts(str_after(rest, used), STR("--"));
	s->n_boundaries = (size_t)(b - s->boundaries) + (s->closing ? 0 : 1);
	s->state = IN_BOUNDARY;
	s->eol = 0;
	return used + (s->closing ? 2 : 0);
}

/* Octets as they are looked at. */
struct view {
	struct str in;
	bool last;  /* nothing follows them */
	size_t at;  /* understood up to here */
	size_t run; /* what is between is body not yet taken */
};

/* Take the body between but the line end that may be a boundary's. */
static void
flush(struct structure *s, struct view *v)
{
	if (v->run < v->at && s->state == IN_BODY &&
	    (s->counting || s->previewing))
		take_body(s, str_first(str_after(v->in, v->run),
				 v->at - v->run - s->eol));
	v->run = v->at;
}

/* The beginning of a line that is none of the plain ones. */
static void
turn(struct structure *s, struct view *v, const struct boundary *boundary)
{
	struct str rest = str_after(v->in, v->at);

	flush(s, v);
	if (boundary != NULL) {
		v->at += take_boundary(s, boundary, s->pos + v->at, rest);
		s->fresh = false;
	} else {
		s->blank = rest.at[0] == '\r' ? 2 : 1;
		v->at += s->blank;
		s->n_lines++;
		end_header(s, s->pos + v->at, false);
	}
	v->run = v->at;
}

static void
end_boundary(struct structure *s, struct view *v)
{
	if (s->closing) {
		s->state = IN_BODY;
	} else if (s->tree.n < STRUCTURE_PARTS_MAX) {
		s->blank = 0;
		begin_part(s, s->pos + v->at);
	} else {
		s->state = IN_BODY;
		s->n_boundaries = 0;
	}
	v->run = v->at;
}

static void
add_header(struct structure *s, struct str bytes)
{
	buf_add(
	    &s->header, str_first(bytes, STRUCTURE_HEADER_MAX - s->header.len));
}

/* The line at the front, or what is there of it.  False if it is too little to
 * go on. */
static bool
take_line(struct structure *s, struct view *v)
{
	struct str rest = str_after(v->in, v->at);
	size_t lf = 0, n = rest.len;
	bool whole = str_find(rest, '\n', &lf);

	if (whole)
		n = lf + 1;
	else if (rest.at[n - 1] == '\r' && !v->last && --n == 0)
		return false; /* its LF may follow */
	if (v->run == v->at)
		take_line_end(s); /* it was seen in octets before these */
	s->fresh = whole;
	s->eol = !whole ? 0 : lf > 0 && rest.at[lf - 1] == '\r' ? 2 : 1;
	s->n_lines += whole;
	v->at += n;
	if (s->state == IN_HEADER)
		add_header(s, str_first(rest, n));
	else if (s->state == IN_BOUNDARY && s->fresh)
		end_boundary(s, v);
	return true;
}

/* How much of the octets was understood: at least all but LINE_HEAD. */
static size_t
scan(struct structure *s, struct str in, bool last)
{
	struct view v = {.in = in, .last = last};

	while (v.at < in.len) {
		const struct boundary *boundary = NULL;
		enum line what = LINE_PLAIN;

		if (s->fresh && s->state != IN_BOUNDARY)
			what = judge(s, str_after(in, v.at), last, &boundary);
		if (what == LINE_UNCLEAR)
			break;
		if (what != LINE_PLAIN) {
			turn(s, &v, boundary);
			continue;
		}
		if (!take_line(s, &v))
			break;
	}
	flush(s, &v);
	s->pos += v.at;
	return v.at;
}

void
structure_feed(struct structure *s, struct str bytes)
{
	while (bytes.len > 0) {
		size_t before = s->held.len, n;

		if (before == 0) {
			n = scan(s, bytes, false);
			bytes = str_after(bytes, n);
			assert(bytes.len <= LINE_HEAD);
			buf_add(&s->held, bytes);
			return;
		}
		buf_add(&s->held, str_first(bytes, LINE_HEAD));
		n = scan(s, buf_str(&s->held), false);
		if (n < before) {
			assert(bytes.len <= LINE_HEAD);
			buf_drop(&s->held, n);
			return;
		}
		bytes = str_after(bytes, n - before);
		buf_clear(&s->held);
	}
}

const struct structure_result *
structure_finish(struct structure *s)
{
	uint64_t end;

	scan(s, buf_str(&s->held), true);
	buf_clear(&s->held);
	end = s->pos;
	take_line_end(s);
	while (s->state == IN_HEADER)
		end_header(s, end, false);
	while (s->n_open > 0)
		close_part(s, end, s->n_lines);
	structure_tree_write(&s->tree, &s->body, &s->parts);
	s->result.envelope = buf_str(&s->envelope);
	s->result.body_structure = buf_str(&s->body);
	s->result.parts = buf_str(&s->parts);
	s->result.refs = buf_str(&s->refs);
	s->result.preview = buf_str(&s->preview);
	return &s->result;
}
