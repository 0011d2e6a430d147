/* SPDX-License-Identifier: MIT */
#include "common/policy/tags.h"

#include "common/util/utf8.h"

/* Skip FWS, any of it (RFC 6376 s2.8: [*WSP CRLF] 1*WSP, and obsolete folds
 * over several lines). */
static void
skip_fws(struct str *in)
{
	for (;;) {
		if (str_take(in, ' ') || str_take(in, '\t'))
			continue;
		if (in->len < 3 || in->at[0] != '\r' || in->at[1] != '\n' ||
		    (in->at[2] != ' ' && in->at[2] != '\t'))
			return;
		*in = str_after(*in, 3);
	}
}

static bool
is_alpha(char c)
{
	return str_lower(c) >= 'a' && str_lower(c) <= 'z';
}

/* tag-name = ALPHA *(ALPHA / DIGIT / "_") */
static bool
take_name(struct str *in, struct str *name)
{
	size_t n = 0;

	if (in->len == 0 || !is_alpha(in->at[0]))
		return false;
	while (n < in->len && (is_alpha(in->at[n]) || in->at[n] == '_' ||
				  (in->at[n] >= '0' && in->at[n] <= '9')))
		n++;
	*name = str_first(*in, n);
	*in = str_after(*in, n);
	return true;
}

/* How many octets from the front are visible ASCII, and none is ";". */
static size_t
plain_run(struct str s)
{
	size_t n = 0;

	while (n < s.len && s.at[n] > ' ' && s.at[n] < 127 && s.at[n] != ';')
		n++;
	return n;
}

/* tag-value, up to ";" or the end.  It may be empty.  UTF-8 is for the tags
 * with addresses and domains in them (RFC 8616 s5). */
static bool
take_value(struct str *in, struct str *value)
{
	struct str begin = *in;
	size_t end = 0; /* behind the last octet that is not white */

	while (in->len > 0 && in->at[0] != ';') {
		struct str before;
		uint32_t code;
		size_t n = plain_run(*in);

		if (n > 0) {
			*in = str_after(*in, n);
			end = begin.len - in->len;
			continue;
		}
		before = *in;
		skip_fws(in);
		if (in->len != before.len)
			continue;
		if (!utf8_take(in, &code) || code <= ' ' ||
		    (code >= 127 && code < 160))
			return false;
		end = begin.len - in->len;
	}
	*value = str_first(begin, end);
	return true;
}

bool
tags_parse(struct str text, struct tags *out)
{
	struct str name, value;

	out->n = 0;
	do {
		skip_fws(&text);
		if (text.len == 0 && out->n > 0)
			return true; /* the list may end with ";" */
		if (!take_name(&text, &name))
			return false;
		skip_fws(&text);
		if (!str_take(&text, '='))
			return false;
		skip_fws(&text);
		if (!take_value(&text, &value) || out->n == TAGS_MAX)
			return false;
		for (size_t i = 0; i < out->n; i++)
			if (str_eq(out->at[i].name, name))
				return false;
		out->at[out->n++] = (struct tag){name, value};
	} while (str_take(&text, ';'));
	return true;
}

bool
tags_find(const struct tags *t, const char *name, struct str *value)
{
	struct str wanted = str_of(name);

	for (size_t i = 0; i < t->n; i++) {
		if (!str_eq(t->at[i].name, wanted))
			continue;
		*value = t->at[i].value;
		return true;
	}
	return false;
}

static bool
is_white(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

void
tags_squeeze(struct str value, struct buf *out)
{
	while (value.len > 0) {
		size_t n = 0;

		while (n < value.len && !is_white(value.at[n]))
			n++;
		buf_add(out, str_first(value, n));
		value = str_after(value, n < value.len ? n + 1 : n);
	}
}
