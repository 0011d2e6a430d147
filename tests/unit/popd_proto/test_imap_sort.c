/* SPDX-License-Identifier: MIT */
/* The order of SORT. */
#include "popd/proto/imap_sort.h"

#include <stdlib.h>

#include "common/util/mem.h"
#include "tests/test.h"

struct row {
	int64_t size;
	const char *subject;
};

/* The UIDs (from 1) of rows by size and subject, as the program has it. */
static char *
sorted(const struct sort_program *by, const struct row *rows, size_t n)
{
	struct sort_rows r;
	struct buf out;

	sort_rows_init(&r);
	for (size_t i = 0; i < n; i++) {
		struct sort_value *v = sort_add(&r, by, (uint32_t)i + 1);

		for (size_t k = 0; k < by->n; k++)
			if (by->by[k].key == SORT_BY_SIZE)
				v[k].number = rows[i].size;
			else
				v[k] = sort_string(&r, str_of(rows[i].subject));
	}
	sort_finish(&r, by);
	buf_init(&out, 4 * KB);
	buf_addf(&out, "%s", "");
	for (size_t i = 0; i < r.n; i++)
		buf_addf(&out, "%s%u", i > 0 ? " " : "", r.uids[i]);
	sort_rows_release(&r);
	return buf_take(&out);
}

static void
vectors(void)
{
	static const struct row rows[] = {
	    {3,  "b"       },
            {1,  ""        },
            {3,  "a"       },
            {2,  "ab"      },
            {3,  "b"       },
            {-5, "\xc3\xa4"}
        };
	static const struct {
		struct sort_program by;
		const char *want;
	} cases[] = {
	    {{{{SORT_BY_SIZE, false}}, 1},                           "6 2 4 1 3 5"},
	    {{{{SORT_BY_SIZE, true}}, 1},                            "1 3 5 4 2 6"},
	    {{{{SORT_BY_SUBJECT, false}}, 1},                        "2 3 4 1 5 6"},
	    {{{{SORT_BY_SUBJECT, true}}, 1},                         "6 1 5 4 3 2"},
	    {{{{SORT_BY_SIZE, false}, {SORT_BY_SUBJECT, false}}, 2},
             "6 2 4 3 1 5"							},
	    {{{{SORT_BY_SIZE, true}, {SORT_BY_SUBJECT, false}}, 2},
             "3 1 5 4 2 6"							},
	    {{{{SORT_BY_SIZE, false}, {SORT_BY_SUBJECT, true}}, 2},
             "6 2 4 1 5 3"							},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *got = sorted(&cases[i].by, rows, 6);

		CHECK_STR(got, cases[i].want);
		free(got);
		got = sorted(&cases[i].by, rows, 0);
		CHECK_STR(got, "");
		free(got);
	}
}

static int
by_tens(const void *arg, uint32_t a, uint32_t b)
{
	(void)arg;
	return a / 10 < b / 10 ? -1 : a / 10 > b / 10;
}

/* Any number of them is in order, and equal ones stay as they were. */
static void
is_stable(void)
{
	uint32_t numbers[300];

	for (size_t n = 0; n <= 300; n++) {
		for (size_t i = 0; i < n; i++)
			numbers[i] = (uint32_t)(i * 7919 % 50 * 10 + i / 50);
		sort_numbers(numbers, n, by_tens, NULL);
		for (size_t i = 1; i < n; i++)
			CHECK(numbers[i - 1] < numbers[i]);
	}
}

int
main(void)
{
	vectors();
	is_stable();
	return TEST_EXIT();
}
