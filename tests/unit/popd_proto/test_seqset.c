/* SPDX-License-Identifier: MIT */
#include "popd/proto/seqset.h"

#include <stdlib.h>

#include "common/util/mem.h"
#include "tests/test.h"

#define UNIVERSE 64 /* numbers of the model, from 1 */

static const char *
written(const struct seqset *s, struct buf *out)
{
	buf_clear(out);
	seqset_write(s, out);
	return out->len > 0 ? out->data : "";
}

static void
test_take(void)
{
	static const struct {
		const char *in;
		int result;
		const char *set, *rest;
	} vectors[] = {
	    {"1",		    1,  "1",            ""                    },
	    {"1,2",                  1,  "1:2",          ""                    },
	    {"3,1,2 x",              1,  "1:3",          " x"                  },
	    {"4:2",                  1,  "2:4",          ""                    },
	    {"2:4,3:7,9",            1,  "2:7,9",        ""                    },
	    {"*",		    1,  "*",            ""                    },
	    {"*:*",                  1,  "*",            ""                    },
	    {"*:10)",                1,  "10:*",         ")"                   },
	    {"10:*,3",               1,  "3,10:*",       ""                    },
	    {"4294967295",           1,  "4294967294",   ""                    },
	    {"1:4294967295",         1,  "1:4294967294", ""                    },
	    {"4294967295:*",         1,  "4294967294:*", ""                    },
	    {"$",		    1,  "",             ""                    },
	    {"$ x",                  1,  "",             " x"                  },
	    {"",		     0,  "",             ""                    },
	    {"x",		    0,  "",             "x"                   },
	    {",1",		   0,  "",             ",1"                  },
	    {":1",		   0,  "",             ":1"                  },
	    {" 1",		   0,  "",             " 1"                  },
	    {"-1",		   0,  "",             "-1"                  },
	    {"0",		    -1, "",             "0"                   },
	    {"01",		   -1, "",             "01"                  },
	    {"1:0",                  -1, "",             "1:0"                 },
	    {"1,",		   -1, "",             "1,"                  },
	    {"1,,2",                 -1, "",             "1,,2"                },
	    {"1:",		   -1, "",             "1:"                  },
	    {"1:2:3",                -1, "",             "1:2:3"               },
	    {"4294967296",           -1, "",             "4294967296"          },
	    {"18446744073709551617", -1, "",             "18446744073709551617"},
	    {"1,$",                  -1, "",             "1,$"                 },
	    {"$,1",                  -1, "",             "$,1"                 },
	};
	struct buf out;

	buf_init(&out, 1 * KB);
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		struct seqset s = {.ranges = NULL};
		struct str in = str_of(vectors[i].in);

		CHECK(seqset_take(&in, &s) == vectors[i].result);
		CHECK_STR(written(&s, &out), vectors[i].set);
		CHECK(str_eq(in, str_of(vectors[i].rest)));
		CHECK(s.saved ==
		      (vectors[i].result == 1 && vectors[i].in[0] == '$'));
		seqset_release(&s);
	}
	buf_release(&out);
}

/* It adds to what is there. */
static void
test_take_more(void)
{
	struct seqset s = {.ranges = NULL};
	struct str in = STR("5:7"), bad = STR("1,9:");
	struct buf out;

	buf_init(&out, 1 * KB);
	seqset_add(&s, 3, 3);
	CHECK(seqset_take(&in, &s) == 1);
	CHECK_STR(written(&s, &out), "3,5:7");
	CHECK(seqset_take(&bad, &s) == -1);
	CHECK_STR(written(&s, &out), "3,5:7");
	seqset_clear(&s);
	CHECK(s.n == 0 && seqset_count(&s) == 0);
	seqset_release(&s);
	buf_release(&out);
}

static void
test_resolve(void)
{
	static const struct {
		const char *in;
		uint32_t highest;
		const char *set;
	} vectors[] = {
	    {"*",              7,              "7"           },
	    {"10:*",           20,             "10:20"       },
	    {"10:*",           3,              "3:10"        },
	    {"10:*",           10,             "10"          },
	    {"5:7,10:*",       6,              "5:10"        },
	    {"5:7,10:*",       8,              "5:10"        },
	    {"1:4,10:*",       6,              "1:4,6:10"    },
	    {"4294967295:*",   6,              "6:4294967294"},
	    {"1:4294967295",   6,              "1:4294967294"},
	    {"1:4294967295,*", 6,              "1:6"         },
	    {"1,3",            2,              "1,3"         },
	    {"*",              0,              ""            },
	    {"1,10:*",         0,              ""            },
	    {"1:*",            UINT32_MAX - 1, "1:4294967294"},
	};
	struct buf out;

	buf_init(&out, 1 * KB);
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		struct seqset s = {.ranges = NULL};
		struct str in = str_of(vectors[i].in);

		CHECK(seqset_take(&in, &s) == 1);
		seqset_resolve(&s, vectors[i].highest);
		CHECK_STR(written(&s, &out), vectors[i].set);
		seqset_release(&s);
	}
	buf_release(&out);
}

