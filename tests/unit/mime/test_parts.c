/* SPDX-License-Identifier: MIT */
#include "common/mime/parts.h"

#include "common/util/mem.h"
#include "tests/test.h"

static void
check_pack(void)
{
	static const struct part vectors[] = {
	    {.kind = PART_TEXT},
	    { PART_OTHER,     PART_BASE64,           3,  10,         20,  30,  400,        300, 7},
	    {		PART_MULTIPART, PART_PLAIN,            99, 0,          127, 127, 128,        128, 0},
	    {		PART_MESSAGE,   PART_UNKNOWN_ENCODING, 1,  1ULL << 40, 5,
             (1ULL << 40) + 5,								     1ULL << 41, 1ULL << 41, UINT32_MAX},
	};
	struct buf packed;
	struct part p;
	struct str rest;
	size_t n = 0;

	buf_init(&packed, 1 * KB);
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++)
		parts_pack(&vectors[i], &packed);
	rest = buf_str(&packed);
	while (parts_next(&rest, &p)) {
		const struct part *want = &vectors[n++];

		CHECK(p.kind == want->kind && p.encoding == want->encoding);
		CHECK(p.depth == want->depth && p.lines == want->lines);
		CHECK(p.header_at == want->header_at);
		CHECK(p.header_len == want->header_len);
		CHECK(p.body_at == want->body_at);
		CHECK(p.body_len == want->body_len);
		CHECK(p.decoded_len == want->decoded_len);
	}
	CHECK(n == 4 && rest.len == 0);
	/* cut anywhere it is no part */
	for (size_t len = 0; len < packed.len; len++) {
		rest = str_first(buf_str(&packed), len);
		while (parts_next(&rest, &p))
			continue;
		CHECK(rest.len == 0 || !parts_next(&rest, &p));
	}
	rest = STR("\xff\0\0\0\0\0\0\0");
	CHECK(!parts_next(&rest, &p));
	rest = STR("\0\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\0\0\0");
	CHECK(!parts_next(&rest, &p));
	buf_release(&packed);
}

/* RFC 9051 s6.4.5's example, header_at telling the parts apart:
 * 1 TEXT, 2 APPLICATION, 3 MESSAGE (3.1 TEXT, 3.2 APPLICATION),
 * 4 MULTIPART (4.1 IMAGE, 4.2 MESSAGE (4.2.1 TEXT, 4.2.2 MULTIPART
 * (4.2.2.1, 4.2.2.2))) */
static const struct part tree[] = {
    {.kind = PART_MULTIPART, .depth = 0 },
    { .kind = PART_TEXT,      .depth = 1,       .header_at = 1, .body_at = 1},
    { .kind = PART_OTHER,     .depth = 1,       .header_at = 2, .body_at = 2},
    { .kind = PART_MESSAGE,   .depth = 1,       .header_at = 3, .body_at = 3},
    { .kind = PART_MULTIPART, .depth = 2,     .header_at = 30, .body_at = 30},
    { .kind = PART_TEXT,      .depth = 3,     .header_at = 31, .body_at = 31},
    { .kind = PART_OTHER,     .depth = 3,     .header_at = 32, .body_at = 32},
    { .kind = PART_MULTIPART, .depth = 1,       .header_at = 4, .body_at = 4},
    { .kind = PART_OTHER,     .depth = 2,     .header_at = 41, .body_at = 41},
    { .kind = PART_MESSAGE,   .depth = 2,     .header_at = 42, .body_at = 42},
    { .kind = PART_MULTIPART, .depth = 3,   .header_at = 420, .body_at = 420},
    { .kind = PART_TEXT,      .depth = 4,   .header_at = 421, .body_at = 421},
    { .kind = PART_MULTIPART, .depth = 4,   .header_at = 422, .body_at = 422},
    { .kind = PART_TEXT,      .depth = 5, .header_at = 4221, .body_at = 4221},
    { .kind = PART_TEXT,      .depth = 5, .header_at = 4222, .body_at = 4222},
};
static const struct part text_only[] = {{.kind = PART_TEXT}};
static const struct part forward[] = {
  /* message/rfc822 at the top */
    {.kind = PART_MESSAGE},
    { .kind = PART_TEXT, .depth = 1, .header_at = 11, .body_at = 11},
};

