/* SPDX-License-Identifier: MIT */
#include "common/mime/encword.h"

#include "common/mime/charset.h"
#include "common/mime/cte.h"
#include "common/util/mem.h"

#define CHARSET_MAX 40
#define OCTETS_MAX  (512 * KB) /* of adjacent words, decoded */

/* A value as it is decoded. */
struct decoder {
	struct buf *out;
	struct buf octets; /* of the words before, all in one charset: a
	                    * character may be split over them */
	struct str charset;
	const char *end; /* the "?=" found last, or the value's end if there
	                  * is none: looked for once, not by every "=?" */
};

struct word {
	struct str charset, text;
	enum part_encoding encoding;
};

/* Up to the first "?=" in s, which ends where the value does. */
static bool
find_end(struct decoder *d, struct str s, size_t *n)
{
	if (d->end == NULL || d->end < s.at) {
		bool found = str_find_str(s, STR("?="), n);

		d->end = s.at + (found ? *n : s.len);
	}
	*n = (size_t)(d->end - s.at);
	return *n < s.len;
}

/* RFC 2047 s2, RFC 2231 s5: =?charset*language?B?text?= */
static bool
take_word(struct decoder *d, struct str *s, struct word *out)
{
	struct str at = *s, encoding;
	size_t end;

	if (!str_take(&at, '=') || !str_take(&at, '?') ||
	    !str_find(at, '?', &end) || end == 0 || end > CHARSET_MAX)
		return false;
	out->charset = str_cut(&at, '?');
	out->charset = str_cut(&out->charset, '*');
	if (!str_find(at, '?', &end) || end != 1)
		return false;
	encoding = str_cut(&at, '?');
	if (str_eq_nocase(encoding, STR("B")))
		out->encoding = PART_BASE64;
	else if (str_eq_nocase(encoding, STR("Q")))
		out->encoding = PART_QUOTED;
	else
		return false;
	if (!find_end(d, at, &end))
		return false;
	/* =?utf-8?Q?=?= : the first "?=" that could end it does */
	out->text = str_first(at, end);
	at = str_after(at, end + 2);
	if (str_find(out->text, '\n', &end))
		return false; /* a fold is in none */
	*s = at;
	return true;
}

/* RFC 2047 s4.2: '_' is a space whatever the charset. */
static void
decode_q(struct str text, struct buf *out)
{
	static const char digits[] = "0123456789abcdef";

	while (text.len > 0) {
		size_t high, low;
		char c = text.at[0];

		if (c == '=' && text.len >= 3 &&
		    str_find(STR(digits), str_lower(text.at[1]), &high) &&
		    str_find(STR(digits), str_lower(text.at[2]), &low)) {
			buf_add_char(out, (char)(high << 4 | low));
			text = str_after(text, 3);
			continue;
		}
		buf_add_char(out, c == '_' ? ' ' : c);
		text = str_after(text, 1);
	}
}

static void
decode_word(const struct word *w, struct buf *out)
{
	struct cte_decoder d;

	if (w->encoding == PART_QUOTED) {
		decode_q(w->text, out);
		return;
	}
	cte_decoder_init(&d, PART_BASE64);
	cte_decode(&d, w->text, out);
	cte_decode_end(&d, out);
}

/* On one line: controls are spaces. */
static void
add_text(struct decoder *d, struct str charset, struct str text)
{
	size_t at = d->out->len;

	charset_to_utf8(charset, text, d->out);
	for (; at < d->out->len; at++)
		if ((unsigned char)d->out->data[at] < ' ' ||
		    d->out->data[at] == 0x7f)
			d->out->data[at] = ' ';
}

static void
end_words(struct decoder *d)
{
	if (d->octets.len > 0)
		add_text(d, d->charset, buf_str(&d->octets));
	buf_clear(&d->octets);
	d->charset = str_first(d->charset, 0);
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* White space at the front of *s, without the line ends of folds. */
static struct str
take_space(struct str *s)
{
	size_t n = 0;
	struct str space;

	while (n < s->len && is_space(s->at[n]))
		n++;
	space = str_first(*s, n);
	*s = str_after(*s, n);
	return space;
}

static void
add_space(struct decoder *d, struct str space)
{
	for (size_t i = 0; i < space.len; i++)
		if (space.at[i] != '\r' && space.at[i] != '\n')
			buf_add_char(d->out, ' ');
}

/* What is no encoded word, up to where one may begin. */
static struct str
take_plain(struct str *s)
{
	size_t n = 1;
	struct str plain;

	while (n < s->len && !is_space(s->at[n]) &&
	       !str_starts(str_after(*s, n), STR("=?")))
		n++;
	plain = str_first(*s, n);
	*s = str_after(*s, n);
	return plain;
}

void
encword_decode(struct str value, struct buf *out)
{
	struct decoder d = {.out = out};
	struct str space = take_space(&value), plain;
	bool in_words = false;

	buf_init(&d.octets, OCTETS_MAX);
	while (value.len > 0) {
		struct word w;

		if (take_word(&d, &value, &w)) {
			if (!in_words) {
				end_words(&d);
				add_space(&d, space);
			}
			if (!str_eq_nocase(w.charset, d.charset))
				end_words(&d);
			d.charset = w.charset;
			decode_word(&w, &d.octets);
			in_words = true;
			space = take_space(&value);
			continue;
		}
		end_words(&d);
		if (in_words || out->len > 0)
			add_space(&d, space);
		plain = take_plain(&value);
		add_text(&d, STR(""), plain);
		in_words = false;
		space = take_space(&value);
	}
	end_words(&d);
	buf_release(&d.octets);
}
