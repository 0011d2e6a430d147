/* SPDX-License-Identifier: MIT */
/* Composed once is composed for good. */
#include <assert.h>

#include "common/mime/nfc.h"
#include "common/util/mem.h"
#include "common/util/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = {(const char *)data, size};
	struct buf once, twice;

	buf_init(&once, 4 * MB);
	buf_init(&twice, 4 * MB);
	if (nfc_add(text, &once)) {
		assert(utf8_valid(text) && utf8_valid(buf_str(&once)));
		bool composed = nfc_add(buf_str(&once), &twice);
		assert(composed && str_eq(buf_str(&once), buf_str(&twice)));
		assert(str_has_8bit(text) || str_eq(text, buf_str(&once)));
	} else {
		assert(once.len == 0 && !utf8_valid(text));
	}
	buf_release(&once);
	buf_release(&twice);
	return 0;
}
