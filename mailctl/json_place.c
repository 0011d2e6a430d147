/* SPDX-License-Identifier: MIT */
#include "mailctl/json_place.h"

static void
skip_space(struct str *s)
{
	while (str_take(s, ' ') || str_take(s, '\t') || str_take(s, '\n') ||
	       str_take(s, '\r'))
		continue;
}

/* A string's text between its quotes, escapes as they stand. */
static struct str
take_string(struct str *s)
{
	struct str text = str_after(*s, 1);
	size_t n = 0;

	while (n < text.len && text.at[n] != '"')
		n += text.at[n] == '\\' ? 2 : 1;
	*s = str_after(text, n + 1);
	return str_first(text, n);
}

/* One value, whatever is in it. */
static void
skip_value(struct str *s)
{
	size_t depth = 0;

	do {
		skip_space(s);
		if (s->len == 0)
			return;
		if (s->at[0] == '"') {
			take_string(s);
			continue;
		}
		if (s->at[0] == '{' || s->at[0] == '[')
			depth++;
		else if (s->at[0] == '}' || s->at[0] == ']')
			depth--;
		else
			while (s->len > 1 && s->at[1] != ',' &&
			       s->at[1] != ']' && s->at[1] != '}' &&
			       s->at[1] != ' ' && s->at[1] != '\n')
				*s = str_after(*s, 1);
		*s = str_after(*s, 1);
	} while (depth > 0);
}

/* To a member of the object that begins here.  *name: where its name is. */
static bool
enter_member(struct str *s, struct str key, struct str *name)
{
	struct str at = str_after(*s, 1);

	for (;;) {
		skip_space(&at);
		str_take(&at, ',');
		skip_space(&at);
		if (at.len == 0 || at.at[0] != '"')
			return false;
		*name = at;
		struct str found = take_string(&at);
		skip_space(&at);
		str_take(&at, ':');
		skip_space(&at);
		if (str_eq(found, key)) {
			*s = at;
			return true;
		}
		skip_value(&at);
	}
}

static bool
enter_element(struct str *s, struct str key, struct str *name)
{
	struct str at = str_after(*s, 1);
	size_t n;

	if (!str_to_size(key, at.len, &n))
		return false;
	for (;;) {
		skip_space(&at);
		str_take(&at, ',');
		skip_space(&at);
		if (at.len == 0 || at.at[0] == ']')
			return false;
		if (n-- == 0) {
			*name = *s = at;
			return true;
		}
		skip_value(&at);
	}
}

struct json_place
json_place_find(struct str text, const char *const *path, size_t n, bool name)
{
	struct json_place place = {1, 1};
	struct str at = text, key;
	size_t offset;

	skip_space(&at);
	key = at;
	for (size_t i = 0; i < n; i++) {
		bool there = at.len > 0 && at.at[0] == '{'
		                 ? enter_member(&at, str_of(path[i]), &key)
		             : at.len > 0 && at.at[0] == '['
		                 ? enter_element(&at, str_of(path[i]), &key)
		                 : false;
		if (!there) {
			key = at;
			break;
		}
	}
	offset = text.len - (name ? key.len : at.len);
	for (size_t i = 0; i < offset; i++) {
		place.column = text.at[i] == '\n' ? 1 : place.column + 1;
		place.line += text.at[i] == '\n';
	}
	return place;
}
