/* SPDX-License-Identifier: MIT */
#include "common/mime/cte.h"

#define LINE_7BIT   998 /* octets without CRLF */
#define LINE_QUOTED 76  /* characters, the "=" of a soft break included */

static bool
at_crlf(struct str s, size_t i)
{
	return i + 1 < s.len && s.at[i] == '\r' && s.at[i + 1] == '\n';
}

static bool
is_printable(char c)
{
	return (c >= ' ' && c <= '~') || c == '\t';
}

bool
cte_is_7bit(struct str text)
{
	size_t line = 0;

	for (size_t i = 0; i < text.len; i++) {
		if (at_crlf(text, i)) {
			line = 0;
			i++;
		} else if (!is_printable(text.at[i]) || ++line > LINE_7BIT)
			return false;
	}
	return true;
}

void
cte_quote_printable(struct str text, struct buf *out)
{
	size_t line = 0;

	for (size_t i = 0; i < text.len; i++) {
		char c = text.at[i];
		bool last = i + 1 == text.len || at_crlf(text, i + 1);
		bool plain = is_printable(c) && c != '=' &&
		             !(last && (c == ' ' || c == '\t'));
		size_t need = plain ? 1 : 3;

		if (at_crlf(text, i)) {
			buf_add(out, STR("\r\n"));
			line = 0;
			i++;
			continue;
		}
		if (line + need > LINE_QUOTED - 1) {
			buf_add(out, STR("=\r\n"));
			line = 0;
		}
		if (plain)
			buf_add_char(out, c);
		else
			buf_addf(out, "=%02X", (unsigned char)c);
		line += need;
	}
}
