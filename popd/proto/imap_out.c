/* SPDX-License-Identifier: MIT */
#include "popd/proto/imap_out.h"

#include "common/mime/date.h"
#include "common/mime/mutf7.h"
#include "common/util/enc.h"
#include "common/util/utf8.h"
#include "popd/proto/imap_chars.h"

static bool
may_be_quoted(struct str s, bool utf8)
{
	bool high = false;

	for (size_t i = 0; i < s.len; i++) {
		if (s.at[i] == '\r' || s.at[i] == '\n' || s.at[i] == '\0')
			return false;
		high |= (unsigned char)s.at[i] > 127;
	}
	return !high || (utf8 && utf8_valid(s));
}

void
imap_out_string(struct buf *out, struct str s, bool utf8)
{
	if (!may_be_quoted(s, utf8)) {
		buf_addf(out, "{%zu}\r\n", s.len);
		buf_add(out, s);
		return;
	}
	buf_add_char(out, '"');
	for (size_t i = 0; i < s.len; i++) {
		if (s.at[i] == '"' || s.at[i] == '\\')
			buf_add_char(out, '\\');
		buf_add_char(out, s.at[i]);
	}
	buf_add_char(out, '"');
}

void
imap_out_astring(struct buf *out, struct str s, bool utf8)
{
	bool atom = s.len > 0 && !str_eq_nocase(s, STR("NIL"));

	for (size_t i = 0; atom && i < s.len; i++)
		atom = imap_is_astring_char(s.at[i]);
	if (atom)
		buf_add(out, s);
	else
		imap_out_string(out, s, utf8);
}

void
imap_out_mailbox(struct buf *out, struct str name, bool utf8)
{
	struct buf wire;

	if (utf8 || !str_has_8bit(name)) {
		size_t amp;

		if (utf8 || !str_find(name, '&', &amp)) {
			imap_out_astring(out, name, utf8);
			return;
		}
	}
	buf_init(&wire, 8 * name.len + 16);
	mutf7_encode(name, &wire);
	imap_out_astring(out, buf_str(&wire), false);
	buf_release(&wire);
}

void
imap_out_number(struct buf *out, uint64_t n)
{
	char digits[20];
	size_t at = sizeof(digits);

	do
		digits[--at] = (char)('0' + n % 10);
	while ((n /= 10) > 0);
	buf_add(out, (struct str){digits + at, sizeof(digits) - at});
}

static void
add_flag(struct buf *out, bool *first, const char *name)
{
	if (!*first)
		buf_add_char(out, ' ');
	buf_add(out, str_of(name));
	*first = false;
}

void
imap_out_flags(
    struct buf *out, uint64_t flags, const struct mirror *m, bool recent)
{
	static const char *const names[] = {
	    "\\Seen", "\\Answered", "\\Flagged", "\\Deleted", "\\Draft"};
	bool first = true;

	for (unsigned bit = 0; bit < 5; bit++)
		if (flags >> bit & 1)
			add_flag(out, &first, names[bit]);
	for (unsigned bit = 8; bit < 64; bit++) {
		const char *name = (flags >> bit & 1) && m != NULL
		                       ? mirror_keyword(m, bit)
		                       : NULL;

		if (name != NULL)
			add_flag(out, &first, name);
	}
	if (recent)
		add_flag(out, &first, "\\Recent");
}

void
imap_out_date_time(struct buf *out, int64_t unix_s)
{
	char text[DATE_TEXT_MAX]; /* "Sun, 22 Nov 2026 10:00:00 +0000" */
	const char *t = date_text(unix_s, text);

	buf_addf(out, "\"%c%c-%.3s-%.19s\"", t[5] == '0' ? ' ' : t[5], t[6],
	    t + 8, t + 12);
}

void
imap_out_objectid(struct buf *out, char kind, uint64_t id)
{
	buf_add_char(out, kind);
	enc_base32(id, 1, out);
}
