/* SPDX-License-Identifier: MIT */
/* Every octet of a block belongs to one field. */
#include <assert.h>

#include "common/mime/header.h"
#include "common/util/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str message = {(const char *)data, size}, block, body, id;
	struct header_field field;
	struct header_facts facts;
	struct buf out;
	size_t n = 0, octets = 0;

	header_split(message, &block, &body);
	assert(block.len + body.len <= message.len);
	assert(message.len - block.len - body.len <= 2);
	header_survey(block, &facts);
	buf_init(&out, 2 * MB);
	for (struct str rest = block; header_next(&rest, &field); n++) {
		assert(field.whole.at == block.at + octets);
		octets += field.whole.len;
		buf_clear(&out);
		header_unfold(field.value, &out);
		assert(out.len <= field.value.len);
	}
	assert(octets == block.len && n == facts.fields);
	assert(facts.from == header_count(block, STR("From")));
	if (header_message_id(block, &id))
		assert(id.len > 0 && facts.message_id > 0);
	header_is_clean(block);
	buf_release(&out);
	return 0;
}
