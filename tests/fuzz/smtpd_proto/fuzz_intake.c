/* SPDX-License-Identifier: MIT */
/* Any header, in pieces and whole: the same block, the same verdict. */
#include <assert.h>
#include <stdint.h>

#include "common/util/mem.h"
#include "smtpd/proto/intake.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static enum smtp_reply
take(struct str text, size_t chunk, bool submission, struct buf *out)
{
	struct intake_law law = {10, 3, submission};
	struct intake in;
	struct fail why;
	enum smtp_reply r;

	intake_init(&in, 500);
	while (text.len > 0) {
		struct str piece = str_first(text, chunk);

		text = str_after(text, piece.len);
		intake_take(&in, &piece);
		assert(piece.len == 0 || in.complete || in.too_long);
	}
	r = intake_judge(&in, &law, &why);
	buf_add(out, buf_str(&in.block));
	intake_release(&in);
	return r;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct str text = {(const char *)data + 1, len - 1};
	struct buf whole, pieces;
	enum smtp_reply r;

	if (len < 2 || len > 32 * KB)
		return 0;
	buf_init(&whole, MB);
	buf_init(&pieces, MB);
	r = take(text, len, data[0] & 1, &whole);
	assert(take(text, (data[0] >> 1) + 1, data[0] & 1, &pieces) == r);
	assert(str_eq(buf_str(&whole), buf_str(&pieces)));
	assert(r != REPLY_OK || str_starts(text, buf_str(&whole)));
	buf_release(&whole);
	buf_release(&pieces);
	return 0;
}
