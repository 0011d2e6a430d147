/* SPDX-License-Identifier: MIT */
/* What decodes is the only text of what it says. */
#include <assert.h>

#include "common/util/enc.h"
#include "common/util/mem.h"
#include "common/util/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = {(const char *)data, size};
	struct buf plain, again;

	buf_init(&plain, 4 * MB);
	buf_init(&again, 4 * MB);
	if (enc_base64_decode(text, &plain)) {
		enc_base64(buf_str(&plain), &again);
		assert(str_eq(buf_str(&again), text));
	} else
		assert(plain.len == 0);
	buf_clear(&plain);
	buf_clear(&again);
	if (enc_hex_decode(text, &plain)) {
		enc_hex(buf_str(&plain), &again);
		assert(str_eq_nocase(buf_str(&again), text));
	} else
		assert(plain.len == 0);
	if (utf8_valid(text))
		for (size_t n = 0; n <= size && n < 64; n++)
			assert(utf8_valid(utf8_first(text, n)));
	buf_release(&plain);
	buf_release(&again);
	return 0;
}
