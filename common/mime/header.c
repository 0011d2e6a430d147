/* SPDX-License-Identifier: MIT */
#include "common/mime/header.h"

#include <string.h>

#define LINE_MAX_TEXT 998 /* octets (RFC 5322 s2.1.1) */

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* The first line of s with its CRLF; all of s if it has none. */
static struct str
first_line(struct str s)
{
	size_t at = 0, lf;

	while (str_find(str_after(s, at), '\n', &lf)) {
		at += lf + 1;
		if (at > 1 && s.at[at - 2] == '\r')
			return str_first(s, at);
	}
	return s;
}

static struct str
without_crlf(struct str line)
{
	if (line.len >= 2 && memcmp(line.at + line.len - 2, "\r\n", 2) == 0)
		line.len -= 2;
	return line;
}

/* RFC 5322 s2.2: printable ASCII but the colon, which ended it. */
static bool
is_name(struct str name)
{
	for (size_t i = 0; i < name.len; i++)
		if (name.at[i] <= ' ' || name.at[i] > '~')
			return false;
	return name.len > 0;
}

bool
header_next(struct str *rest, struct header_field *out)
{
	struct str line = first_line(*rest);
	struct str after = str_after(*rest, line.len);
	size_t colon;

	if (rest->len == 0)
		return false;
	while (after.len > 0 && is_blank(after.at[0]))
		after = str_after(after, first_line(after).len);
	out->whole = str_first(*rest, rest->len - after.len);
	out->bad = is_blank(line.at[0]);
	if (str_find(line, ':', &colon)) {
		out->name = str_trim(str_first(line, colon));
		out->value = without_crlf(str_after(out->whole, colon + 1));
	} else {
		out->name = str_trim(without_crlf(line));
		out->value = without_crlf(str_after(out->whole, line.len));
		out->bad = true;
	}
	out->bad |= !is_name(out->name);
	*rest = after;
	return true;
}

bool
header_find(struct str block, struct str name, struct header_field *out)
{
	while (header_next(&block, out))
		if (str_eq_nocase(out->name, name))
			return true;
	return false;
}

size_t
header_count(struct str block, struct str name)
{
	struct header_field field;
	size_t n = 0;

	while (header_next(&block, &field))
		n += str_eq_nocase(field.name, name);
	return n;
}

void
header_split(struct str message, struct str *block, struct str *body)
{
	size_t at = 0;

	if (str_starts(message, STR("\r\n"))) {
		*block = str_first(message, 0);
		*body = str_after(message, 2);
	} else if (str_find_str(message, STR("\r\n\r\n"), &at)) {
		*block = str_first(message, at + 2);
		*body = str_after(message, at + 4);
	} else {
		*block = message;
		*body = str_after(message, message.len);
	}
}

bool
header_is_clean(struct str block)
{
	size_t at;

	if (str_find(block, '\0', &at))
		return false;
	while (block.len > 0) {
		struct str line = first_line(block);
		struct str text = without_crlf(line);

		if (text.len == line.len || str_find(text, '\r', &at) ||
		    str_find(text, '\n', &at))
			return false;
		block = str_after(block, line.len);
	}
	return true;
}

void
header_survey(struct str block, struct header_facts *out)
{
	struct header_field field;
	const struct {
		struct str name;
		size_t *count;
	} counted[] = {
	    {STR("Received"),   &out->received  },
	    {STR("From"),       &out->from      },
	    {STR("Sender"),     &out->sender    },
	    {STR("Date"),       &out->date      },
	    {STR("Message-ID"), &out->message_id},
	};

	*out = (struct header_facts){0};
	while (header_next(&block, &field)) {
		out->fields++;
		out->bad += field.bad;
		for (size_t i = 0; i < sizeof(counted) / sizeof(counted[0]);
		     i++)
			*counted[i].count += str_eq_nocase(
			    field.name, counted[i].name);
	}
}

static bool
is_space(char c)
{
	return is_blank(c) || c == '\r' || c == '\n';
}

bool
header_message_id(struct str block, struct str *out)
{
	struct header_field field;
	struct str value;
	size_t left, right;

	if (!header_find(block, STR("Message-ID"), &field))
		return false;
	value = field.value;
	while (value.len > 0 && is_space(value.at[0]))
		value = str_after(value, 1);
	while (value.len > 0 && is_space(value.at[value.len - 1]))
		value.len--;
	if (str_find(value, '<', &left) &&
	    str_find(str_after(value, left), '>', &right))
		value = str_first(str_after(value, left), right + 1);
	*out = value;
	return value.len > 0 && value.len <= LINE_MAX_TEXT;
}

void
header_unfold(struct str value, struct buf *out)
{
	value = str_trim(value);
	while (value.len > 0) {
		struct str line = first_line(value);

		buf_add(out, without_crlf(line));
		value = str_after(value, line.len);
	}
}
