/* SPDX-License-Identifier: MIT */
#include "smtpd/proto/smtp_reply.h"

#include <assert.h>

static const struct row {
	int code;
	const char *enhanced; /* empty: none */
	unsigned flags;
	const char *text;
} rows[] = {
#define R(name, code, enhanced, flags, text) {code, enhanced, flags, text},
    SMTP_REPLIES(R)
#undef R
};

static const struct row *
row_of(enum smtp_reply r)
{
	assert((size_t)r < sizeof(rows) / sizeof(rows[0]));
	return &rows[r];
}

int
smtp_reply_code(enum smtp_reply r)
{
	return row_of(r)->code;
}

unsigned
smtp_reply_flags(enum smtp_reply r)
{
	return row_of(r)->flags;
}

static void
add_codes(struct buf *out, const struct row *row, char separator)
{
	buf_addf(out, "%d%c", row->code, separator);
	if (row->enhanced[0] != '\0')
		buf_addf(out, "%s ", row->enhanced);
}

static void
add_text(struct buf *out, const struct row *row, struct str arg)
{
	struct str text = str_of(row->text);
	size_t at;

	if (!str_find(text, '%', &at)) {
		buf_add(out, text);
		return;
	}
	buf_add(out, str_first(text, at));
	buf_add(out, arg);
	buf_add(out, str_after(text, at + 1));
}

void
smtp_reply_add(struct buf *out, enum smtp_reply r, struct str arg)
{
	const struct row *row = row_of(r);

	add_codes(out, row, ' ');
	add_text(out, row, arg);
	buf_add(out, STR("\r\n"));
}

void
smtp_reply_add_line(
    struct buf *out, enum smtp_reply r, struct str line, bool more)
{
	const struct row *row = row_of(r);

	add_codes(out, row, more ? '-' : ' ');
	add_text(out, row, line);
	buf_add(out, STR("\r\n"));
}

void
smtp_reply_describe(struct buf *out, enum smtp_reply r)
{
	const struct row *row = row_of(r);

	add_codes(out, row, ' ');
	add_text(out, row, STR(""));
}
