/* SPDX-License-Identifier: MIT */
#include "common/mime/fields.h"

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* The first line with its end. */
static struct str
first_line(struct str s)
{
	size_t lf;

	return str_find(s, '\n', &lf) ? str_first(s, lf + 1) : s;
}

static struct str
without_end(struct str line)
{
	if (line.len > 0 && line.at[line.len - 1] == '\n') {
		line.len--;
		if (line.len > 0 && line.at[line.len - 1] == '\r')
			line.len--;
	}
	return line;
}

static struct str
take_field(struct str *rest)
{
	size_t n = first_line(*rest).len;
	struct str whole;

	while (n < rest->len && is_blank(rest->at[n]))
		n += first_line(str_after(*rest, n)).len;
	whole = str_first(*rest, n);
	*rest = str_after(*rest, n);
	return whole;
}

bool
fields_next(struct str *rest, struct fields_line *out)
{
	size_t colon;

	while (rest->len > 0) {
		struct str whole = take_field(rest);

		if (!str_find(first_line(whole), ':', &colon))
			continue;
		out->name = str_first(whole, colon);
		while (out->name.len > 0 &&
		       is_blank(out->name.at[out->name.len - 1]))
			out->name.len--;
		out->value = without_end(str_after(whole, colon + 1));
		return true;
	}
	return false;
}

/* Bare CRs, with which some end lines, are white space. */
static void
add_line(struct str line, struct buf *out)
{
	size_t cr;

	while (str_find(line, '\r', &cr)) {
		buf_add(out, str_first(line, cr));
		line = str_after(line, cr);
		while (str_take(&line, '\r'))
			continue;
		if (line.len > 0 && !is_blank(line.at[0]))
			buf_add_char(out, ' ');
	}
	buf_add(out, line);
}

void
fields_unfold(struct str value, struct buf *out)
{
	struct str line = without_end(first_line(value));
	size_t blank = 0;

	value = str_after(value, first_line(value).len);
	while (blank < line.len && is_blank(line.at[blank]))
		blank++;
	if (blank == line.len && blank > 1)
		blank = 1;
	add_line(str_after(line, blank), out);
	while (value.len > 0) {
		line = without_end(first_line(value));
		value = str_after(value, first_line(value).len);
		add_line(line, out);
	}
}
