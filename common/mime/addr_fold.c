/* SPDX-License-Identifier: MIT */
#include <idn2.h>
#include <stdlib.h>
#include <string.h>

#include "common/mime/addr.h"
#include "common/mime/cfws.h"
#include "common/mime/nfc.h"
#include "common/util/mem.h"
#include "common/util/utf8.h"

#define DOMAIN_MAX 253 /* octets without final dot (RFC 1035 s2.3.4) */
#define LABEL_MAX  63
#define LOCAL_MAX  64 /* octets (RFC 5321 s4.5.3.1.1) */

/* Letters, digits, and hyphens inside (RFC 5321 s4.1.2, sub-domain). */
static bool
is_label(struct str label)
{
	if (label.len == 0 || label.len > LABEL_MAX || label.at[0] == '-' ||
	    label.at[label.len - 1] == '-')
		return false;
	for (size_t i = 0; i < label.len; i++) {
		char c = str_lower(label.at[i]);

		if ((c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-')
			return false;
	}
	return true;
}

static bool
is_number(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.at[i] < '0' || s.at[i] > '9')
			return false;
	return true;
}

/* Labels with dots between, the last one no number: 10.0.0.1 is an address
 * without its brackets (RFC 3696 s2). */
static bool
is_domain(struct str name)
{
	struct str label = name;

	if (name.len == 0 || name.len > DOMAIN_MAX ||
	    name.at[name.len - 1] == '.')
		return false;
	while (name.len > 0) {
		label = str_cut(&name, '.');
		if (!is_label(label))
			return false;
	}
	return !is_number(label);
}

/* Does it have U-labels, or A-labels that want a look? */
static bool
is_international(struct str name)
{
	while (name.len > 0)
		if (str_has_8bit(name) ||
		    str_starts_nocase(str_cut(&name, '.'), STR("xn--")))
			return true;
	return false;
}

/* IDNA 2008, upper case and full-width forms mapped first (UTS 46, not
 * transitional).  NULL if a label is bad; else freed with idn2_free(). */
static char *
to_ascii(struct str name)
{
	char *text = mem_dup(name), *ascii = NULL;

	if (idn2_to_ascii_8z(
		text, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) != IDN2_OK)
		ascii = NULL;
	free(text);
	return ascii;
}

static void
add_lower(struct str s, struct buf *out)
{
	for (size_t i = 0; i < s.len; i++)
		buf_add_char(out, str_lower(s.at[i]));
}

bool
addr_domain_fold(struct str domain, struct buf *out)
{
	char *ascii = NULL;
	size_t nul;
	bool ok;

	if (domain.len >= ADDR_MAX || str_find(domain, '\0', &nul) ||
	    !utf8_valid(domain))
		return false;
	if (is_international(domain)) {
		if ((ascii = to_ascii(domain)) == NULL)
			return false;
		domain = str_of(ascii);
	}
	if (domain.len > 0 && domain.at[domain.len - 1] == '.')
		domain.len--;
	if ((ok = is_domain(domain)))
		add_lower(domain, out);
	idn2_free(ascii);
	return ok;
}

/* RFC 5321 s4.1.2, RFC 6531 s3.3: atoms with dots between. */
static bool
is_dot_string(struct str s)
{
	struct str atom;

	do {
		if (!cfws_atom(&s, &atom))
			return false;
	} while (str_take(&s, '.'));
	return s.len == 0;
}

/* What a quoted string says: no folds here, no controls, something. */
static bool
unquote(struct str s, struct buf *out)
{
	struct str quoted;

	if (!cfws_quoted(&s, &quoted) || s.len > 0 || quoted.len == 2)
		return false;
	for (size_t i = 1; i < quoted.len - 1; i++) {
		if (quoted.at[i] == '\\' && (unsigned char)quoted.at[++i] > 127)
			return false;
		if ((unsigned char)quoted.at[i] < ' ')
			return false;
		buf_add_char(out, quoted.at[i]);
	}
	return true;
}

static void
quote(struct str s, struct buf *out)
{
	buf_add_char(out, '"');
	for (size_t i = 0; i < s.len; i++) {
		if (s.at[i] == '"' || s.at[i] == '\\')
			buf_add_char(out, '\\');
		buf_add_char(out, s.at[i]);
	}
	buf_add_char(out, '"');
}

/* C1 controls are no part of a name that people type. */
static bool
has_control(struct str s)
{
	uint32_t code;

	while (utf8_take(&s, &code))
		if (code >= 0x80 && code < 0xa0)
			return true;
	return false;
}

bool
addr_local_fold(struct str local, struct buf *out)
{
	size_t before = out->len;
	struct buf said, plain;
	bool ok = false;

	buf_init(&said, LOCAL_MAX);
	buf_init(&plain, LOCAL_MAX);
	if (local.len > LOCAL_MAX || !utf8_valid(local))
		goto out;
	if (is_dot_string(local))
		buf_add(&said, local);
	else if (!unquote(local, &said))
		goto out;
	/* RFC 6532 s3.1: the composed form */
	if (!nfc_add(buf_str(&said), &plain) || has_control(buf_str(&plain)))
		goto out;
	buf_clear(&said);
	add_lower(buf_str(&plain), &said);
	if (is_dot_string(buf_str(&said)))
		buf_add(out, buf_str(&said));
	else
		quote(buf_str(&said), out);
	ok = out->len - before <= LOCAL_MAX && !out->overrun;
out:
	if (!ok)
		buf_cut(out, before);
	buf_release(&plain);
	buf_release(&said);
	return ok;
}

bool
addr_fold(struct str spec, struct buf *out)
{
	size_t before = out->len;
	struct str local, domain;

	if (!addr_split(spec, &local, &domain) || !addr_local_fold(local, out))
		return false;
	buf_add_char(out, '@');
	if (!addr_domain_fold(domain, out)) {
		buf_cut(out, before);
		return false;
	}
	return true;
}

struct str
addr_base(struct str folded_local)
{
	size_t plus;

	if (folded_local.len > 0 && folded_local.at[0] != '"' &&
	    str_find(folded_local, '+', &plus) && plus > 0)
		return str_first(folded_local, plus);
	return folded_local;
}
