/* SPDX-License-Identifier: MIT */
#include "common/mime/cfws.h"

#include <string.h>

static bool
is_control(char c)
{
	return ((unsigned char)c < ' ' && c != '\t') || c == 127;
}

/* A space, a tab, or a line break that is a fold. */
static bool
take_blank(struct str *s)
{
	if (s->len >= 3 && s->at[0] == '\r' && s->at[1] == '\n' &&
	    (s->at[2] == ' ' || s->at[2] == '\t')) {
		*s = str_after(*s, 3);
		return true;
	}
	return str_take(s, ' ') || str_take(s, '\t');
}

/* One character of a comment or quoted string: *c, escaped or not. */
static bool
take_text(struct str *s, char *c, bool *escaped)
{
	*escaped = false;
	if (take_blank(s)) {
		*c = ' ';
		return true;
	}
	if (str_take(s, '\\'))
		*escaped = true;
	if (s->len == 0 || is_control(s->at[0]))
		return false;
	*c = s->at[0];
	*s = str_after(*s, 1);
	return true;
}

static bool
skip_comment(struct str *s)
{
	size_t depth = 0;
	bool escaped;
	char c;

	do {
		if (!take_text(s, &c, &escaped))
			return false;
		if (!escaped && c == '(')
			depth++;
		else if (!escaped && c == ')')
			depth--;
	} while (depth > 0);
	return true;
}

bool
cfws_skip(struct str *s)
{
	struct str at = *s;

	while (at.len > 0) {
		if (at.at[0] == '(') {
			if (!skip_comment(&at))
				return false;
		} else if (!take_blank(&at))
			break;
	}
	/* a last line break without white space after it ends the field */
	if (at.len > 0 && (at.at[0] == '\r' || at.at[0] == '\n'))
		return false;
	*s = at;
	return true;
}

bool
cfws_is_atext(char c)
{
	if ((unsigned char)c > 127)
		return true;
	if (c <= ' ' || c == 127)
		return false;
	return strchr("()<>[]:;@\\,.\"", c) == NULL;
}

bool
cfws_atom(struct str *s, struct str *out)
{
	size_t n = 0;

	while (n < s->len && cfws_is_atext(s->at[n]))
		n++;
	if (n == 0)
		return false;
	*out = str_first(*s, n);
	*s = str_after(*s, n);
	return true;
}

bool
cfws_quoted(struct str *s, struct str *out)
{
	struct str at = *s;
	bool escaped;
	char c;

	if (!str_take(&at, '"'))
		return false;
	do {
		if (!take_text(&at, &c, &escaped))
			return false;
	} while (escaped || c != '"');
	*out = str_first(*s, s->len - at.len);
	*s = at;
	return true;
}

static bool
is_dtext(char c)
{
	c = str_lower(c);
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
	       c == '.' || c == ':';
}

bool
cfws_literal(struct str *s, struct str *out)
{
	size_t n = 1;

	if (s->len == 0 || s->at[0] != '[')
		return false;
	while (n < s->len && is_dtext(s->at[n]))
		n++;
	if (n == s->len || s->at[n] != ']')
		return false;
	*out = str_first(*s, n + 1);
	*s = str_after(*s, n + 1);
	return true;
}

bool
cfws_number(struct str *s, size_t min, size_t max, int *out)
{
	size_t n = 0;
	int sum = 0;

	while (n < s->len && n <= max && s->at[n] >= '0' && s->at[n] <= '9') {
		if (n < max)
			sum = sum * 10 + (s->at[n] - '0');
		n++;
	}
	if (n < min || n > max)
		return false;
	*out = sum;
	*s = str_after(*s, n);
	return true;
}
