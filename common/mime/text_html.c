/* SPDX-License-Identifier: MIT */
#include "common/mime/text.h"
#include "common/util/utf8.h"

#define ENTITY_MAX 10 /* octets of its name */

/* Elements at whose begin and end a line ends; those whose content nobody
 * sees. */
enum kind {
	INLINE,
	BLOCK,
	HIDDEN
};

static const struct element {
	const char *name;
	enum kind kind;
} elements[] = {
    {"script",     HIDDEN},
    {"style",      HIDDEN},
    {"title",      HIDDEN},
    {"template",   HIDDEN},
    {"br",         BLOCK },
    {"p",	  BLOCK },
    {"div",        BLOCK },
    {"tr",         BLOCK },
    {"td",         BLOCK },
    {"th",         BLOCK },
    {"table",      BLOCK },
    {"li",         BLOCK },
    {"ul",         BLOCK },
    {"ol",         BLOCK },
    {"dt",         BLOCK },
    {"dd",         BLOCK },
    {"h1",         BLOCK },
    {"h2",         BLOCK },
    {"h3",         BLOCK },
    {"h4",         BLOCK },
    {"h5",         BLOCK },
    {"h6",         BLOCK },
    {"hr",         BLOCK },
    {"pre",        BLOCK },
    {"blockquote", BLOCK },
    {"body",       BLOCK },
    {"center",     BLOCK },
    {"section",    BLOCK },
    {"article",    BLOCK },
    {"header",     BLOCK },
    {"footer",     BLOCK },
};

/* The entities mail has; others stand as they are written. */
static const struct entity {
	const char *name, *utf8;
} entities[] = {
    {"amp",    "&"           },
    {"lt",     "<"           },
    {"gt",     ">"           },
    {"quot",   "\""          },
    {"apos",   "'"           },
    {"nbsp",   "\xc2\xa0"    },
    {"shy",    "\xc2\xad"    },
    {"copy",   "\xc2\xa9"    },
    {"reg",    "\xc2\xae"    },
    {"trade",  "\xe2\x84\xa2"},
    {"euro",   "\xe2\x82\xac"},
    {"pound",  "\xc2\xa3"    },
    {"cent",   "\xc2\xa2"    },
    {"yen",    "\xc2\xa5"    },
    {"sect",   "\xc2\xa7"    },
    {"deg",    "\xc2\xb0"    },
    {"middot", "\xc2\xb7"    },
    {"bull",   "\xe2\x80\xa2"},
    {"hellip", "\xe2\x80\xa6"},
    {"ndash",  "\xe2\x80\x93"},
    {"mdash",  "\xe2\x80\x94"},
    {"lsquo",  "\xe2\x80\x98"},
    {"rsquo",  "\xe2\x80\x99"},
    {"ldquo",  "\xe2\x80\x9c"},
    {"rdquo",  "\xe2\x80\x9d"},
    {"laquo",  "\xc2\xab"    },
    {"raquo",  "\xc2\xbb"    },
    {"zwnj",   "\xe2\x80\x8c"},
    {"zwj",    "\xe2\x80\x8d"},
    {"auml",   "\xc3\xa4"    },
    {"ouml",   "\xc3\xb6"    },
    {"uuml",   "\xc3\xbc"    },
    {"Auml",   "\xc3\x84"    },
    {"Ouml",   "\xc3\x96"    },
    {"Uuml",   "\xc3\x9c"    },
    {"szlig",  "\xc3\x9f"    },
    {"aacute", "\xc3\xa1"    },
    {"eacute", "\xc3\xa9"    },
    {"iacute", "\xc3\xad"    },
    {"oacute", "\xc3\xb3"    },
    {"uacute", "\xc3\xba"    },
    {"agrave", "\xc3\xa0"    },
    {"egrave", "\xc3\xa8"    },
    {"ecirc",  "\xc3\xaa"    },
    {"ccedil", "\xc3\xa7"    },
    {"ntilde", "\xc3\xb1"    },
    {"atilde", "\xc3\xa3"    },
    {"otilde", "\xc3\xb5"    },
    {"aring",  "\xc3\xa5"    },
    {"aelig",  "\xc3\xa6"    },
    {"oslash", "\xc3\xb8"    },
};