/* ATTACKS A136: a hundred thousand ranges are taken in an instant, also where
 * they come in the worst order; one more is not. */
static void
test_many_ranges(void)
{
	struct seqset s = {.ranges = NULL};
	struct buf text;
	struct str in;

	buf_init(&text, 4 * MB);
	for (uint32_t i = SEQSET_RANGES; i > 0; i--)
		buf_addf(&text, "%u%s", i * 2, i > 1 ? "," : "");
	in = buf_str(&text);
	CHECK(seqset_take(&in, &s) == 1);
	CHECK(s.n == SEQSET_RANGES && seqset_count(&s) == SEQSET_RANGES);
	CHECK(seqset_has(&s, 2) && !seqset_has(&s, 3));
	CHECK(seqset_at(&s, SEQSET_RANGES - 1) == SEQSET_RANGES * 2);
	seqset_clear(&s);
	buf_add(&text, STR(",1"));
	in = buf_str(&text);
	CHECK(seqset_take(&in, &s) == -1 && s.n == 0);
	buf_clear(&text);
	for (int i = 0; i < 100000; i++)
		buf_add(&text, STR("1,"));
	buf_add(&text, STR("1"));
	in = str_after(buf_str(&text), 2);
	CHECK(seqset_take(&in, &s) == 1 && s.n == 1);
	seqset_release(&s);
	buf_release(&text);
}

/* ---- against a model ---- */

static uint32_t
next_random(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

static bool
same(const struct seqset *s, const bool *model)
{
	uint64_t n = 0;
	uint32_t from;

	for (size_t i = 0; i < s->n; i++)
		if (s->ranges[i].low > s->ranges[i].high ||
		    (i > 0 && s->ranges[i].low <= s->ranges[i - 1].high + 1))
			return false;
	for (uint32_t i = 1; i <= UNIVERSE; i++) {
		if (seqset_has(s, i) != model[i])
			return false;
		if (model[i] && seqset_at(s, n++) != i)
			return false;
		if (model[i] && (!seqset_from(s, i, &from) || from != i))
			return false;
	}
	for (uint32_t i = 1, next; i <= UNIVERSE; i++) {
		for (next = i; next <= UNIVERSE && !model[next]; next++)
			;
		if (seqset_from(s, i, &from) != (next <= UNIVERSE) ||
		    (next <= UNIVERSE && from != next))
			return false;
	}
	return seqset_count(s) == n;
}

static void
test_model(void)
{
	uint32_t state = 2463534242u;

	for (int round = 0; round < 300; round++) {
		struct seqset s = {.ranges = NULL}, other = {.ranges = NULL};
		bool model[UNIVERSE + 1] = {false};
		bool good = true;

		for (int step = 0; step < 40 && good; step++) {
			uint32_t low = next_random(&state) % UNIVERSE + 1;
			uint32_t high = low + next_random(&state) % 9;
			uint32_t what = next_random(&state) % 3;

			if (high > UNIVERSE)
				high = UNIVERSE;
			if (what == 0)
				seqset_add(&s, low, high);
			else if (what == 1)
				seqset_remove(&s, low, high);
			else
				seqset_add(&other, low, high);
			if (what == 2)
				seqset_add_all(&s, &other);
			for (uint32_t i = low; i <= high && what < 2; i++)
				model[i] = what == 0;
			for (uint32_t i = 1; i <= UNIVERSE && what == 2; i++)
				model[i] |= seqset_has(&other, i);
			good = same(&s, model);
			if (what == 2)
				seqset_clear(&other);
		}
		CHECK(good);
		seqset_release(&s);
		seqset_release(&other);
	}
}

/* The lowest and highest numbers there are. */
static void
test_edges(void)
{
	struct seqset s = {.ranges = NULL};
	uint32_t n;

	seqset_add(&s, 1, UINT32_MAX - 1);
	CHECK(seqset_count(&s) == UINT32_MAX - 1);
	seqset_remove(&s, 1, 1);
	seqset_remove(&s, UINT32_MAX - 1, UINT32_MAX);
	CHECK(s.n == 1 && s.ranges[0].low == 2);
	CHECK(s.ranges[0].high == UINT32_MAX - 2);
	CHECK(!seqset_from(&s, UINT32_MAX - 1, &n));
	seqset_remove(&s, 1, UINT32_MAX);
	CHECK(s.n == 0 && !seqset_from(&s, 1, &n) && !seqset_has(&s, 5));
	seqset_release(&s);
}

int
main(void)
{
	test_take();
	test_take_more();
	test_resolve();
	test_many_ranges();
	test_model();
	test_edges();
	return TEST_EXIT();
}
