/* SPDX-License-Identifier: MIT */
#include "common/mime/xtext.h"

#include "common/util/enc.h"

static bool
is_xchar(char c)
{
	return c > ' ' && c <= '~' && c != '+' && c != '=';
}

static bool
is_capital_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F');
}

/* RFC 3461 s4: hexchar has capitals only */
static bool
is_hexchar(struct str s)
{
	return str_take(&s, '+') && s.len >= 2 && is_capital_hex(s.at[0]) &&
	       is_capital_hex(s.at[1]);
}

void
xtext_encode(struct str text, struct buf *out)
{
	for (size_t i = 0; i < text.len; i++)
		if (is_xchar(text.at[i]))
			buf_add_char(out, text.at[i]);
		else
			buf_addf(out, "+%02X", (unsigned char)text.at[i]);
}

bool
xtext_decode(struct str xtext, struct buf *out)
{
	size_t before = out->len;

	while (xtext.len > 0) {
		if (is_xchar(xtext.at[0])) {
			buf_add_char(out, xtext.at[0]);
			xtext = str_after(xtext, 1);
		} else if (is_hexchar(xtext) &&
			   enc_hex_decode(
			       str_first(str_after(xtext, 1), 2), out)) {
			xtext = str_after(xtext, 3);
		} else {
			buf_cut(out, before);
			return false;
		}
	}
	return true;
}
