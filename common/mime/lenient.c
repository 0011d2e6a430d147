/* SPDX-License-Identifier: MIT */
#include "common/mime/lenient.h"

#include <assert.h>

#include "common/mime/cfws.h"

static enum lenient
rest_of(const struct str *s)
{
	return s->len > 0 ? LENIENT_MORE : LENIENT_END;
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* atext, or a character of a token: RFC 2045 s5.1 takes / ? = away. */
static bool
is_token(char c)
{
	return c == '.' ||
	       (cfws_is_atext(c) && c != '/' && c != '?' && c != '=');
}

/* Without octets that say nothing. */
static void
add(struct buf *out, struct str s)
{
	if (out != NULL)
		buf_add(out, s);
}

static enum lenient
skip_comment(struct str *s, struct buf *comment)
{
	size_t depth = 1, start = 1, i;

	if (comment != NULL)
		buf_clear(comment);
	for (i = 1; i < s->len; i++) {
		char c = s->at[i];

		if (c == '(') {
			depth++;
		} else if (c == ')' && --depth == 0) {
			add(comment,
			    str_first(str_after(*s, start), i - start));
			*s = str_after(*s, i + 1);
			return rest_of(s);
		} else if (c == '\\') {
			add(comment,
			    str_first(str_after(*s, start), i - start));
			start = ++i;
		}
	}
	*s = str_after(*s, s->len);
	return LENIENT_BAD;
}

enum lenient
lenient_skip(struct str *s, struct buf *comment)
{
	while (s->len > 0) {
		if (is_space(s->at[0]))
			*s = str_after(*s, 1);
		else if (s->at[0] != '(')
			break;
		else if (skip_comment(s, comment) == LENIENT_BAD)
			return LENIENT_BAD;
	}
	return rest_of(s);
}

/* As many characters of a kind as there are. */
static struct str
take_run(struct str *s, bool (*belongs)(char c))
{
	size_t n = 0;
	struct str run;

	while (n < s->len && belongs(s->at[n]))
		n++;
	run = str_first(*s, n);
	*s = str_after(*s, n);
	return run;
}

static bool
is_atom_or_dot(char c)
{
	return c == '.' || cfws_is_atext(c);
}

enum lenient
lenient_atom(struct str *s, struct buf *out, struct buf *comment)
{
	struct str atom = take_run(s, cfws_is_atext);

	if (atom.len == 0)
		return LENIENT_BAD;
	buf_add(out, atom);
	return lenient_skip(s, comment);
}

enum lenient
lenient_dot_atom(struct str *s, struct buf *out, struct buf *comment)
{
	enum lenient how;

	if (s->len == 0 || !cfws_is_atext(s->at[0]))
		return LENIENT_BAD;
	for (;;) {
		buf_add(out, take_run(s, cfws_is_atext));
		how = lenient_skip(s, comment);
		if (how != LENIENT_MORE || !str_take(s, '.'))
			return how;
		buf_add_char(out, '.');
		how = lenient_skip(s, comment);
		if (how != LENIENT_MORE)
			return how;
	}
}

enum lenient
lenient_quoted(struct str *s, struct buf *out, struct buf *comment)
{
	size_t i, start = 1;

	assert(s->len > 0 && s->at[0] == '"');
	for (i = 1; i < s->len && s->at[i] != '"'; i++) {
		if (s->at[i] != '\\')
			continue;
		buf_add(out, str_first(str_after(*s, start), i - start));
		start = ++i;
	}
	if (i >= s->len) {
		*s = str_after(*s, s->len);
		return LENIENT_BAD;
	}
	buf_add(out, str_first(str_after(*s, start), i - start));
	*s = str_after(*s, i + 1);
	return lenient_skip(s, comment);
}

enum lenient
lenient_phrase(struct str *s, struct buf *out, struct buf *comment)
{
	enum lenient how;

	if (s->len == 0)
		return LENIENT_END;
	if (s->at[0] == '.')
		return LENIENT_BAD;
	for (;;) {
		if (s->at[0] == '"') {
			how = lenient_quoted(s, out, comment);
		} else {
			buf_add(out, take_run(s, is_atom_or_dot));
			how = lenient_skip(s, comment);
		}
		if (how != LENIENT_MORE)
			return how;
		if (s->at[0] != '"' && !is_atom_or_dot(s->at[0]))
			return LENIENT_MORE;
		buf_add_char(out, ' ');
	}
}

enum lenient
lenient_token(struct str *s, struct buf *out)
{
	buf_add(out, take_run(s, is_token));
	return lenient_skip(s, NULL);
}

static enum lenient
take_literal(struct str *s, struct buf *out, struct buf *comment)
{
	for (size_t i = 0; i < s->len; i++) {
		if (s->at[i] == '\\') {
			i++;
		} else if (s->at[i] == ']') {
			buf_add(out, str_first(*s, i + 1));
			*s = str_after(*s, i + 1);
			return lenient_skip(s, comment);
		}
	}
	*s = str_after(*s, s->len);
	return LENIENT_BAD;
}

enum lenient
lenient_domain(struct str *s, struct buf *out, struct buf *comment)
{
	assert(s->len > 0 && s->at[0] == '@');
	*s = str_after(*s, 1);
	if (lenient_skip(s, comment) != LENIENT_MORE)
		return LENIENT_BAD;
	if (s->at[0] == '[')
		return take_literal(s, out, comment);
	return lenient_dot_atom(s, out, comment);
}
