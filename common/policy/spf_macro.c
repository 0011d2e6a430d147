/* SPDX-License-Identifier: MIT */
#include "common/policy/spf_macro.h"

#include <stdlib.h>
#include <string.h>

#include "common/policy/spf_ip.h"
#include "common/util/mem.h"

#define VALUE_MAX 2048 /* of one letter; s4.5.3.1 of RFC 5321 has less */
#define PARTS_MAX 9999 /* of "%{d9999}"; RFC 7208 s7.3 wants 127 */

struct macro {
	char letter;  /* lower case; 0: literal is all there is */
	bool escaped; /* it was upper case */
	bool reversed;
	size_t parts; /* right-hand ones to keep; 0: all */
	struct str delimiters;
	struct str literal;
};

static bool
is_one_of(char c, const char *set)
{
	return c != '\0' && strchr(set, c) != NULL;
}

/* transformers = *DIGIT [ "r" ] */
static bool
take_transformers(struct str *in, struct macro *m)
{
	bool digits = false;

	while (in->len > 0 && in->at[0] >= '0' && in->at[0] <= '9') {
		m->parts = m->parts * 10 + (size_t)(in->at[0] - '0');
		if (m->parts > PARTS_MAX)
			m->parts = PARTS_MAX;
		digits = true;
		*in = str_after(*in, 1);
	}
	m->reversed = str_take(in, 'r') || str_take(in, 'R');
	return !digits || m->parts > 0; /* s7.3: it MUST be nonzero */
}

/* What follows "%". */
static bool
take_expand(struct str *in, struct macro *m)
{
	size_t n = 0;

	if (str_take(in, '%')) {
		m->literal = STR("%");
		return true;
	}
	if (str_take(in, '_')) {
		m->literal = STR(" ");
		return true;
	}
	if (str_take(in, '-')) {
		m->literal = STR("%20");
		return true;
	}
	if (!str_take(in, '{') || in->len == 0)
		return false;
	m->letter = str_lower(in->at[0]);
	m->escaped = m->letter != in->at[0];
	*in = str_after(*in, 1);
	if (!is_one_of(m->letter, "slodipvhcrt") || !take_transformers(in, m))
		return false;
	while (n < in->len && is_one_of(in->at[n], ".-+,/_="))
		n++;
	m->delimiters = str_first(*in, n);
	*in = str_after(*in, n);
	return str_take(in, '}');
}

/* The next run of literals, or macro: 1, 0 at the end, -1 bad. */
static int
next(struct str *in, struct macro *out)
{
	size_t n = 0;

	*out = (struct macro){0};
	if (in->len == 0)
		return 0;
	if (str_take(in, '%'))
		return take_expand(in, out) ? 1 : -1;
	while (n < in->len && in->at[n] >= ' ' && in->at[n] <= '~' &&
	       in->at[n] != '%')
		n++;
	out->literal = str_first(*in, n);
	*in = str_after(*in, n);
	return n > 0 ? 1 : -1;
}

