/* SPDX-License-Identifier: MIT */
#include "common/policy/rate.h"

#include "tests/test.h"

static void
test_bucket(void)
{
	struct rate *r = rate_new(3, 1000);
	const int64_t t = 1767225600000;

	CHECK(rate_take(r, 1, t) && rate_take(r, 1, t) && rate_take(r, 1, t));
	CHECK(!rate_take(r, 1, t));
	CHECK(rate_take(r, 2, t)); /* another has its own */
	CHECK(!rate_take(r, 1, t + 333));
	CHECK(rate_take(r, 1, t + 334)); /* a third of the period: one */
	CHECK(!rate_take(r, 1, t + 334));
	CHECK(!rate_take(r, 1, t + 666)); /* exactly two thirds are 666.7 */
	CHECK(rate_take(r, 1, t + 667));
	/* full again, never more than that */
	for (int i = 0; i < 3; i++)
		CHECK(rate_take(r, 1, t + 100000));
	CHECK(!rate_take(r, 1, t + 100000));
	rate_free(r);
	rate_free(NULL);
}

/* Taken as fast as it fills, it never runs dry, whatever the division. */
static void
test_no_drift(void)
{
	struct rate *r = rate_new(7, 1000);
	size_t taken = 0;

	for (int64_t now = 0; now < 10000; now++)
		taken += rate_take(r, 9, now);
	CHECK(taken == 7 + 69); /* 9.999 s are 69.993 of them */
	rate_free(r);
}

static void
test_one(void)
{
	struct rate *r = rate_new(1, 60000);

	CHECK(rate_take(r, 0, 5));
	CHECK(!rate_take(r, 0, 60004));
	CHECK(rate_take(r, 0, 60005));
	rate_free(r);
}

/* Strangers in any number push out those who are full, never one who is
 * empty: who is limited stays limited. */
static void
test_crowd(void)
{
	struct rate *r = rate_new(2, 1000);

	CHECK(rate_take(r, 42, 0) && rate_take(r, 42, 0));
	CHECK(!rate_take(r, 42, 0));
	for (uint64_t key = 1000; key < 1000 + 3 * RATE_KEYS; key++)
		CHECK(rate_take(r, key << 20, 0));
	CHECK(!rate_take(r, 42, 0));
	/* nor is the last who came the first to go */
	CHECK(rate_take(r, 43, 100) && rate_take(r, 44, 100));
	CHECK(rate_take(r, 43, 100) && !rate_take(r, 43, 100));
	CHECK(rate_take(r, 42, 500));
	/* all of them full by now: the table is theirs to replace */
	for (uint64_t key = 1; key < 2 * RATE_KEYS; key++)
		CHECK(rate_take(r, key * 0x100000001, 5000));
	CHECK(rate_take(r, 42, 5000));
	rate_free(r);
}

int
main(void)
{
	test_bucket();
	test_no_drift();
	test_one();
	test_crowd();
	return TEST_EXIT();
}
