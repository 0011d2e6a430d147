/* SPDX-License-Identifier: MIT */
/* Pieces cut anywhere decode to the same, as many octets as are counted, and
 * never to more than there were. */
#include <assert.h>

#include "common/mime/cte.h"
#include "common/util/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(struct str text, enum part_encoding encoding, size_t piece)
{
	struct cte_decoder whole, cut, count;
	struct buf a, b;
	uint64_t n;

	buf_init(&a, 1 * MB);
	buf_init(&b, 1 * MB);
	cte_decoder_init(&whole, encoding);
	cte_decoder_init(&cut, encoding);
	cte_decoder_init(&count, encoding);
	cte_decode(&whole, text, &a);
	cte_decode_end(&whole, &a);
	n = cte_count(&count, text) + cte_count_end(&count);
	assert(n == a.len && a.len <= text.len);
	while (text.len > 0) {
		size_t before = b.len;
		struct str now = str_first(text, piece);

		cte_decode(&cut, now, &b);
		assert(b.len - before <= now.len + sizeof(cut.held));
		text = str_after(text, piece);
	}
	cte_decode_end(&cut, &b);
	assert(str_eq(buf_str(&a), buf_str(&b)));
	assert(whole.damaged == cut.damaged && count.damaged == cut.damaged);
	buf_release(&a);
	buf_release(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = {(const char *)data, size};
	size_t piece = size > 0 ? data[0] % 5 + 1 : 1;

	for (int i = PART_PLAIN; i <= PART_UNKNOWN_ENCODING; i++)
		check(text, i, piece);
	return 0;
}
