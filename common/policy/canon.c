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

/* RFC 6376 s3.4.2: line breaks of folds go, white space becomes one space, and
 * there is none at the ends. */
static void
add_relaxed(struct str value, struct buf *out)
{
	bool blank = false, begun = false;

	for (size_t i = 0; i < value.len; i++) {
		char c = value.at[i];

		if (is_blank(c)) {
			blank = true;
			continue;
		}
		if (c == '\r' && i + 1 < value.len && value.at[i + 1] == '\n') {
			i++;
			continue;
		}
		if (blank && begun)
			buf_add_char(out, ' ');
		buf_add_char(out, c);
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
