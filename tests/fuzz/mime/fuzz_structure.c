/* SPDX-License-Identifier: MIT */
/* A message read in two ways of cutting it is the same; what is said of it is
 * in balance; each part lies in the one around it. */
#include <assert.h>

#include "common/mime/parts.h"
#include "common/mime/structure.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct structure *
read_in(struct str message, size_t piece, const struct structure_result **r)
{
	struct structure *s = structure_new();

	while (message.len > 0) {
		structure_feed(s, str_first(message, piece));
		message = str_after(message, piece);
	}
	*r = structure_finish(s);
	return s;
}

static void
check_parts(struct str packed, size_t size)
{
	struct part p, stack[STRUCTURE_DEPTH_MAX];
	size_t n = 0;

	while (parts_next(&packed, &p)) {
		assert(p.depth < STRUCTURE_DEPTH_MAX && p.depth <= n);
		assert(p.body_at == p.header_at + p.header_len);
		assert(p.body_at + p.body_len <= size);
		assert(p.lines <= p.body_len);
		if (p.kind == PART_TEXT || p.kind == PART_OTHER)
			assert(p.decoded_len <= p.body_len);
		if (p.depth > 0) {
			const struct part *up = &stack[p.depth - 1];

			assert(up->kind >= PART_MULTIPART);
			assert(p.header_at >= up->body_at);
			assert(p.body_at + p.body_len <=
			       up->body_at + up->body_len);
		}
		stack[p.depth] = p;
		n = p.depth + 1;
	}
	assert(packed.len == 0 && n > 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str message = {(const char *)data, size};
	const struct structure_result *a, *b;
	struct structure *whole, *cut;
	struct buf body;
	size_t piece = size > 0 ? data[size - 1] % 7 + 1 : 1;

	whole = read_in(message, size + 1, &a);
	cut = read_in(message, piece, &b);
	assert(str_eq(a->envelope, b->envelope));
	assert(str_eq(a->body_structure, b->body_structure));
	assert(str_eq(a->parts, b->parts));
	assert(str_eq(a->refs, b->refs));
	assert(str_eq(a->preview, b->preview));
	assert(a->has_sent == b->has_sent && a->sent_s == b->sent_s);
	check_parts(a->parts, size);
	buf_init(&body, 16 * MB);
	structure_strip(a->body_structure, &body);
	assert(body.len > 2 && body.data[body.len - 1] == ')');
	buf_release(&body);
	structure_free(whole);
	structure_free(cut);
	return 0;
}
