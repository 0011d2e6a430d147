/* SPDX-License-Identifier: MIT */
/* A body hashes the same in whatever pieces it comes, relaxing what is relaxed
 * changes nothing, and fields likewise. */
#include <assert.h>
#include <string.h>

#include "common/policy/canon.h"
#include "common/policy/dkim_fields.h"
#include "common/util/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
hash(struct str body, size_t piece, uint64_t octets, uint8_t out[4][32],
    uint64_t length[2])
{
	struct body_hashes *h = body_hashes_new();
	size_t at[4];

	for (int i = 0; i < 4; i++) {
		bool room = body_hashes_want(
		    h, i % 2, i < 2 ? BODY_HASH_ALL : octets, &at[i]);

		assert(room);
	}
	for (; body.len > 0; body = str_after(body, piece))
		body_hashes_feed(h, str_first(body, piece));
	body_hashes_end(h);
	for (int i = 0; i < 4; i++) {
		memcpy(out[i], body_hashes_get(h, at[i]), 32);
		length[i % 2] = body_hashes_length(h, at[i]);
	}
	body_hashes_free(h);
}

static void
bodies(struct str body, size_t piece)
{
	uint8_t whole[4][32], cut[4][32];
	uint64_t a[2], b[2];

	hash(body, SIZE_MAX, piece, whole, a);
	hash(body, piece, piece, cut, b);
	assert(memcmp(whole, cut, sizeof(whole)) == 0);
	assert(a[0] == b[0] && a[1] == b[1]);
	assert(a[CANON_RELAXED] <= a[CANON_SIMPLE]);
	assert(a[CANON_SIMPLE] <= body.len + 2);
}

static void
field(struct str text)
{
	struct buf once, twice;

	buf_init(&once, 1 * MB);
	buf_init(&twice, 1 * MB);
	canon_field(CANON_RELAXED, text, &once);
	assert(!once.overrun && once.len <= text.len + 2);
	canon_field(CANON_RELAXED, buf_str(&once), &twice);
	/* a CR before a CRLF that went away finds the next LF */
	assert(memchr(once.data, '\r', once.len - 2) != NULL ||
	       str_eq(buf_str(&once), buf_str(&twice)));
	buf_release(&twice);
	buf_release(&once);
}

static void
fields(struct str names, struct str block)
{
	struct dkim_fields *f = dkim_fields_new(block);
	struct buf out;

	buf_init(&out, 4 * block.len + 1 * KB);
	dkim_fields_add(f, CANON_SIMPLE, names, STR(""), &out);
	assert(!out.overrun); /* each field once at most */
	dkim_fields_free(f);
	buf_release(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str all = {(const char *)data, size}, head;

	if (size < 2 || size > 100 * KB)
		return 0;
	bodies(str_after(all, 1), 1 + data[0]);
	field(str_after(all, 1));
	head = str_cut(&all, '\0');
	fields(head, all);
	return 0;
}