struct find_vector {
	uint32_t numbers[5];
	size_t n;
	bool found;
	uint64_t at, inner_at; /* 0: there is none */
};

static void
check_find(const struct part *parts, size_t n_parts,
    const struct find_vector *vectors, size_t n)
{
	struct buf packed;

	buf_init(&packed, 1 * KB);
	for (size_t i = 0; i < n_parts; i++)
		parts_pack(&parts[i], &packed);
	for (size_t i = 0; i < n; i++) {
		const struct find_vector *v = &vectors[i];
		struct part p = {0}, inner = {0};
		bool found = parts_find(
		    buf_str(&packed), v->numbers, v->n, &p, &inner);

		CHECK(found == v->found);
		if (found)
			CHECK(p.header_at == v->at);
		CHECK(inner.header_at == v->inner_at);
	}
	buf_release(&packed);
}

#define N(a) (sizeof(a) / sizeof((a)[0]))

int
main(void)
{
	static const struct find_vector in_tree[] = {
	    {{0},             0, true,  0,    0  },
	    {{1},             1, true,  1,    0  },
	    {{2},             1, true,  2,    0  },
	    {{3},             1, true,  3,    30 },
	    {{3, 1},          2, true,  31,   0  },
	    {{3, 2},          2, true,  32,   0  },
	    {{4},             1, true,  4,    0  },
	    {{4, 1},          2, true,  41,   0  },
	    {{4, 2},          2, true,  42,   420},
	    {{4, 2, 1},       3, true,  421,  0  },
	    {{4, 2, 2},       3, true,  422,  0  },
	    {{4, 2, 2, 1},    4, true,  4221, 0  },
	    {{4, 2, 2, 2},    4, true,  4222, 0  },
	    {{5},             1, false, 0,    0  },
	    {{0},             1, false, 0,    0  },
	    {{1, 1},          2, false, 0,    0  },
	    {{3, 3},          2, false, 0,    0  },
	    {{4, 2, 2, 3},    4, false, 0,    0  },
	    {{4, 2, 2, 1, 1}, 5, false, 0,    0  },
	};
	static const struct find_vector in_text[] = {
	    {{1},    1, true,  0, 0},
	    {{2},    1, false, 0, 0},
	    {{1, 1}, 2, false, 0, 0},
	};
	static const struct find_vector in_forward[] = {
	    {{0},       0, true,  0,  11},
	    {{1},       1, true,  0,  11},
	    {{1, 1},    2, true,  11, 0 },
	    {{1, 2},    2, false, 0,  0 },
	    {{1, 1, 1}, 3, false, 0,  0 },
	};

	/* what is damaged has no parts, or a message without its inside */
	static const struct part no_inside[] = {
	    {.kind = PART_MULTIPART},
            { .kind = PART_MESSAGE,            .depth = 1}
        };
	static const struct find_vector in_nothing[] = {
	    {{0}, 0, false, 0, 0},
	    {{1}, 1, false, 0, 0},
	};
	static const struct find_vector in_no_inside[] = {
	    {{0},    0, true,  0, 0},
	    {{1},    1, false, 0, 0},
	    {{1, 1}, 2, false, 0, 0},
	};

	check_find(NULL, 0, in_nothing, N(in_nothing));
	check_find(no_inside, 2, in_no_inside, N(in_no_inside));
	check_pack();
	check_find(tree, N(tree), in_tree, N(in_tree));
	check_find(text_only, 1, in_text, N(in_text));
	check_find(forward, N(forward), in_forward, N(in_forward));
	return TEST_EXIT();
}
