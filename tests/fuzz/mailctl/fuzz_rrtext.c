/* SPDX-License-Identifier: MIT */
/* "TYPE", LF, a record as people write it: what is taken is the same when it
 * is given as octets (RFC 3597 s5). */
#include <assert.h>

#include "common/util/enc.h"
#include "common/util/mem.h"
#include "mailctl/rrtext.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = {(const char *)data, size};
	struct str name = str_cut(&text, '\n');
	struct buf rdata, generic, again;
	uint16_t type;

	if (size > 32 * KB || !rrtext_type(name, &type))
		return 0;
	assert(rrtext_form(type)[0] != '\0');
	buf_init(&rdata, 64 * KB);
	buf_init(&generic, 256 * KB);
	buf_init(&again, 64 * KB);
	if (rrtext_read(type, text, &rdata) && !rdata.overrun) {
		assert(rdata.len <= UINT16_MAX);
		buf_addf(&generic, "\\# %zu ", rdata.len);
		enc_hex(buf_str(&rdata), &generic);
		bool good = rrtext_read(type, buf_str(&generic), &again);
		assert(good && str_eq(buf_str(&rdata), buf_str(&again)));
	}
	buf_release(&rdata);
	buf_release(&generic);
	buf_release(&again);
	return 0;
}
