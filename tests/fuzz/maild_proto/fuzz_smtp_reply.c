/* SPDX-License-Identifier: MIT */
/* Any bytes as replies: the same result whole and in pieces, one clean line. */
#include <assert.h>
#include <string.h>

#include "maild/proto/smtp_reply_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Everything found in the bytes, as text. */
static void
replies(struct str bytes, size_t chunk, struct buf *out)
{
	struct smtp_reply_parse p;
	struct smtp_reply r;

	smtp_reply_init(&p);
	while (bytes.len > 0) {
		struct str piece = str_first(bytes, chunk);

		bytes = str_after(bytes, piece.len);
		while (piece.len > 0) {
			enum smtp_reply_result got = smtp_reply_take(
			    &p, &piece, &r);
			size_t start = out->len;

			assert(p.text.len <= SMTP_REPLY_MAX);
			if (got == SMTP_REPLY_MORE)
				break;
			if (got == SMTP_REPLY_BAD) {
				buf_addf(out, "bad: %s", p.bad);
				smtp_reply_release(&p);
				return;
			}
			assert(r.code >= 200 && r.code <= 559);
			smtp_reply_one_line(&r, out);
			assert(
			    str_is_printable(str_after(buf_str(out), start)));
			buf_add_char(out, '\n');
		}
	}
	smtp_reply_release(&p);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct str bytes = {(const char *)data, len};
	struct buf whole, cut;

	buf_init(&whole, 16 * MB);
	buf_init(&cut, 16 * MB);
	replies(bytes, len > 0 ? len : 1, &whole);
	replies(bytes, 1 + len % 7, &cut);
	assert(str_eq(buf_str(&whole), buf_str(&cut)));
	buf_release(&whole);
	buf_release(&cut);
	return 0;
}
