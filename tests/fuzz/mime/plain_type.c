/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/mime/plain_type.h"

#include <stdlib.h>
#include <string.h>

#include "common/util/mem.h"

#define PARAMS 128 /* of one field, as they are written */

/* What is left of a value. */
struct cursor {
	struct str rest;
};

static bool
at_end(const struct cursor *c)
{
	return c->rest.len == 0;
}

static bool
is_next(const struct cursor *c, char what)
{
	return c->rest.len > 0 && c->rest.at[0] == what;
}

static char
take_char(struct cursor *c)
{
	char first = c->rest.at[0];

	c->rest = str_after(c->rest, 1);
	return first;
}

/* ---- fields ---- */

/* The end of a line that begins at this place: *next is behind its LF. */
static size_t
line_at(struct str s, size_t at, size_t *next)
{
	size_t end = at;

	while (end < s.len && s.at[end] != '\n')
		end++;
	*next = end < s.len ? end + 1 : end;
	if (end < s.len && end > at && s.at[end - 1] == '\r')
		end--;
	return end;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* A CR that is no line end is white space, if none follows. */
static void
add_line(struct str line, struct buf *out)
{
	for (size_t i = 0; i < line.len; i++) {
		char next = i + 1 < line.len ? line.at[i + 1] : '\r';

		if (line.at[i] != '\r')
			buf_add_char(out, line.at[i]);
		else if (next != '\r' && !is_blank(next))
			buf_add_char(out, ' ');
	}
}

/* Is it "name", white space, ":"?  How long that is. */
static size_t
name_len(struct str line, const char *name)
{
	size_t n = strlen(name);

	if (!str_starts_nocase(line, str_of(name)))
		return 0;
	while (n < line.len && is_blank(line.at[n]))
		n++;
	return n < line.len && line.at[n] == ':' ? n + 1 : 0;
}

bool
plain_field(struct str header, const char *name, struct buf *out)
{
	size_t at = 0, next, end, colon;

	while (at < header.len) {
		end = line_at(header, at, &next);
		colon = name_len(str_after(str_first(header, end), at), name);
		if (colon > 0)
			add_line(
			    str_after(str_first(header, end), at + colon), out);
		for (at = next; at < header.len && is_blank(header.at[at]);
		     at = next) {
			end = line_at(header, at, &next);
			if (colon > 0)
				add_line(
				    str_after(str_first(header, end), at), out);
		}
		if (colon > 0)
			return true;
	}
	return false;
}

/* ---- RFC 2045 s5.1 ---- */

/* White space and comments (RFC 5322 s3.2.2).  False: one does not end; then
 * nothing is left. */
static bool
skip(struct cursor *c)
{
	int depth = 0;

	while (!at_end(c)) {
		char now = c->rest.at[0];

		if (depth == 0 && now != '(' && !is_blank(now))
			return true;
		take_char(c);
		if (now == '(')
			depth++;
		else if (now == ')' && depth > 0)
			depth--;
		else if (now == '\\' && depth > 0 && !at_end(c))
			take_char(c);
	}
	return depth == 0;
}

/* token := 1*<any CHAR except SPACE, CTLs, or tspecials>; people use 8-bit. */
static bool
is_token(char c)
{
	if ((unsigned char)c > 127)
		return true;
	return c > ' ' && c < 127 && strchr("()<>@,;:\\\"/[]?=", c) == NULL;
}

static size_t
take_token(struct cursor *c, struct buf *out)
{
	size_t n = 0;

	for (; !at_end(c) && is_token(c->rest.at[0]); n++)
		buf_add_char(out, take_char(c));
	return n;
}

/* False: it does not end; then nothing is left. */
static bool
take_quoted(struct cursor *c, struct buf *out)
{
	take_char(c);
	while (!at_end(c)) {
		char now = take_char(c);

		if (now == '"')
			return true;
		if (now == '\\') {
			if (at_end(c))
				return false;
			now = take_char(c);
		}
		buf_add_char(out, now);
	}
	return false;
}

/* ---- parameters ---- */

struct written { /* name, name*, name*0, name*0* */
	struct buf name, value;
	size_t base; /* octets of the name without what the star begins */
	bool pieced, extended, used;
	uint64_t number;
};

/* RFC 2231 s7: section := initial-section / other-sections */
static void
read_name(struct written *w)
{
	struct str name = buf_str(&w->name), digits;
	bool extended = false;

	if (!str_find(name, '*', &w->base))
		return;
	digits = str_after(name, w->base + 1);
	if (digits.len > 0 && digits.at[digits.len - 1] == '*') {
		digits.len--;
		extended = true;
		if (digits.len == 0)
			return;
	}
	if (digits.len == 0)
		extended = true;
	else if (!str_to_u64(digits, 100000, &w->number))
		return;
	w->extended = extended;
	w->pieced = true;
}

/* Some write an encoded word without quotes, which "=" begins. */
static void
take_word(struct cursor *c, struct buf *out)
{
	while (!at_end(c) && !is_next(c, ';') && !is_blank(c->rest.at[0]))
		buf_add_char(out, take_char(c));
}

static bool
take_param(struct cursor *c, struct written *w)
{
	if (!is_next(c, ';'))
		return false;
	take_char(c);
	if (!skip(c) || at_end(c))
		return false;
	take_token(c, &w->name);
	if (!skip(c) || !is_next(c, '='))
		return false;
	take_char(c);
	if (!skip(c))
		return false;
	if (is_next(c, '"')) {
		if (!take_quoted(c, &w->value))
			return false;
	} else if (is_next(c, '=')) {
		take_word(c, &w->value);
		return true;
	} else {
		take_token(c, &w->value);
	}
	return skip(c);
}

static void
add_param(struct plain_part *p, struct str name, struct str value)
{
	struct plain_param *param;

	p->params = mem_grow(p->params, p->n_params + 1, sizeof(*p->params));
	param = &p->params[p->n_params++];
	buf_init(&param->name, 2 * MB);
	buf_init(&param->value, 4 * MB);
	buf_add(&param->name, name);
	buf_add(&param->value, value);
}

static struct str
base(const struct written *w)
{
	return str_first(buf_str(&w->name), w->base);
}

/* Order of names: letters in either case are the same (RFC 2045 s5.1). */
static int
compare_names(struct str a, struct str b)
{
	for (size_t i = 0; i < a.len && i < b.len; i++) {
		unsigned char x = (unsigned char)str_lower(a.at[i]);
		unsigned char y = (unsigned char)str_lower(b.at[i]);

		if (x != y)
			return x < y ? -1 : 1;
	}
	return a.len < b.len ? -1 : a.len > b.len;
}

/* Of the pieces not used yet, the one that comes first: by name, then by
 * number.  NULL: all are used. */
static struct written *
first_piece(struct written *w, size_t n)
{
	struct written *best = NULL;

	for (size_t i = 0; i < n; i++) {
		int order;

		if (!w[i].pieced || w[i].used)
			continue;
		order = best == NULL ? -1
		                     : compare_names(base(&w[i]), base(best));
		if (order < 0 || (order == 0 && w[i].number < best->number))
			best = &w[i];
	}
	return best;
}

/* The piece that continues it with this number; NULL if there is none, or
 * (two) several. */
static struct written *
piece(struct written *w, size_t n, struct str name, uint64_t number, bool *two)
{
	struct written *found = NULL;

	for (size_t i = 0; i < n; i++) {
		if (!w[i].pieced || w[i].used || w[i].number != number ||
		    !str_eq_nocase(base(&w[i]), name))
			continue;
		*two |= found != NULL;
		found = &w[i];
	}
	return found;
}

static size_t
count_pieces(const struct written *w, size_t n, struct str name)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++)
		count += w[i].pieced && !w[i].used &&
		         str_eq_nocase(base(&w[i]), name);
	return count;
}

