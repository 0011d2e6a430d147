/* SPDX-License-Identifier: MIT */
#include "smtpd/proto/smtp_path.h"

#include <string.h>

#define LOCAL_MAX  64  /* RFC 5321 s4.5.3.1.1 */
#define SRS_MAX    200 /* of one that holds a whole address (policy/srs.h) */
#define DOMAIN_MAX 255 /* RFC 5321 s4.5.3.1.2 */
#define LABEL_MAX  63  /* RFC 1035 s2.3.4 */

static bool
is_alnum(char c)
{
	return (c >= '0' && c <= '9') ||
	       (str_lower(c) >= 'a' && str_lower(c) <= 'z');
}

static bool
is_hex(char c)
{
	return (c >= '0' && c <= '9') ||
	       (str_lower(c) >= 'a' && str_lower(c) <= 'f');
}

/* RFC 5322 s3.2.3 */
static bool
is_atext(char c)
{
	return is_alnum(c) ||
	       (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

/* Take one character over 127 in well-formed UTF-8 (RFC 3629 s4). */
static bool
take_utf8(struct str *in)
{
	const unsigned char *b = (const unsigned char *)in->at;
	unsigned char low = 0x80, high = 0xbf; /* of the second octet */
	size_t n;

	if (in->len < 2 || b[0] < 0xc2 || b[0] > 0xf4)
		return false;
	n = b[0] < 0xe0 ? 2 : b[0] < 0xf0 ? 3 : 4;
	if (b[0] == 0xe0)
		low = 0xa0; /* overlong */
	else if (b[0] == 0xed)
		high = 0x9f; /* surrogates */
	else if (b[0] == 0xf0)
		low = 0x90; /* overlong */
	else if (b[0] == 0xf4)
		high = 0x8f; /* over U+10FFFF */
	if (in->len < n || b[1] < low || b[1] > high)
		return false;
	for (size_t i = 2; i < n; i++)
		if (b[i] < 0x80 || b[i] > 0xbf)
			return false;
	*in = str_after(*in, n);
	return true;
}

/* One or more of what `fits', or of UTF-8. */
static bool
take_run(struct str *in, bool (*fits)(char))
{
	size_t before = in->len;

	while (in->len > 0) {
		if ((unsigned char)in->at[0] > 127) {
			if (!take_utf8(in))
				return false;
		} else if (fits(in->at[0])) {
			*in = str_after(*in, 1);
		} else {
			break;
		}
	}
	return in->len < before;
}

/* Dot-string = Atom *("." Atom) */
static bool
take_dot_string(struct str *in)
{
	do {
		if (!take_run(in, is_atext))
			return false;
	} while (str_take(in, '.'));
	return true;
}

/* Quoted-string = DQUOTE *QcontentSMTP DQUOTE, here with at least one. */
static bool
take_quoted_string(struct str *in)
{
	bool some = false;

	if (!str_take(in, '"'))
		return false;
	while (!str_take(in, '"')) {
		if (in->len == 0)
			return false;
		if ((unsigned char)in->at[0] > 127) {
			if (!take_utf8(in))
				return false;
		} else {
			str_take(in, '\\'); /* whatever follows is printable */
			if (in->len == 0 || in->at[0] < ' ' || in->at[0] > '~')
				return false;
			*in = str_after(*in, 1);
		}
		some = true;
	}
	return some;
}

/* Forwarders, we among them, write the sender's address into the local part
 * of one of their own, beyond what the RFC gives it; bounces come to it. */
static size_t
longest(struct str local)
{
	return str_starts_nocase(local, STR("SRS0=")) ||
	               str_starts_nocase(local, STR("SRS1="))
	           ? SRS_MAX
	           : LOCAL_MAX;
}

static bool
take_local(struct str *in, struct str *out)
{
	struct str start = *in;
	bool good = in->len > 0 && in->at[0] == '"' ? take_quoted_string(in)
	                                            : take_dot_string(in);

	*out = str_first(start, start.len - in->len);
	return good && out->len <= longest(*out);
}

static bool
is_ldh(char c)
{
	return is_alnum(c) || c == '-';
}

/* Domain = sub-domain *("." sub-domain) */
static bool
take_domain(struct str *in, struct str *out)
{
	struct str start = *in;

	do {
		struct str label = *in;

		if (!take_run(in, is_ldh))
			return false;
		label.len -= in->len;
		if (label.len > LABEL_MAX || label.at[0] == '-' ||
		    label.at[label.len - 1] == '-')
			return false;
	} while (str_take(in, '.'));
	*out = str_first(start, start.len - in->len);
	return out->len <= DOMAIN_MAX;
}

static bool
is_ipv4(struct str text)
{
	for (int i = 0; i < 4; i++) {
		struct str part = i < 3 ? str_cut(&text, '.') : text;
		uint64_t n;

		if (part.len > 3 || !str_to_u64(part, 255, &n))
			return false;
	}
	return true;
}

/* Groups of at most four hex digits, "::" at most once, perhaps an IPv4
 * address at the end (RFC 5321 s4.1.3). */
static bool
is_ipv6(struct str text)
{
	bool gap = str_take_nocase(&text, STR("::"));
	size_t groups = 0;

	while (text.len > 0) {
		struct str rest = text;
		size_t digits;

		if (is_ipv4(rest)) {
			groups += 2;
			break;
		}
		while (text.len > 0 && is_hex(text.at[0]))
			text = str_after(text, 1);
		digits = rest.len - text.len;
		if (digits == 0 || digits > 4)
			return false;
		groups++;
		if (text.len == 0)
			break;
		if (!str_take(&text, ':'))
			return false;
		if (!str_take(&text, ':')) {
			if (text.len == 0)
				return false;
		} else if (gap) {
			return false;
		} else {
			gap = true;
		}
	}
	return gap ? groups < 8 : groups == 8;
}

static bool
take_literal(struct str *in, struct str *out)
{
	struct str start = *in;
	struct str inside;
	size_t end;

	if (!str_take(in, '[') || !str_find(*in, ']', &end))
		return false;
	inside = str_first(*in, end);
	*in = str_after(*in, end + 1);
	*out = str_first(start, start.len - in->len);
	if (str_take_nocase(&inside, STR("IPv6:")))
		return is_ipv6(inside);
	return is_ipv4(inside);
}

/* A-d-l = At-domain *( "," At-domain ), and its colon (RFC 5321 App. C). */
static bool
take_route(struct str *in)
{
	struct str domain;

	do {
		if (!str_take(in, '@') || !take_domain(in, &domain))
			return false;
	} while (str_take(in, ','));
	return str_take(in, ':');
}

static bool
take_mailbox(struct str *in, enum smtp_path_kind kind, struct smtp_path *out)
{
	struct str start = *in;

	if (!take_local(in, &out->local))
		return false;
	if (str_take(in, '@')) {
		out->literal = in->len > 0 && in->at[0] == '[';
		if (!(out->literal ? take_literal : take_domain)(
			in, &out->domain))
			return false;
	} else if (kind != SMTP_PATH_FORWARD ||
		   !str_eq_nocase(out->local, STR("postmaster"))) {
		return false; /* RFC 5321 s4.1.1.3: nobody else goes without */
	}
	out->spec = str_first(start, start.len - in->len);
	out->utf8 = str_has_8bit(out->spec);
	return true;
}

bool
smtp_path_take(struct str *in, enum smtp_path_kind kind, struct smtp_path *out)
{
	struct str start = *in;

	*out = (struct smtp_path){0};
	if (!str_take(in, '<'))
		return false;
	if (kind == SMTP_PATH_REVERSE && str_take(in, '>'))
		return true;
	if (in->len > 0 && in->at[0] == '@') {
		if (!take_route(in))
			return false;
		out->routed = true;
	}
	return take_mailbox(in, kind, out) && str_take(in, '>') &&
	       start.len - in->len <= SMTP_PATH_MAX;
}

bool
smtp_path_is_host(struct str name)
{
	struct str literal;

	if (name.len == 0 || name.len > DOMAIN_MAX)
		return false;
	if (name.at[0] == '[')
		return take_literal(&name, &literal) && name.len == 0;
	for (size_t i = 0; i < name.len; i++)
		if (!is_ldh(name.at[i]) && name.at[i] != '.' &&
		    name.at[i] != '_')
			return false;
	return true;
}
