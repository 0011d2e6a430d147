/* SPDX-License-Identifier: MIT */
#include "common/mime/parts.h"

#include <assert.h>

#define KIND_BITS 2
#define MORE      0x80 /* of an octet of a number: not its last */

/* Flags in the first octet, above kind and encoding. */
enum {
	DECODED = 1 << 4,
	FIRST_MAX = (1 << 5) - 1
};

static void
pack_number(uint64_t n, struct buf *out)
{
	while (n >= MORE) {
		buf_add_char(out, (char)(unsigned char)(n | MORE));
		n >>= 7;
	}
	buf_add_char(out, (char)n);
}

static bool
take_number(struct str *s, uint64_t max, uint64_t *out)
{
	uint64_t n = 0;

	for (unsigned shift = 0; s->len > 0 && shift < 63; shift += 7) {
		unsigned char c = (unsigned char)s->at[0];

		*s = str_after(*s, 1);
		n |= (uint64_t)(c & (MORE - 1)) << shift;
		if ((c & MORE) == 0) {
			*out = n;
			return n <= max;
		}
	}
	return false;
}

void
parts_pack(const struct part *p, struct buf *out)
{
	bool decoded = p->decoded_len != p->body_len;

	assert(p->body_at >= p->header_at);
	buf_add_char(out, (char)(p->kind | p->encoding << KIND_BITS |
				 (decoded ? DECODED : 0)));
	pack_number(p->depth, out);
	pack_number(p->header_at, out);
	pack_number(p->header_len, out);
	pack_number(p->body_at - p->header_at, out);
	pack_number(p->body_len, out);
	if (decoded)
		pack_number(p->decoded_len, out);
	pack_number(p->lines, out);
}

bool
parts_next(struct str *packed, struct part *out)
{
	struct str s = *packed;
	uint64_t depth, lines, ahead;
	unsigned first;

	if (s.len == 0)
		return false;
	first = (unsigned char)s.at[0];
	s = str_after(s, 1);
	*out = (struct part){
	    .kind = first & 3,
	    .encoding = first >> KIND_BITS & 3,
	};
	if (first > FIRST_MAX || !take_number(&s, UINT32_MAX, &depth) ||
	    !take_number(&s, INT64_MAX / 4, &out->header_at) ||
	    !take_number(&s, INT64_MAX / 4, &out->header_len) ||
	    !take_number(&s, INT64_MAX / 4, &ahead) ||
	    !take_number(&s, INT64_MAX / 4, &out->body_len))
		return false;
	out->decoded_len = out->body_len;
	if (((first & DECODED) != 0 &&
		!take_number(&s, INT64_MAX, &out->decoded_len)) ||
	    !take_number(&s, UINT32_MAX, &lines))
		return false;
	out->depth = (unsigned)depth;
	out->body_at = out->header_at + ahead;
	out->lines = (uint32_t)lines;
	*packed = s;
	return true;
}

/* The n-th part (from 1) that is in the one before *rest, whose depth is
 * `depth'; *rest is then what follows it. */
static bool
child(struct str *rest, unsigned depth, uint32_t n, struct part *out)
{
	while (n > 0 && parts_next(rest, out) && out->depth > depth)
		if (out->depth == depth + 1 && --n == 0)
			return true;
	return false;
}

/* What number n means in a message: a part of its multipart, or its only
 * body. */
static bool
in_message(struct str *rest, uint32_t n, struct part *p)
{
	if (p->kind == PART_MULTIPART)
		return child(rest, p->depth, n, p);
	return n == 1;
}

bool
parts_find(struct str packed, const uint32_t *numbers, size_t n,
    struct part *out, struct part *inner)
{
	struct part p;

	if (!parts_next(&packed, &p))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (i == 0) {
			if (!in_message(&packed, numbers[i], &p))
				return false;
		} else if (p.kind == PART_MULTIPART) {
			if (!child(&packed, p.depth, numbers[i], &p))
				return false;
		} else if (p.kind != PART_MESSAGE ||
			   !child(&packed, p.depth, 1, &p) ||
			   !in_message(&packed, numbers[i], &p)) {
			return false;
		}
	}
	*out = p;
	if (p.kind == PART_MESSAGE && !child(&packed, p.depth, 1, inner))
		return false;
	return true;
}
