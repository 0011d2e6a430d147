/* SPDX-License-Identifier: MIT */
#include "common/policy/canon.h"

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static struct str
without_crlf(struct str field)
{
	if (field.len >= 2 && field.at[field.len - 2] == '\r' &&
	    field.at[field.len - 1] == '\n')
		field.len -= 2;
	return field;
}

/* How many octets from the front are neither blank nor a CRLF. */
static size_t
word_length(struct str s)
{
	size_t n = 0;

	while (n < s.len && !is_blank(s.at[n]) &&
	       (s.at[n] != '\r' || n + 1 == s.len || s.at[n + 1] != '\n'))
		n++;
	return n;
}

/* RFC 6376 s3.4.2: line breaks of folds go, white space becomes one space, and
 * there is none at the ends. */
static void
add_relaxed(struct str value, struct buf *out)
{
	bool blank = false, begun = false;

	while (value.len > 0) {
		size_t n = word_length(value);

		if (n == 0) {
			bool crlf = value.at[0] == '\r';

			blank |= !crlf;
			value = str_after(value, crlf ? 2 : 1);
			continue;
		}
		if (blank && begun)
			buf_add_char(out, ' ');
		buf_add(out, str_first(value, n));
		value = str_after(value, n);
		blank = false;
		begun = true;
	}
}

static void
add_lower(struct str name, struct buf *out)
{
	for (size_t i = 0; i < name.len; i++)
		buf_add_char(out, str_lower(name.at[i]));
}

void
canon_field(enum canon how, struct str field, struct buf *out)
{
	size_t colon;

	field = without_crlf(field);
	if (how == CANON_SIMPLE)
		buf_add(out, field);
	else if (str_find(field, ':', &colon)) {
		add_lower(str_trim(str_first(field, colon)), out);
		buf_add_char(out, ':');
		add_relaxed(str_after(field, colon + 1), out);
	} else
		add_relaxed(field, out);
	buf_add(out, STR("\r\n"));
}
