/* SPDX-License-Identifier: MIT */
/* Each message is cut whole, then in every piece size down to one octet. */
#include "popd/proto/top.h"

#include "common/util/buf.h"
#include "common/util/mem.h"
#include "tests/test.h"

static const struct {
	const char *message;
	uint64_t lines;
	const char *want;
	bool full; /* the rest is not wanted */
} vectors[] = {
    {"A: b\r\n\r\nx\r\ny\r\n",       0,          "A: b\r\n\r\n",            true },
    {"A: b\r\n\r\nx\r\ny\r\n",       1,          "A: b\r\n\r\nx\r\n",       true },
    {"A: b\r\n\r\nx\r\ny\r\n",       2,          "A: b\r\n\r\nx\r\ny\r\n",  true },
    {"A: b\r\n\r\nx\r\ny\r\n",       3,          "A: b\r\n\r\nx\r\ny\r\n",  false},
    {"A: b\r\n\r\n\r\n\r\ny\r\n",    2,          "A: b\r\n\r\n\r\n\r\n",    true },
    {"\r\nbody\r\n",                 0,          "\r\n",                    true },
    {"\r\nbody\r\nmore",             9,          "\r\nbody\r\nmore",        false},
    {"A: b\r\n",		     0,          "A: b\r\n",                false},
    {"A: b",			 0,          "A: b",                    false},
    {"",			     0,          "",			false},
    {"A\n\nb\r\rc\r\n\r\nd\r\n",     0,          "A\n\nb\r\rc\r\n\r\n",     true },
    {"A: b\r\n\r\r\nx\r\n\r\ny",     0,          "A: b\r\n\r\r\nx\r\n\r\n", true },
    {"A: b\r\n\r\nx\ny\rz\r\nw\r\n", 1,          "A: b\r\n\r\nx\ny\rz\r\n", true },
    {"A: b\r\n\r\nx\r\n",            UINT64_MAX, "A: b\r\n\r\nx\r\n",       false},
};

static void
cut(size_t i, size_t piece)
{
	struct str rest = str_of(vectors[i].message);
	struct buf got;
	struct top t;

	buf_init(&got, 4 * KB);
	buf_add(&got, STR("")); /* nothing yet */
	top_init(&t, vectors[i].lines);
	while (rest.len > 0 && !top_is_full(&t)) {
		buf_add(&got, top_take(&t, str_first(rest, piece)));
		rest = str_after(rest, piece);
	}
	CHECK(str_eq(buf_str(&got), str_of(vectors[i].want)));
	CHECK(top_is_full(&t) == vectors[i].full);
	CHECK(!top_is_full(&t) || top_take(&t, STR("more")).len == 0);
	buf_release(&got);
}

int
main(void)
{
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++)
		for (size_t piece = strlen(vectors[i].message) + 1; piece > 0;
		     piece--)
			cut(i, piece);
	return TEST_EXIT();
}
