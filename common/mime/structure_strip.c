/* SPDX-License-Identifier: MIT */
#include <assert.h>

#include "common/mime/imapstring.h"
#include "common/mime/structure.h"

/* Of a part: type, subtype, parameters, id, description, encoding, size. */
#define BASIC_FIELDS 7

static bool
at(const struct str *s, char c)
{
	return s->len > 0 && s->at[0] == c;
}

/* A string, a number, or a list of such: as it is written. */
static struct str
take_value(struct str *s)
{
	struct str start = *s, written;
	size_t depth = 0;

	do {
		if (str_take(s, '('))
			depth++;
		else if (depth > 0 && str_take(s, ')'))
			depth--;
		else if (!imapstring_take(s, &written))
			break;
		if (depth > 0)
			str_take(s, ' ');
	} while (depth > 0);
	return str_first(start, start.len - s->len);
}

static struct str
copy_value(struct str *s, struct buf *out)
{
	struct str value;

	if (str_take(s, ' '))
		buf_add_char(out, ' ');
	value = take_value(s);
	buf_add(out, value);
	return value;
}

/* What stands behind the subtype of a multipart or the rest of a part. */
static void
drop_rest(struct str *s, struct buf *out)
{
	while (str_take(s, ' '))
		take_value(s);
	str_take(s, ')');
	buf_add_char(out, ')');
}

static void
strip(struct str *s, struct buf *out, unsigned depth)
{
	struct str type = {0};

	assert(depth <= STRUCTURE_DEPTH_MAX); /* it is one of ours */
	str_take(s, '(');
	buf_add_char(out, '(');
	if (at(s, '(')) {
		while (at(s, '('))
			strip(s, out, depth + 1);
		copy_value(s, out);
		drop_rest(s, out);
		return;
	}
	for (size_t i = 0; i < BASIC_FIELDS; i++) {
		struct str value = copy_value(s, out);

		if (i == 0)
			type = value;
	}
	if (str_starts(*s, STR(" ("))) { /* an envelope: a message is in it */
		copy_value(s, out);
		str_take(s, ' ');
		buf_add_char(out, ' ');
		strip(s, out, depth + 1);
		copy_value(s, out);
	} else if (str_eq_nocase(type, STR("\"text\""))) {
		copy_value(s, out);
	}
	drop_rest(s, out);
}

void
structure_strip(struct str body_structure, struct buf *out)
{
	strip(&body_structure, out, 0);
}
