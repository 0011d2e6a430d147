/* SPDX-License-Identifier: MIT */
#include "smtpd/proto/smtp_param.h"

#include <stdint.h>

struct param {
	struct str keyword;
	struct str value;
	bool has_value;
};

static bool
is_alnum(char c)
{
	return (c >= '0' && c <= '9') ||
	       (str_lower(c) >= 'a' && str_lower(c) <= 'z');
}

static bool
is_keyword(struct str s)
{
	if (s.len == 0 || !is_alnum(s.at[0]))
		return false;
	for (size_t i = 0; i < s.len; i++)
		if (!is_alnum(s.at[i]) && s.at[i] != '-')
			return false;
	return true;
}

/* esmtp-value: printable, no "=", no space (RFC 5321 s4.1.2). */
static bool
is_value(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.at[i] <= ' ' || s.at[i] == 0x7f || s.at[i] == '=')
			return false;
	return s.len > 0;
}

/* 1 one parameter, 0 none left, -1 that is none. */
static int
next(struct str *text, struct param *out)
{
	struct str word;
	size_t equals;

	while (str_take(text, ' '))
		;
	if (text->len == 0)
		return 0;
	word = str_cut(text, ' ');
	*out = (struct param){.has_value = str_find(word, '=', &equals)};
	out->keyword = str_cut(&word, '=');
	out->value = word;
	if (!is_keyword(out->keyword) ||
	    (out->has_value && !is_value(out->value)))
		return -1;
	return 1;
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* xtext (RFC 3461 s4) that stands for printable ASCII only: decoded or not,
 * nothing else could be an address here. */
static bool
is_printable_xtext(struct str s)
{
	while (s.len > 0) {
		int c = (unsigned char)s.at[0];

		if (str_take(&s, '+')) {
			if (s.len < 2 || hex_digit(s.at[0]) < 0 ||
			    hex_digit(s.at[1]) < 0)
				return false;
			c = hex_digit(s.at[0]) * 16 + hex_digit(s.at[1]);
			s = str_after(s, 2);
		} else {
			s = str_after(s, 1);
		}
		if (c < ' ' || c > '~')
			return false;
	}
	return true;
}

/* RFC 1870 s3: 1*20DIGIT; one that no machine can hold is no size. */
static bool
set_size(struct str value, struct smtp_params *p)
{
	return value.len <= 20 && str_to_u64(value, UINT64_MAX, &p->size);
}

static bool
set_body(struct str value, struct smtp_params *p)
{
	p->eight_bit = str_eq_nocase(value, STR("8BITMIME"));
	return p->eight_bit || str_eq_nocase(value, STR("7BIT"));
}

static bool
set_utf8(struct str value, struct smtp_params *p)
{
	(void)value;
	p->utf8 = true;
	return true;
}

static bool
set_auth(struct str value, struct smtp_params *p)
{
	(void)p;
	return is_printable_xtext(value);
}

static const struct law {
	const char *keyword;
	bool has_value;
	bool needs_auth; /* where AUTH is offered */
	bool (*set)(struct str value, struct smtp_params *p);
} laws[] = {
    {"SIZE",     true,  false, set_size},
    {"BODY",     true,  false, set_body},
    {"SMTPUTF8", false, false, set_utf8},
    {"AUTH",     true,  true,  set_auth},
};
#define N_LAWS (sizeof(laws) / sizeof(laws[0]))

enum smtp_params_result
smtp_params_of_mail(struct str text, bool auth, struct smtp_params *out)
{
	bool seen[N_LAWS] = {false};
	struct param p;
	int got;

	*out = (struct smtp_params){0};
	while ((got = next(&text, &p)) == 1) {
		size_t i = 0;

		while (i < N_LAWS &&
		       !str_eq_nocase(p.keyword, str_of(laws[i].keyword)))
			i++;
		if (i == N_LAWS || (laws[i].needs_auth && !auth))
			return SMTP_PARAMS_UNKNOWN;
		if (seen[i] || p.has_value != laws[i].has_value ||
		    !laws[i].set(p.value, out))
			return SMTP_PARAMS_BAD;
		seen[i] = true;
	}
	return got == 0 ? SMTP_PARAMS_OK : SMTP_PARAMS_BAD;
}

enum smtp_params_result
smtp_params_of_rcpt(struct str text)
{
	struct param p;

	switch (next(&text, &p)) {
	case 0:
		return SMTP_PARAMS_OK;
	case 1:
		return SMTP_PARAMS_UNKNOWN;
	default:
		return SMTP_PARAMS_BAD;
	}
}
