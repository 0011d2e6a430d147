/* SPDX-License-Identifier: MIT */
#include "smtpd/proto/smtp_dsn_param.h"

#include <string.h>

#include "common/mime/xtext.h"
#include "common/util/utf8.h"
#include "smtpd/proto/smtp_server.h"

#define CODE_POINT_MAX 0x10ffff

bool
smtp_xtext_is_printable(struct str value)
{
	struct buf text;
	bool good;

	buf_init(&text, value.len);
	good = xtext_decode(value, &text) && str_is_printable(buf_str(&text));
	buf_release(&text);
	return good;
}

static const struct {
	const char *word;
	enum dsn_notify notify;
} notify_words[] = {
    {"SUCCESS", DSN_NOTIFY_SUCCESS},
    {"FAILURE", DSN_NOTIFY_FAILURE},
    {"DELAY",   DSN_NOTIFY_DELAY  },
};

static unsigned
notify_of(struct str word)
{
	for (size_t i = 0; i < sizeof(notify_words) / sizeof(notify_words[0]);
	     i++)
		if (str_eq_nocase(word, str_of(notify_words[i].word)))
			return notify_words[i].notify;
	return 0;
}

bool
smtp_notify_parse(struct str value, unsigned *notify)
{
	*notify = DSN_NOTIFY_NEVER;
	if (str_eq_nocase(value, STR("NEVER"))) /* RFC 3461 s4.1: alone */
		return true;
	*notify = 0;
	for (bool more = true; more;) {
		size_t comma;
		unsigned one;

		more = str_find(value, ',', &comma);
		one = notify_of(str_cut(&value, ','));
		if (one == 0)
			return false;
		*notify |= one;
	}
	return true;
}

/* The code points that RFC 6533 s3 lets be written so: controls, what is
 * special to us, and all beyond ASCII. */
static bool
is_escapable(uint32_t c)
{
	if (c > 0x7e)
		return c <= CODE_POINT_MAX && (c < 0xd800 || c > 0xdfff);
	return (c > 0 && c <= ' ') || c == '+' || c == '=' || c == '\\';
}

/* RFC 6533 s3, by its ABNF in any case */
static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = str_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "\x{HEXPOINT}", its backslash taken. */
static bool
take_escaped(struct str *in)
{
	uint32_t c = 0;
	size_t digits = 0;

	if (!str_take(in, 'x') || !str_take(in, '{'))
		return false;
	while (in->len > 0 && hex_digit(in->at[0]) >= 0 && digits < 6) {
		c = c * 16 + (uint32_t)hex_digit(in->at[0]);
		/* two digits at least, and no zeros before more of them */
		if (digits == 2 && c < 0x100)
			return false;
		*in = str_after(*in, 1);
		digits++;
	}
	return digits >= 2 && str_take(in, '}') && is_escapable(c);
}

/* utf-8-enc-addr */
static bool
is_utf8_address(struct str s, bool utf8)
{
	if (!utf8_valid(s) || (!utf8 && str_has_8bit(s)))
		return false;
	while (s.len > 0) {
		int c = (unsigned char)s.at[0];

		if (c <= ' ' || c == '+' || c == '=' || c == 0x7f)
			return false;
		s = str_after(s, 1);
		if (c == '\\' && !take_escaped(&s))
			return false;
	}
	return true;
}

/* RFC 5322 s3.2.3, without what "=" would make of a parameter */
static bool
is_type(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = str_lower(s.at[i]);

		if ((c < '0' || c > '9') && (c < 'a' || c > 'z') &&
		    (c == '\0' || strchr("!#$%&'*-/?^_`{|}~", c) == NULL))
			return false;
	}
	return s.len > 0;
}

bool
smtp_orcpt_valid(struct str value, bool utf8)
{
	size_t at;
	struct str type;

	if (!str_find(value, ';', &at))
		return false;
	type = str_cut(&value, ';');
	if (!is_type(type) || value.len == 0)
		return false;
	if (str_eq_nocase(type, STR("utf-8")))
		return is_utf8_address(value, utf8);
	return smtp_xtext_is_printable(value);
}
