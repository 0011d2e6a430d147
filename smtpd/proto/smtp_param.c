/* SPDX-License-Identifier: MIT */
#include "smtpd/proto/smtp_param.h"

#include <stdint.h>
#include <string.h>

#include "common/mime/xtext.h"
#include "smtpd/proto/smtp_dsn_param.h"
#include "smtpd/proto/smtp_moment.h"

#define HOLD_DIGITS_MAX 9 /* RFC 4865 s3: future-release-integer */

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

/* esmtp-value: printable, no "=", no space (RFC 5321 s4.1.2); octets over 127
 * where the parameter wants them (RFC 6531 s3.3). */
static bool
is_value(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.at[i] <= ' ' || s.at[i] == 0x7f ||
		    s.at[i] == '=')
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

/* RFC 1870 s3: 1*20DIGIT; one that no machine can hold is no size. */
static bool
set_size(struct str value, struct smtp_params *p)
{
	return value.len <= 20 && str_to_u64(value, UINT64_MAX, &p->size);
}

static bool
set_body(struct str value, struct smtp_params *p)
{
	p->binary = p->may_binary && str_eq_nocase(value, STR("BINARYMIME"));
	p->eight_bit = p->binary || str_eq_nocase(value, STR("8BITMIME"));
	return p->eight_bit || str_eq_nocase(value, STR("7BIT"));
}

static bool
set_utf8(struct str value, struct smtp_params *p)
{
	(void)value;
	p->utf8 = true;
	return true;
}

/* Decoded or not, only printable text could be an address here. */
static bool
set_auth(struct str value, struct smtp_params *p)
{
	(void)p;
	return smtp_xtext_is_printable(value);
}

static bool
set_ret(struct str value, struct smtp_params *p)
{
	p->ret = str_eq_nocase(value, STR("FULL"))   ? DSN_RET_FULL
	         : str_eq_nocase(value, STR("HDRS")) ? DSN_RET_HDRS
	                                             : DSN_RET_UNSAID;
	return p->ret != DSN_RET_UNSAID;
}

static bool
set_envelope_id(struct str value, struct smtp_params *p)
{
	struct buf id;
	bool good;

	buf_init(&id, SMTP_ENVID_MAX);
	good = value.len <= SMTP_ENVID_MAX && xtext_decode(value, &id) &&
	       str_is_printable(buf_str(&id));
	if (good) {
		memcpy(p->envelope_id, id.data, id.len);
		p->envelope_id_len = id.len;
	}
	buf_release(&id);
	return good;
}

static bool
set_require_tls(struct str value, struct smtp_params *p)
{
	(void)value;
	p->require_tls = true;
	return true;
}

static bool
set_hold_for(struct str value, struct smtp_params *p)
{
	return value.len <= HOLD_DIGITS_MAX && value.at[0] != '0' &&
	       str_to_u64(value, UINT64_MAX, &p->hold_for_s);
}

static bool
set_hold_until(struct str value, struct smtp_params *p)
{
	return smtp_moment_parse(value, &p->hold_until_s);
}

static bool
set_notify(struct str value, struct smtp_params *p)
{
	return smtp_notify_parse(value, &p->notify);
}

static bool
set_original(struct str value, struct smtp_params *p)
{
	p->original = value;
	return value.len <= SMTP_ORCPT_MAX && smtp_orcpt_valid(value, p->utf8);
}

struct law {
	const char *keyword;
	bool has_value;
	enum smtp_extension of;
	const char *excludes; /* that must not be there too, or NULL */
	bool (*set)(struct str value, struct smtp_params *p);
};

static const struct law of_mail[] = {
    {"SIZE",       true,  SMTP_EXT_SIZE,          NULL,        set_size       },
    {"BODY",       true,  SMTP_EXT_8BITMIME,      NULL,        set_body       },
    {"SMTPUTF8",   false, SMTP_EXT_SMTPUTF8,      NULL,        set_utf8       },
    {"AUTH",       true,  SMTP_EXT_AUTH,          NULL,        set_auth       },
    {"RET",        true,  SMTP_EXT_DSN,           NULL,        set_ret        },
    {"ENVID",      true,  SMTP_EXT_DSN,           NULL,        set_envelope_id},
    {"REQUIRETLS", false, SMTP_EXT_REQUIRETLS,    NULL,        set_require_tls},
 /* RFC 4865 s4.2: one of the two */
    {"HOLDFOR",    true,  SMTP_EXT_FUTURERELEASE, "HOLDUNTIL", set_hold_for   },
    {"HOLDUNTIL",  true,  SMTP_EXT_FUTURERELEASE, "HOLDFOR",   set_hold_until },
};

static const struct law of_rcpt[] = {
    {"NOTIFY", true, SMTP_EXT_DSN, NULL, set_notify  },
    {"ORCPT",  true, SMTP_EXT_DSN, NULL, set_original},
};

struct laws {
	const struct law *at;
	size_t n;
};

static const struct law *
find(const struct laws *laws, struct str keyword)
{
	for (size_t i = 0; i < laws->n; i++)
		if (str_eq_nocase(keyword, str_of(laws->at[i].keyword)))
			return &laws->at[i];
	return NULL;
}

static bool
is_seen(const struct laws *laws, uint64_t seen, const char *keyword)
{
	return keyword != NULL &&
	       (seen >> (find(laws, str_of(keyword)) - laws->at) & 1) != 0;
}

static enum smtp_params_result
take_all(const struct laws *laws, struct str text, unsigned has,
    struct smtp_params *out)
{
	uint64_t seen = 0; /* a bit for each law */
	struct param p;
	int got;

	while ((got = next(&text, &p)) == 1) {
		const struct law *law = find(laws, p.keyword);

		if (law == NULL || !(has & law->of))
			return SMTP_PARAMS_UNKNOWN;
		if (is_seen(laws, seen, law->keyword) ||
		    is_seen(laws, seen, law->excludes) ||
		    p.has_value != law->has_value || !law->set(p.value, out))
			return SMTP_PARAMS_BAD;
		seen |= (uint64_t)1 << (law - laws->at);
	}
	return got == 0 ? SMTP_PARAMS_OK : SMTP_PARAMS_BAD;
}

enum smtp_params_result
smtp_params_of_mail(struct str text, unsigned has, struct smtp_params *out)
{
	static const struct laws laws = {
	    of_mail, sizeof(of_mail) / sizeof(of_mail[0])};

	*out = (struct smtp_params){
	    .may_binary = (has & SMTP_EXT_BINARYMIME) != 0};
	return take_all(&laws, text, has, out);
}

enum smtp_params_result
smtp_params_of_rcpt(
    struct str text, unsigned has, bool utf8, struct smtp_params *out)
{
	static const struct laws laws = {
	    of_rcpt, sizeof(of_rcpt) / sizeof(of_rcpt[0])};

	*out = (struct smtp_params){.utf8 = utf8};
	return take_all(&laws, text, has, out);
}
