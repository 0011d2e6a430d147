/* SPDX-License-Identifier: MIT */
/* Noise as packed parts is read or refused; what is read is packed to the same
 * parts; any section number leads to one of them or nowhere.  The first eight
 * octets are numbers of a section. */
#include <assert.h>
#include <string.h>

#include "common/mime/parts.h"
#include "common/util/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
same(const struct part *a, const struct part *b)
{
	return a->kind == b->kind && a->encoding == b->encoding &&
	       a->depth == b->depth && a->header_at == b->header_at &&
	       a->header_len == b->header_len && a->body_at == b->body_at &&
	       a->body_len == b->body_len && a->decoded_len == b->decoded_len &&
	       a->lines == b->lines;
}

static void
check_again(struct str packed)
{
	struct part p, q;
	struct buf again;
	struct str rest;

	buf_init(&again, 1 * MB);
	while (parts_next(&packed, &p)) {
		buf_clear(&again);
		parts_pack(&p, &again);
		rest = buf_str(&again);
		bool read = parts_next(&rest, &q);
		assert(read && rest.len == 0 && same(&p, &q));
	}
	buf_release(&again);
}

static void
check_find(struct str packed, const uint8_t numbers[8])
{
	uint32_t n[8];
	struct part found, inner;

	for (int i = 0; i < 8; i++)
		n[i] = numbers[i] < 200 ? numbers[i] % 4 : numbers[i] - 200u;
	for (size_t i = 0; i <= 8; i++) {
		struct str rest = packed;
		struct part p;
		bool is_one = false;

		if (!parts_find(packed, n, i, &found, &inner))
			continue;
		while (parts_next(&rest, &p))
			is_one |= same(&p, &found);
		assert(is_one);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str packed = {(const char *)data + 8, size - 8};

	if (size < 8 || size > 8 * KB)
		return 0;
	check_again(packed);
	check_find(packed, data);
	return 0;
}