static void
add_text(struct str s, bool escape, struct buf *out)
{
	for (size_t i = 0; i < s.len; i++)
		if (escape && s.at[i] == '%')
			buf_add(out, STR("%25"));
		else
			buf_add_char(out, s.at[i]);
}

/* Each of these pieces is a parameter. */
static void
keep_apart(struct plain_part *p, struct written *w, size_t n, size_t pieces)
{
	for (size_t i = 0; i < pieces; i++) {
		struct written *one = first_piece(w, n);

		one->used = true;
		add_param(p, buf_str(&one->name), buf_str(&one->value));
	}
}

/* Put together what first begins: 0, 1, 2, ... all there, each once (RFC 2231
 * s3); if they are not, each stands for itself. */
static void
join(struct plain_part *p, struct written *w, size_t n, struct written *first)
{
	size_t pieces = count_pieces(w, n, base(first));
	bool extended = false, two = false, whole = true;
	struct plain_param *joined;

	for (size_t i = 0; i < pieces; i++) {
		const struct written *one = piece(w, n, base(first), i, &two);

		whole = whole && one != NULL;
		extended |= one != NULL && one->extended;
	}
	if (!whole || two) {
		keep_apart(p, w, n, pieces);
		return;
	}
	add_param(p, base(first), STR(""));
	joined = &p->params[p->n_params - 1];
	if (extended)
		buf_add_char(&joined->name, '*');
	if (extended && !first->extended)
		buf_add(&joined->value, STR("''")); /* s4.1: it says nothing */
	for (size_t i = 0; i < pieces; i++) {
		struct written *one = piece(w, n, base(first), i, &two);

		add_text(buf_str(&one->value), extended && !one->extended,
		    &joined->value);
	}
	for (size_t i = 0; i < pieces; i++)
		piece(w, n, base(first), i, &two)->used = true;
}

