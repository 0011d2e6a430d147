/* SPDX-License-Identifier: MIT */
#include "common/mime/people.h"

#include "common/mime/cte.h"
#include "common/util/utf8.h"

/* The character at the front of s, taken, as it may be shown: printable ASCII;
 * other characters if that is asked for; or \xNN for one octet. */
static void
add_shown(struct str *s, bool utf8, struct buf *out)
{
	struct str whole = *s;
	uint32_t code;

	if (utf8_take(s, &code) &&
	    ((code > ' ' && code <= '~') || (utf8 && code >= 0xa0)))
		buf_add(out, str_first(whole, whole.len - s->len));
	else {
		buf_addf(out, "\\x%02x", (unsigned char)whole.at[0]);
		*s = str_after(whole, 1);
	}
}

void
people_words(struct str said, size_t max, bool utf8, struct buf *out)
{
	struct str rest = said;
	bool gap = false;

	while (rest.len > 0) {
		size_t unused;

		if (str_find(STR(" \t\r\n"), rest.at[0], &unused)) {
			gap = rest.len < said.len;
			rest = str_after(rest, 1);
			continue;
		}
		if (said.len - rest.len >= max) {
			buf_add(out, STR(" ..."));
			return;
		}
		if (gap)
			buf_add_char(out, ' ');
		gap = false;
		add_shown(&rest, utf8, out);
	}
}

void
people_paragraph(const char *indent, struct str text, struct buf *out)
{
	size_t room = PEOPLE_LINE - str_of(indent).len;

	text = str_trim(text);
	do {
		struct str line = utf8_first(text, room);
		size_t at;

		if (line.len < text.len && text.at[line.len] != ' ' &&
		    str_find_last(line, ' ', &at) && at > 0)
			line = str_first(line, at);
		buf_addf(out, "%s%.*s\r\n", indent, STR_FMT(line));
		text = str_trim(str_after(text, line.len));
	} while (text.len > 0);
}

void
people_part(struct str text, struct buf *out)
{
	if (cte_is_7bit(text)) {
		buf_add(out, STR("\r\n"));
		buf_add(out, text);
	} else {
		buf_add(out, STR("Content-Transfer-Encoding: "
				 "quoted-printable\r\n\r\n"));
		cte_quote_printable(text, out);
	}
}
