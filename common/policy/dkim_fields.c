/* SPDX-License-Identifier: MIT */
#include "common/policy/dkim_fields.h"

#include <stdlib.h>

#include "common/mime/header.h"
#include "common/policy/tags.h"
#include "common/util/mem.h"

struct place {
	struct str name, whole;
	size_t left; /* at the first of a name: how many may be taken yet */
};

struct dkim_fields {
	bool clear;
	size_t n, room;
	struct place *at; /* by name, then from the top */
};

static int
name_cmp(struct str a, struct str b)
{
	for (size_t i = 0; i < a.len && i < b.len; i++) {
		int d = (unsigned char)str_lower(a.at[i]) -
		        (unsigned char)str_lower(b.at[i]);

		if (d != 0)
			return d;
	}
	return (a.len > b.len) - (a.len < b.len);
}

static int
place_cmp(const void *a, const void *b)
{
	const struct place *x = a, *y = b;
	int d = name_cmp(x->name, y->name);

	if (d != 0)
		return d;
	return (x->whole.at > y->whole.at) - (x->whole.at < y->whole.at);
}

/* Is there a line with nothing but white space in it? */
static bool
has_white_line(struct str field)
{
	while (field.len > 0) {
		struct str line = str_cut(&field, '\n');

		if (line.len > 0 && line.at[line.len - 1] == '\r')
			line.len--;
		if (str_trim(line).len == 0)
			return true;
	}
	return false;
}

struct dkim_fields *
dkim_fields_new(struct str block)
{
	struct dkim_fields *f = MEM_NEW(struct dkim_fields);
	struct header_field field;

	f->clear = header_is_clean(block);
	while (header_next(&block, &field)) {
		if (f->n == f->room) {
			f->room = f->room > 0 ? 2 * f->room : 32;
			f->at = mem_grow(f->at, f->room, sizeof(*f->at));
		}
		f->at[f->n++] = (struct place){field.name, field.whole, 0};
		f->clear &= !field.bad && !has_white_line(field.whole);
	}
	if (f->n > 0)
		qsort(f->at, f->n, sizeof(*f->at), place_cmp);
	return f;
}

void
dkim_fields_free(struct dkim_fields *f)
{
	if (f == NULL)
		return;
	free(f->at);
	free(f);
}

bool
dkim_fields_clear(const struct dkim_fields *f)
{
	return f->clear;
}

static bool
is_white(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

bool
dkim_fields_name(struct str *names, struct str *name, bool *bad)
{
	struct str s;

	if (names->len == 0)
		return false;
	s = str_cut(names, ':');
	while (s.len > 0 && is_white(s.at[0]))
		s = str_after(s, 1);
	while (s.len > 0 && is_white(s.at[s.len - 1]))
		s.len--;
	*bad = s.len == 0;
	for (size_t i = 0; i < s.len; i++)
		*bad |= s.at[i] <= ' ' || s.at[i] > '~';
	*name = s;
	return true;
}

/* The first of this name, or n. */
static size_t
find(const struct dkim_fields *f, struct str name)
{
	size_t low = 0, high = f->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (name_cmp(f->at[mid].name, name) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low < f->n && str_eq_nocase(f->at[low].name, name) ? low : f->n;
}

/* All may be taken again. */
static void
fill(struct dkim_fields *f)
{
	size_t first = 0;

	for (size_t i = 0; i < f->n; i++) {
		if (!str_eq_nocase(f->at[i].name, f->at[first].name))
			first = i;
		f->at[first].left = i - first + 1;
	}
}

/* The next of this name from the bottom, own passed over. */
static const struct place *
take(struct dkim_fields *f, struct str name, struct str own)
{
	size_t first = find(f, name);

	while (first < f->n && f->at[first].left > 0) {
		const struct place *p = &f->at[first + --f->at[first].left];

		if (p->whole.at != own.at)
			return p;
	}
	return NULL;
}

void
dkim_fields_add(struct dkim_fields *f, enum canon how, struct str names,
    struct str own, struct buf *out)
{
	struct str name;
	bool bad;

	fill(f);
	while (dkim_fields_name(&names, &name, &bad)) {
		const struct place *p = take(f, name, own);

		if (p != NULL)
			canon_field(how, p->whole, out);
	}
}

bool
dkim_fields_left(const struct dkim_fields *f, struct str name)
{
	size_t first = find(f, name);

	return first < f->n && f->at[first].left > 0;
}

bool
dkim_fields_add_own(enum canon how, struct str own, struct buf *out)
{
	struct header_field field;
	struct tags tags;
	struct str rest = own, before, after, b;
	struct buf text;
	size_t at = 0;

	if (!header_next(&rest, &field) || !tags_parse(field.value, &tags))
		return false;
	while (at < tags.n && !str_eq(tags.at[at].name, STR("b")))
		at++;
	if (at == tags.n)
		return false;
	/* all between "=" and ";" goes, white space too (RFC 6376 s3.5) */
	b = tags.at[at].name;
	after = str_after(field.whole, (size_t)(b.at - field.whole.at));
	str_cut(&after, '=');
	before = str_first(field.whole, (size_t)(after.at - field.whole.at));
	if (str_find(after, ';', &at))
		after = str_after(after, at);
	else
		after.len = 0;
	buf_init(&text, field.whole.len);
	buf_add(&text, before);
	buf_add(&text, after);
	canon_field(how, buf_str(&text), out);
	buf_release(&text);
	if (!out->overrun)
		buf_cut(out, out->len - 2);
	return true;
}