static void
read_params(struct cursor *c, struct plain_part *p)
{
	struct written *w = mem_new(PARAMS, sizeof(*w)), *first;
	size_t n = 0;

	while (!at_end(c) && n < PARAMS) {
		w[n] = (struct written){0};
		buf_init(&w[n].name, 1 * MB);
		buf_init(&w[n].value, 1 * MB);
		if (take_param(c, &w[n])) {
			read_name(&w[n++]);
			continue;
		}
		buf_release(&w[n].name);
		buf_release(&w[n].value);
		if (!at_end(c))
			take_char(c);
	}
	for (size_t i = 0; i < n; i++)
		if (!w[i].pieced)
			add_param(p, buf_str(&w[i].name), buf_str(&w[i].value));
	while ((first = first_piece(w, n)) != NULL)
		join(p, w, n, first);
	for (size_t i = 0; i < n; i++) {
		buf_release(&w[i].name);
		buf_release(&w[i].value);
	}
	free(w);
}

/* ---- what plain_structure.c asks ---- */

static bool
is_container(const struct plain_part *p)
{
	return str_eq_nocase(buf_str(&p->type), STR("multipart")) ||
	       str_eq_nocase(buf_str(&p->type), STR("message"));
}

/* A word that ends where a subtype can, and if it is a container's nothing
 * else behind it than parameters. */
static bool
take_subtype(struct cursor *c, struct plain_part *p)
{
	if (take_token(c, &p->subtype) == 0)
		return false;
	if (!at_end(c) && !is_next(c, ';') && !is_next(c, '(') &&
	    !is_blank(c->rest.at[0]))
		return false;
	skip(c);
	return at_end(c) || is_next(c, ';') || !is_container(p);
}

bool
plain_type(struct str value, struct plain_part *p)
{
	struct cursor c = {value};

	if (skip(&c) && take_token(&c, &p->type) > 0 && skip(&c) &&
	    is_next(&c, '/')) {
		take_char(&c);
		if (skip(&c) && take_subtype(&c, p)) {
			read_params(&c, p);
			return true;
		}
	}
	buf_clear(&p->type);
	buf_clear(&p->subtype);
	return false;
}

const struct buf *
plain_param(const struct plain_part *p, const char *name)
{
	for (size_t i = 0; i < p->n_params; i++)
		if (str_eq_nocase(buf_str(&p->params[i].name), str_of(name)))
			return &p->params[i].value;
	return NULL;
}

enum part_encoding
plain_encoding(struct str value, struct buf *out)
{
	struct cursor c = {value};
	struct str word;

	if (!skip(&c) || take_token(&c, out) == 0 || !skip(&c) || !at_end(&c)) {
		buf_clear(out);
		buf_add(out, STR("7bit"));
	}
	word = buf_str(out);
	if (str_eq_nocase(word, STR("base64")))
		return PART_BASE64;
	if (str_eq_nocase(word, STR("quoted-printable")))
		return PART_QUOTED;
	if (str_eq_nocase(word, STR("7bit")) ||
	    str_eq_nocase(word, STR("8bit")) ||
	    str_eq_nocase(word, STR("binary")))
		return PART_PLAIN;
	return PART_UNKNOWN_ENCODING;
}
