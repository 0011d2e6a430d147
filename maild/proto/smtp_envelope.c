/* SPDX-License-Identifier: MIT */
#include "maild/proto/smtp_envelope.h"

#include <assert.h>
#include <inttypes.h>

#include "common/mime/xtext.h"
#include "common/util/utf8.h"

/* Is the octet at `i' fit for a path?  *quoted follows the quotes. */
static bool
fits(struct str s, size_t *i, bool *quoted)
{
	unsigned char c = (unsigned char)s.at[*i];

	if (c < ' ' || c == 0x7f || (c == ' ' && !*quoted))
		return false;
	if (c == '"')
		*quoted = !*quoted;
	else if (c == '\\' && *quoted) {
		/* RFC 5321 s4.1.2 quoted-pairSMTP: what follows is looked at
		 * as an octet, not as a quote */
		if (++*i >= s.len)
			return false;
		c = (unsigned char)s.at[*i];
		return c >= ' ' && c != 0x7f;
	} else if (!*quoted && (c == '<' || c == '>' || c == '\\'))
		return false;
	return true;
}

bool
smtp_envelope_is_address(struct str address)
{
	bool quoted = false;
	size_t at;

	if (address.len > SMTP_ENVELOPE_ADDRESS_MAX ||
	    !str_find_last(address, '@', &at) || at == 0 ||
	    at + 1 == address.len)
		return false;
	for (size_t i = 0; i < address.len; i++) {
		bool before = i < at;

		if (i == at && quoted)
			return false;
		if (!fits(address, &i, &quoted))
			return false;
		if (before && i == at) /* of a quoted pair: no domain's */
			return false;
	}
	return !quoted;
}

void
smtp_envelope_mail(
    struct buf *out, struct str sender, const struct smtp_envelope_params *p)
{
	assert(sender.len == 0 || smtp_envelope_is_address(sender));
	buf_addf(out, "MAIL FROM:<%.*s>", STR_FMT(sender));
	if (p->size)
		buf_addf(out, " SIZE=%" PRIu64, p->octets);
	if (p->binary)
		buf_add(out, STR(" BODY=BINARYMIME"));
	else if (p->eight_bit)
		buf_add(out, STR(" BODY=8BITMIME"));
	if (p->utf8)
		buf_add(out, STR(" SMTPUTF8"));
	if (p->requiretls)
		buf_add(out, STR(" REQUIRETLS"));
	if (p->ret != DSN_RET_UNSAID)
		buf_addf(
		    out, " RET=%s", p->ret == DSN_RET_FULL ? "FULL" : "HDRS");
	if (p->envelope_id.len > 0) {
		buf_add(out, STR(" ENVID="));
		xtext_encode(p->envelope_id, out);
	}
	buf_add(out, STR("\r\n"));
}

/* RFC 3461 s4.1: NEVER stands alone. */
static void
add_notify(struct buf *out, unsigned notify)
{
	static const struct {
		unsigned bit;
		const char *word;
	} words[] = {
	    {DSN_NOTIFY_SUCCESS, "SUCCESS"},
	    {DSN_NOTIFY_FAILURE, "FAILURE"},
	    {DSN_NOTIFY_DELAY,   "DELAY"  },
	};
	const char *before = " NOTIFY=";

	if (notify & DSN_NOTIFY_NEVER) {
		buf_add(out, STR(" NOTIFY=NEVER"));
		return;
	}
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (notify & words[i].bit) {
			buf_addf(out, "%s%s", before, words[i].word);
			before = ",";
		}
}

bool
smtp_envelope_is_original(struct str original)
{
	struct str rest = original, type = str_cut(&rest, ';');

	if (original.len > SMTP_ENVELOPE_ORIGINAL_MAX || type.len == 0 ||
	    rest.len == 0)
		return false;
	for (size_t i = 0; i < type.len; i++)
		if (str_lower(type.at[i]) < 'a' || str_lower(type.at[i]) > 'z')
			if (type.at[i] != '-' &&
			    (type.at[i] < '0' || type.at[i] > '9'))
				return false;
	for (size_t i = 0; i < rest.len; i++) {
		unsigned char c = (unsigned char)rest.at[i];

		if (c <= ' ' || c == '=' || c == 0x7f)
			return false;
	}
	return utf8_valid(rest);
}

/* RFC 6533 s3: utf-8-addr-xtext is right whatever the server offers. */
static void
add_original(struct buf *out, struct str original)
{
	uint32_t code;

	buf_add(out, STR(" ORCPT="));
	while (original.len > 0 && utf8_take(&original, &code))
		if (code < 0x80)
			buf_add_char(out, (char)code);
		else
			buf_addf(out, "\\x{%02X}", (unsigned)code);
}

void
smtp_envelope_rcpt(
    struct buf *out, struct str recipient, unsigned notify, struct str original)
{
	assert(smtp_envelope_is_address(recipient));
	buf_addf(out, "RCPT TO:<%.*s>", STR_FMT(recipient));
	add_notify(out, notify);
	if (smtp_envelope_is_original(original))
		add_original(out, original);
	buf_add(out, STR("\r\n"));
}
