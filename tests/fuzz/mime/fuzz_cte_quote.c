/* SPDX-License-Identifier: MIT */
/* Any text in quoted-printable may be sent as 7bit, in lines of at most 76
 * octets (RFC 2045 s6.7), and comes back as it was. */
#include <assert.h>

#include "common/mime/cte.h"
#include "common/util/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = {(const char *)data, size}, rest;
	struct cte_decoder d;
	struct buf quoted, back;

	buf_init(&quoted, 4 * MB);
	buf_init(&back, 4 * MB);
	cte_quote_printable(text, &quoted);
	assert(!quoted.overrun && cte_is_7bit(buf_str(&quoted)));
	for (rest = buf_str(&quoted); rest.len > 0;)
		assert(str_cut(&rest, '\n').len <= 76 + 1);
	cte_decoder_init(&d, PART_QUOTED);
	cte_decode(&d, buf_str(&quoted), &back);
	cte_decode_end(&d, &back);
	assert(!d.damaged && str_eq(buf_str(&back), text));
	buf_release(&quoted);
	buf_release(&back);
	return 0;
}
