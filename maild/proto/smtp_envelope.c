/* SPDX-License-Identifier: MIT */
#include "maild/proto/smtp_envelope.h"

#include <assert.h>
#include <inttypes.h>

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
		if (i == at && quoted)
			return false;
		if (!fits(address, &i, &quoted))
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
	if (p->eight_bit)
		buf_add(out, STR(" BODY=8BITMIME"));
	if (p->utf8)
		buf_add(out, STR(" SMTPUTF8"));
	buf_add(out, STR("\r\n"));
}

void
smtp_envelope_rcpt(struct buf *out, struct str recipient)
{
	assert(smtp_envelope_is_address(recipient));
	buf_addf(out, "RCPT TO:<%.*s>\r\n", STR_FMT(recipient));
}
