/* SPDX-License-Identifier: MIT */
#include "popd/proto/imap_section.h"

#include <stdlib.h>

#include "common/util/mem.h"
#include "popd/proto/imap_out.h"

#define NAMES_MAX (1 * MB) /* no command is longer */

void
imap_section_release(struct imap_section *s)
{
	buf_release(&s->names);
	free(s->fields);
	*s = (struct imap_section){0};
}

void
imap_section_copy(const struct imap_section *s, struct imap_section *out)
{
	*out = *s;
	buf_init(&out->names, s->names.limit);
	out->fields = NULL;
	if (s->n_fields == 0)
		return;
	buf_add(&out->names, buf_str(&s->names));
	out->fields = mem_new(s->n_fields, sizeof(*out->fields));
	for (size_t i = 0; i < s->n_fields; i++)
		out->fields[i] = (struct str){
		    out->names.data + (s->fields[i].at - s->names.data),
		    s->fields[i].len};
}

/* ASCII case ignored; shorter first, which is quicker than the alphabet. */
static int
compare(const void *a, const void *b)
{
	const struct str *x = a, *y = b;

	if (x->len != y->len)
		return x->len < y->len ? -1 : 1;
	for (size_t i = 0; i < x->len; i++) {
		char c = str_lower(x->at[i]), d = str_lower(y->at[i]);

		if (c != d)
			return (unsigned char)c < (unsigned char)d ? -1 : 1;
	}
	return 0;
}

/* A name that could stand in a response: no control characters, which a
 * client might take for the end of a line. */
static bool
is_name(struct str name)
{
	for (size_t i = 0; i < name.len; i++)
		if ((unsigned char)name.at[i] < ' ' || name.at[i] == 0x7f)
			return false;
	return true;
}

/* "(DATE FROM)": names into s->names, NUL after each. */
static bool
take_names(struct imap_args *a, struct imap_section *s, struct buf *label)
{
	if (!imap_arg_char(a, '('))
		return false;
	buf_init(&s->names, NAMES_MAX);
	buf_add_char(label, '(');
	do {
		size_t at = s->names.len;
		struct str name;

		if (!imap_arg_astring(a, &s->names))
			return false;
		name = str_after(buf_str(&s->names), at);
		if (!is_name(name))
			return false;
		if (s->n_fields > 0)
			buf_add_char(label, ' ');
		imap_out_astring(label, name, false);
		buf_add_char(&s->names, '\0');
		s->n_fields++;
	} while (imap_arg_space(a));
	buf_add_char(label, ')');
	return imap_arg_char(a, ')') && !s->names.overrun;
}

static void
sort_names(struct imap_section *s)
{
	struct str rest = buf_str(&s->names);

	s->fields = mem_new(s->n_fields, sizeof(*s->fields));
	for (size_t i = 0; i < s->n_fields; i++)
		s->fields[i] = str_cut(&rest, '\0');
	qsort(s->fields, s->n_fields, sizeof(*s->fields), compare);
}

/* "1.2.": true when a keyword may follow, that is after nothing or a point. */
static bool
take_numbers(struct imap_args *a, struct imap_section *s, struct buf *label,
    bool *keyword_may_follow)
{
	uint32_t number;

	*keyword_may_follow = true;
	while (*keyword_may_follow && imap_arg_number(a, &number)) {
		if (number == 0) /* RFC 9051 s9: nz-number */
			return false;
		if (s->n < STRUCTURE_DEPTH_MAX)
			s->numbers[s->n++] = number;
		else
			s->nowhere = true;
		buf_addf(label, "%lu", (unsigned long)number);
		*keyword_may_follow = imap_arg_char(a, '.');
		if (*keyword_may_follow)
			buf_add_char(label, '.');
	}
	return true;
}

static const struct {
	const char *word;
	enum imap_section_what what;
	bool names, needs_number;
} keywords[] = {
    {"HEADER.FIELDS.NOT", IMAP_SECTION_FIELDS_NOT, true,  false},
    {"HEADER.FIELDS",     IMAP_SECTION_FIELDS,     true,  false},
    {"HEADER",            IMAP_SECTION_HEADER,     false, false},
    {"TEXT",	      IMAP_SECTION_TEXT,       false, false},
    {"MIME",	      IMAP_SECTION_MIME,       false, true },
};