bool
spf_macro_is_string(struct str text, enum spf_place place)
{
	struct macro m;
	size_t space;
	int rc;

	if (place != SPF_IN_EXPLAIN && str_find(text, ' ', &space))
		return false;
	while ((rc = next(&text, &m)) == 1)
		if (place == SPF_IN_TERM && is_one_of(m.letter, "crt"))
			return false;
	return rc == 0;
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_alphanum(char c)
{
	return is_digit(c) || (str_lower(c) >= 'a' && str_lower(c) <= 'z');
}

/* Letters, digits and inner hyphens, not all digits (RFC 7208 s7.1). */
static bool
is_toplabel(struct str label)
{
	bool number = true;

	if (label.len == 0 || !is_alphanum(label.at[0]) ||
	    !is_alphanum(label.at[label.len - 1]))
		return false;
	for (size_t i = 0; i < label.len; i++) {
		if (!is_alphanum(label.at[i]) && label.at[i] != '-')
			return false;
		number = number && is_digit(label.at[i]);
	}
	return !number;
}

bool
spf_macro_is_domain(struct str text)
{
	struct str rest = text;
	struct macro m = {0}, last = {0};
	size_t dot, begin = 0;

	if (!spf_macro_is_string(text, SPF_IN_TERM))
		return false;
	/* where does the last token begin, and is it a macro? */
	while (rest.len > 0) {
		begin = text.len - rest.len;
		if (next(&rest, &m) != 1)
			return false;
		last = m;
	}
	if (text.len == 0)
		return false;
	if (last.letter != 0 || text.at[begin] == '%')
		return true;
	/* the dot before the toplabel is in the same run of literals */
	if (last.literal.at[last.literal.len - 1] == '.')
		last.literal.len--;
	return str_find_last(last.literal, '.', &dot) &&
	       is_toplabel(str_after(last.literal, dot + 1));
}

bool
spf_macro_uses(struct str text, const char *letters)
{
	struct macro m;

	while (next(&text, &m) == 1)
		if (is_one_of(m.letter, letters))
			return true;
	return false;
}

static void
add_value(char letter, const struct spf_names *n, struct buf *out)
{
	switch (letter) {
	case 's':
		buf_add(out, n->local);
		buf_add_char(out, '@');
		buf_add(out, n->origin);
		break;
	case 'l':
		buf_add(out, n->local);
		break;
	case 'o':
		buf_add(out, n->origin);
		break;
	case 'd':
		buf_add(out, n->domain);
		break;
	case 'i':
		spf_ip_dotted(n->ip, n->ip_len, out);
		break;
	case 'c':
		spf_ip_text(n->ip, n->ip_len, out);
		break;
	case 'p':
		buf_add(
		    out, n->validated.len > 0 ? n->validated : STR("unknown"));
		break;
	case 'v':
		buf_add(out, n->ip_len == 4 ? STR("in-addr") : STR("ip6"));
		break;
	case 'h':
		buf_add(out, n->helo);
		break;
	case 'r':
		buf_add(
		    out, n->receiver.len > 0 ? n->receiver : STR("unknown"));
		break;
	case 't':
		buf_addf(out, "%lld", (long long)n->now_s);
		break;
	}
}

static bool
is_delimiter(const struct macro *m, char c)
{
	return m->delimiters.len == 0
	           ? c == '.'
	           : memchr(m->delimiters.at, c, m->delimiters.len) != NULL;
}

/* Parts in their order, the last `parts' of them, dots between. */
static void
add_right(const struct macro *m, struct str value, struct buf *out)
{
	size_t begin = value.len, seen = 0;

	for (; begin > 0; begin--)
		if (is_delimiter(m, value.at[begin - 1]) && ++seen == m->parts)
			break;
	for (size_t i = begin; i < value.len; i++)
		buf_add_char(
		    out, is_delimiter(m, value.at[i]) ? '.' : value.at[i]);
}

/* Reversed, then the last ones: the first ones, from the right. */
static void
add_reversed(const struct macro *m, struct str value, struct buf *out)
{
	size_t end = 0, seen = 0;

	for (; end < value.len; end++)
		if (is_delimiter(m, value.at[end]) && ++seen == m->parts)
			break;
	for (size_t i = end; i > 0; i--) {
		if (!is_delimiter(m, value.at[i - 1]))
			continue;
		buf_add(out, (struct str){value.at + i, end - i});
		buf_add_char(out, '.');
		end = i - 1;
	}
	buf_add(out, str_first(value, end));
}

/* All but the unreserved of RFC 3986 s2.3. */
static void
add_escaped(struct str s, struct buf *out)
{
	for (size_t i = 0; i < s.len; i++) {
		if (is_alphanum(s.at[i]) || is_one_of(s.at[i], "-._~"))
			buf_add_char(out, s.at[i]);
		else
			buf_addf(out, "%%%02X", (uint8_t)s.at[i]);
	}
}

static void
expand_one(
    const struct macro *m, const struct spf_names *names, struct buf *out)
{
	struct buf value, parts;

	buf_init(&value, VALUE_MAX);
	buf_init(&parts, VALUE_MAX);
	add_value(m->letter, names, &value);
	if (m->reversed)
		add_reversed(m, buf_str(&value), &parts);
	else if (m->parts > 0 || m->delimiters.len > 0)
		add_right(m, buf_str(&value), &parts);
	else
		buf_add(&parts, buf_str(&value));
	if (m->escaped)
		add_escaped(buf_str(&parts), out);
	else
		buf_add(out, buf_str(&parts));
	buf_release(&value);
	buf_release(&parts);
}

/* What one token stands for: *piece, which is for macros, or its own text. */
static struct str
expand_token(
    const struct macro *m, const struct spf_names *names, struct buf *piece)
{
	if (m->letter == 0)
		return m->literal;
	buf_clear(piece);
	expand_one(m, names, piece);
	return buf_str(piece);
}

/* Where each token begins, from the front. */
struct starts {
	struct str *at; /* text from there on */
	size_t n, room;
};

static void
find_starts(struct str text, struct starts *out)
{
	struct macro m;

	for (struct str from = text; next(&text, &m) == 1; from = text) {
		if (out->n == out->room) {
			out->room = out->room > 0 ? 2 * out->room : 16;
			out->at = mem_grow(
			    out->at, out->room, sizeof(*out->at));
		}
		out->at[out->n++] = from;
	}
}

/* From the last token on, until there is enough: a record of 64 KB costs no
 * more than a name. */
static void
expand_end(struct str text, const struct spf_names *names, struct buf *piece,
    struct buf *out)
{
	size_t half = out->limit / 2, used = 0;
	char *end = mem_new(1, half + 1);
	struct starts starts = {0};

	find_starts(text, &starts);
	while (starts.n > 0 && used < half) {
		struct str token = starts.at[--starts.n], add;
		struct macro m;

		next(&token, &m);
		add = expand_token(&m, names, piece);
		if (add.len > half - used)
			add = str_after(add, add.len - (half - used));
		used += add.len;
		if (add.len > 0)
			memcpy(end + half - used, add.at, add.len);
	}
	buf_add(out, (struct str){end + half - used, used});
	free(starts.at);
	free(end);
}

void
spf_macro_expand(struct str text, const struct spf_names *names, bool keep_end,
    struct buf *out)
{
	struct buf piece;
	struct macro m;

	buf_init(&piece, 3 * VALUE_MAX);
	if (keep_end)
		expand_end(text, names, &piece, out);
	while (!keep_end && !out->overrun && next(&text, &m) == 1)
		buf_add(out, expand_token(&m, names, &piece));
	buf_release(&piece);
}
