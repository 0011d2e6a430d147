/* SPDX-License-Identifier: MIT */
#include "common/mime/preview.h"

#include "common/mime/text.h"
#include "common/util/mem.h"
#include "common/util/utf8.h"

/* What is shown as a space, or as nothing if it is one of several. */
static bool
is_space(uint32_t code)
{
	return code <= ' ' || (code >= 0x7f && code <= 0xa0) ||
	       (code >= 0x2000 && code <= 0x200a) || code == 0x2028 ||
	       code == 0x2029 || code == 0x202f || code == 0x205f ||
	       code == 0x3000;
}

/* Fillers by which newsletters push text out of previews, and marks that only
 * steer how text is laid out. */
static bool
is_unseen(uint32_t code)
{
	return code == 0xad || code == 0x34f || code == 0x61c ||
	       (code >= 0x200b && code <= 0x200f) ||
	       (code >= 0x202a && code <= 0x202e) ||
	       (code >= 0x2060 && code <= 0x2069) || code == 0xfeff;
}

struct line {
	size_t n, max; /* characters */
	bool space;    /* one is due before the next */
	struct buf *out;
};

static void
add(struct line *l, struct str s)
{
	while (s.len > 0 && l->n < l->max) {
		struct str start = s;
		uint32_t code;

		if (!utf8_take(&s, &code)) {
			s = str_after(s, 1);
			continue;
		}
		if (is_space(code)) {
			l->space = l->n > 0;
			continue;
		}
		if (is_unseen(code))
			continue;
		if (l->space && l->n + 1 >= l->max) {
			l->n = l->max; /* no space at the end */
			return;
		}
		if (l->space)
			buf_add_char(l->out, ' ');
		l->n += l->space ? 2 : 1;
		l->space = false;
		buf_add(l->out, str_first(start, start.len - s.len));
	}
}

static void
add_lines(struct line *l, struct str text, bool quoted)
{
	while (text.len > 0 && l->n < l->max) {
		struct str line = str_cut(&text, '\n');

		if (quoted || !str_starts(str_trim(line), STR(">"))) {
			add(l, line);
			l->space = l->n > 0;
		}
	}
}

void
preview_make(struct str utf8, bool html, size_t max, struct buf *out)
{
	struct line l = {.max = max, .out = out};
	struct buf words;

	buf_init(&words, 1 * MB);
	if (html) {
		text_of_html(utf8, &words);
		utf8 = buf_str(&words);
	}
	add_lines(&l, utf8, html);
	if (l.n == 0)
		add_lines(&l, utf8, true);
	buf_release(&words);
}