static bool
take_keyword(struct imap_args *a, struct imap_section *s, struct buf *label)
{
	for (size_t i = 0; i < sizeof(keywords) / sizeof(*keywords); i++) {
		if (!str_take_nocase(&a->rest, str_of(keywords[i].word)))
			continue;
		s->what = keywords[i].what;
		buf_add(label, str_of(keywords[i].word));
		if (keywords[i].needs_number && s->n == 0)
			return false;
		if (!keywords[i].names)
			return true;
		buf_add_char(label, ' ');
		if (!imap_arg_space(a) || !take_names(a, s, label))
			return false;
		sort_names(s);
		return true;
	}
	return false;
}

bool
imap_section_take(struct imap_args *a, bool binary, struct imap_section *out,
    struct buf *label)
{
	bool keyword;

	if (!imap_arg_char(a, '['))
		return false;
	buf_add_char(label, '[');
	if (!take_numbers(a, out, label, &keyword))
		return false;
	if (keyword && (out->n > 0 || !str_starts(a->rest, STR("]"))) &&
	    (binary || !take_keyword(a, out, label)))
		return false;
	buf_add_char(label, ']');
	return imap_arg_char(a, ']') && !label->overrun;
}

bool
imap_section_needs_parts(const struct imap_section *s)
{
	return s->n > 0 || s->what != IMAP_SECTION_ALL;
}

bool
imap_section_is_text(const struct imap_section *s)
{
	return s->what == IMAP_SECTION_ALL || s->what == IMAP_SECTION_TEXT;
}

/* Its header block, the whole of it or what is filtered of it. */
static void
set_header(
    const struct imap_section *s, const struct part *p, struct imap_span *out)
{
	out->at = p->header_at;
	out->len = p->header_len;
	out->filtered = s->what == IMAP_SECTION_FIELDS ||
	                s->what == IMAP_SECTION_FIELDS_NOT;
	if (out->filtered && out->len > IMAP_HEADER_MAX)
		out->len = IMAP_HEADER_MAX;
}

bool
imap_section_find(const struct imap_section *s, struct str parts, uint64_t size,
    struct imap_span *out)
{
	struct part part, inner;
	const struct part *message = s->n == 0 ? &part : &inner;

	*out = (struct imap_span){.len = size, .decoded_len = size};
	if (!imap_section_needs_parts(s))
		return true;
	if (s->nowhere || !parts_find(parts, s->numbers, s->n, &part, &inner))
		return false;
	if (s->what == IMAP_SECTION_MIME) {
		set_header(s, &part, out);
	} else if (s->what == IMAP_SECTION_ALL) {
		bool leaf = part.kind == PART_TEXT || part.kind == PART_OTHER;

		out->at = part.body_at;
		out->len = part.body_len;
		out->encoding = leaf ? part.encoding : PART_PLAIN;
		out->decoded_len = leaf ? part.decoded_len : part.body_len;
	} else if (s->n > 0 && part.kind != PART_MESSAGE) {
		return false; /* RFC 9051 s6.4.5.1: only a message has one */
	} else if (s->what == IMAP_SECTION_TEXT) {
		out->at = message->body_at;
		out->len = message->body_len;
	} else {
		set_header(s, message, out);
	}
	return out->at <= size && out->len <= size - out->at;
}

/* The first line of *rest with its end. */
static struct str
take_line(struct str *rest)
{
	struct str line = *rest;
	size_t end;

	if (str_find(line, '\n', &end))
		line = str_first(line, end + 1);
	*rest = str_after(*rest, line.len);
	return line;
}

static bool
is_empty_line(struct str line)
{
	return str_eq(line, STR("\r\n")) || str_eq(line, STR("\n"));
}

static bool
is_folded(struct str rest)
{
	return rest.len > 0 && (rest.at[0] == ' ' || rest.at[0] == '\t');
}

static bool
is_wanted(const struct imap_section *s, struct str line)
{
	struct str name;
	size_t colon;
	bool listed = false;

	if (str_find(line, ':', &colon)) {
		name = str_trim(str_first(line, colon));
		listed = bsearch(&name, s->fields, s->n_fields,
			     sizeof(*s->fields), compare) != NULL;
	}
	return listed == (s->what == IMAP_SECTION_FIELDS);
}

void
imap_section_filter(
    const struct imap_section *s, struct str header, struct buf *out)
{
	while (header.len > 0) {
		struct str field = take_line(&header);
		bool empty = is_empty_line(field);

		while (!empty && is_folded(header))
			field.len += take_line(&header).len;
		if (empty || is_wanted(s, field))
			buf_add(out, field);
	}
}
