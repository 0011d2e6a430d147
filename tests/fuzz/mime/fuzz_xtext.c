/* SPDX-License-Identifier: MIT */
/* Any octets become xtext and come back (RFC 3461 s4); what is decoded is no
 * longer than it was written. */
#include <assert.h>

#include "common/mime/xtext.h"
#include "common/util/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = {(const char *)data, size};
	struct buf xtext, back;
	size_t at;

	buf_init(&xtext, 4 * MB);
	buf_init(&back, 4 * MB);
	xtext_encode(text, &xtext);
	assert(!xtext.overrun && str_is_printable(buf_str(&xtext)));
	assert(!str_find(buf_str(&xtext), ' ', &at));
	assert(!str_find(buf_str(&xtext), '=', &at));
	bool decoded = xtext_decode(buf_str(&xtext), &back);
	assert(decoded && str_eq(buf_str(&back), text));
	buf_clear(&back);
	if (xtext_decode(text, &back))
		assert(back.len <= text.len && str_is_printable(text));
	else
		assert(back.len == 0);
	buf_release(&xtext);
	buf_release(&back);
	return 0;
}
