/* SPDX-License-Identifier: MIT */
#include "common/mime/imapstring.h"

#include "common/util/mem.h"

#define NUL_SHOWN "\xef\xbf\xbd"

/* How long it gets in a literal; *plain: a quoted string can have it. */
static size_t
survey(struct str s, bool *plain, size_t *escapes)
{
	size_t nuls = 0;

	*plain = true;
	*escapes = 0;
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.at[i];

		if (c == '"' || c == '\\')
			++*escapes;
		else if (c == '\r' || c == '\n' || c > 127 || c == 0)
			*plain = false;
		nuls += c == 0;
	}
	return s.len + nuls * (sizeof(NUL_SHOWN) - 2);
}

static void
add_quoted(struct str s, struct buf *out)
{
	buf_add_char(out, '"');
	for (size_t i = 0, run; s.len > 0; s = str_after(s, run), i = 1) {
		for (run = i; run < s.len; run++)
			if (s.at[run] == '"' || s.at[run] == '\\')
				break;
		buf_add(out, str_first(s, run));
		if (run < s.len)
			buf_add_char(out, '\\');
	}
	buf_add_char(out, '"');
}

static void
add_literal(struct str s, size_t len, struct buf *out)
{
	buf_addf(out, "{%zu}\r\n", len);
	for (;;) {
		size_t nul;

		if (!str_find(s, '\0', &nul)) {
			buf_add(out, s);
			return;
		}
		buf_add(out, str_first(s, nul));
		buf_add(out, STR(NUL_SHOWN));
		s = str_after(s, nul + 1);
	}
}

void
imapstring_add(struct str s, struct buf *out)
{
	size_t escapes;
	bool plain;
	size_t len = survey(s, &plain, &escapes);

	if (!plain) {
		add_literal(s, len, out);
	} else if (escapes > 0) {
		add_quoted(s, out);
	} else {
		buf_add_char(out, '"');
		buf_add(out, s);
		buf_add_char(out, '"');
	}
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Would squeezing change it? */
static bool
is_squeezed(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (is_space(s.at[i]) &&
		    (s.at[i] != ' ' || i == 0 || i + 1 == s.len ||
			s.at[i - 1] == ' '))
			return false;
	return true;
}

void
imapstring_add_squeezed(struct str s, struct buf *out)
{
	struct buf clean;

	if (is_squeezed(s)) {
		imapstring_add(s, out);
		return;
	}
	buf_init(&clean, s.len);
	for (size_t i = 0; i < s.len; i++) {
		if (!is_space(s.at[i])) {
			if (i > 0 && is_space(s.at[i - 1]) && clean.len > 0)
				buf_add_char(&clean, ' ');
			buf_add_char(&clean, s.at[i]);
		}
	}
	imapstring_add(buf_str(&clean), out);
	buf_release(&clean);
}

/* Where the quoted string at the front ends. */
static bool
quoted_len(struct str s, size_t *len)
{
	for (*len = 1; *len < s.len; ++*len) {
		if (s.at[*len] == '\\')
			++*len;
		else if (s.at[*len] == '"') {
			++*len;
			return true;
		}
	}
	return false;
}

static bool
literal_len(struct str s, size_t *len)
{
	size_t close, n;

	if (!str_find(s, '}', &close) ||
	    !str_to_size(str_after(str_first(s, close), 1), s.len, &n) ||
	    !str_starts(str_after(s, close + 1), STR("\r\n")))
		return false;
	*len = close + 3 + n;
	return *len <= s.len;
}

bool
imapstring_take(struct str *s, struct str *written)
{
	size_t len = 0;

	if (s->len == 0)
		return false;
	if (s->at[0] == '"') {
		if (!quoted_len(*s, &len))
			return false;
	} else if (s->at[0] == '{') {
		if (!literal_len(*s, &len))
			return false;
	} else {
		while (len < s->len && s->at[len] != ' ' && s->at[len] != '(' &&
		       s->at[len] != ')')
			len++;
	}
	*written = str_first(*s, len);
	*s = str_after(*s, len);
	return len > 0;
}