static bool
is_letter_or_digit(char c)
{
	c = str_lower(c);
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static enum kind
kind_of(struct str name)
{
	for (size_t i = 0; i < sizeof(elements) / sizeof(elements[0]); i++)
		if (str_eq_nocase(name, str_of(elements[i].name)))
			return elements[i].kind;
	return INLINE;
}

/* &#8364; &#x20ac; without the begin and the end */
static bool
code_of(struct str digits, uint32_t *out)
{
	uint32_t base = str_take(&digits, 'x') || str_take(&digits, 'X') ? 16
	                                                                 : 10;

	*out = 0;
	for (size_t i = 0; i < digits.len; i++) {
		size_t value;

		if (!str_find(STR("0123456789abcdef"), str_lower(digits.at[i]),
			&value) ||
		    value >= base)
			return false;
		*out = *out * base + (uint32_t)value;
		if (*out > 0x10ffff)
			return false;
	}
	return digits.len > 0 && *out >= ' ';
}

static void
add_code(uint32_t code, struct buf *out)
{
	char utf8[4];
	size_t n = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
	static const unsigned char marks[] = {0, 0, 0xc0, 0xe0, 0xf0};

	for (size_t i = n; i-- > 1; code >>= 6)
		utf8[i] = (char)(0x80 | (code & 0x3f));
	utf8[0] = (char)(marks[n] | code);
	if (utf8_valid((struct str){utf8, n}))
		buf_add(out, (struct str){utf8, n});
}

/* From a '&' on. */
static void
take_entity(struct str *html, struct buf *out)
{
	struct str rest = str_after(*html, 1), name;
	bool number = str_take(&rest, '#');
	size_t n = 0;
	uint32_t code;

	while (n < rest.len && n < ENTITY_MAX && is_letter_or_digit(rest.at[n]))
		n++;
	name = str_first(rest, n);
	rest = str_after(rest, n);
	str_take(&rest, ';');
	if (number && code_of(name, &code)) {
		add_code(code, out);
		*html = rest;
		return;
	}
	for (size_t i = 0;
	     !number && i < sizeof(entities) / sizeof(entities[0]); i++)
		if (n > 0 && entities[i].name[0] == name.at[0] &&
		    str_eq(name, str_of(entities[i].name))) {
			buf_add(out, str_of(entities[i].utf8));
			*html = rest;
			return;
		}
	buf_add_char(out, '&');
	*html = str_after(*html, 1);
}

/* Up to and with this; all of it if it is not there. */
static void
skip_past(struct str *html, struct str what)
{
	size_t at;

	*html = str_find_str(*html, what, &at) ? str_after(*html, at + what.len)
	                                       : str_after(*html, html->len);
}

/* The rest of a tag; a '>' in a quoted value does not end it. */
static void
skip_tag(struct str *html)
{
	char quote = '\0', last = '\0';

	while (html->len > 0) {
		char c = html->at[0];

		*html = str_after(*html, 1);
		if (quote != '\0')
			quote = c == quote ? '\0' : quote;
		else if (c == '>')
			return;
		else if (last == '=' && (c == '"' || c == '\''))
			quote = c;
		if (c != ' ' && c != '\t' && c != '\n')
			last = c;
	}
}

/* What is in an element nobody sees, up to its end tag. */
static void
skip_hidden(struct str *html, struct str name)
{
	size_t at;

	while (str_find(*html, '<', &at)) {
		struct str end;

		*html = str_after(*html, at + 1);
		end = *html;
		if (str_take(&end, '/') && str_starts_nocase(end, name)) {
			*html = str_after(end, name.len);
			skip_tag(html);
			return;
		}
	}
	*html = str_after(*html, html->len);
}

static void
end_line(struct buf *out)
{
	if (out->len > 0 && out->data[out->len - 1] != '\n')
		buf_add_char(out, '\n');
}

/* From a '<' on. */
static void
take_tag(struct str *html, struct buf *out)
{
	struct str rest = str_after(*html, 1), name;
	bool ending = str_take(&rest, '/');
	enum kind kind;
	size_t n = 0;

	if (str_starts(rest, STR("!--"))) {
		*html = str_after(rest, 3);
		skip_past(html, STR("-->"));
		return;
	}
	while (n < rest.len && is_letter_or_digit(rest.at[n]))
		n++;
	name = str_first(rest, n);
	if (n == 0 && !str_starts(rest, STR("!")) &&
	    !str_starts(rest, STR("?"))) {
		buf_add_char(out, '<');
		*html = str_after(*html, 1);
		return;
	}
	*html = str_after(rest, n);
	skip_tag(html);
	kind = kind_of(name);
	if (kind == BLOCK)
		end_line(out);
	else if (kind == HIDDEN && !ending)
		skip_hidden(html, name);
}

void
text_of_html(struct str html, struct buf *out)
{
	while (html.len > 0) {
		size_t n = 0;

		while (n < html.len && html.at[n] != '<' && html.at[n] != '&')
			n++;
		buf_add(out, str_first(html, n));
		html = str_after(html, n);
		if (html.len == 0)
			break;
		if (html.at[0] == '<')
			take_tag(&html, out);
		else
			take_entity(&html, out);
	}
}
