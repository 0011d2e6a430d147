/* SPDX-License-Identifier: MIT */
#include "common/auth/throttle.h"

#include "tests/test.h"

#define WINDOW INT64_C(600000)
#define HERE   UINT64_C(0xc0000201)
#define THERE  UINT64_C(0xc0000202)

static const struct str alice = STR("alice@d.test"), bob = STR("bob@d.test"),
			carol = STR("carol@e.test");

static void
test_limit(void)
{
	struct throttle *t = throttle_new(10, WINDOW);
	int64_t now = 5000;

	for (uint64_t i = 0; i < 10; i++) {
		CHECK(throttle_allows(t, now, HERE, alice));
		throttle_failed(t, now, HERE, alice, i);
		now += 1000;
	}
	/* for every user, from there only */
	CHECK(!throttle_allows(t, now, HERE, alice));
	CHECK(!throttle_allows(t, now, HERE, bob));
	CHECK(throttle_allows(t, now, THERE, alice));
	/* the window slides: the first failure was at 5000 */
	CHECK(!throttle_allows(t, 5000 + WINDOW - 1, HERE, bob));
	CHECK(throttle_allows(t, 5000 + WINDOW, HERE, bob));
	throttle_failed(t, 5000 + WINDOW, HERE, bob, 99);
	CHECK(!throttle_allows(t, 5000 + WINDOW, HERE, bob));
	CHECK(throttle_allows(t, 5000 + 3 * WINDOW, HERE, bob));
	throttle_free(t);
	throttle_free(NULL);
}

/* ATTACKS A084: a telephone that repeats one wrong password. */
static void
test_same_guess(void)
{
	struct throttle *t = throttle_new(3, WINDOW);

	for (int i = 0; i < 100; i++)
		throttle_failed(t, i * 1000, HERE, alice, 42);
	throttle_failed(t, 100000, HERE, bob, 42); /* another user: counts */
	CHECK(throttle_allows(t, 100000, HERE, alice));
	throttle_failed(t, 100000, HERE, alice, 43);
	CHECK(!throttle_allows(t, 100000, HERE, alice));
	/* what is repeated stays in the window */
	CHECK(!throttle_allows(t, 99000 + WINDOW - 1, HERE, alice));
	CHECK(throttle_allows(t, 99000 + WINDOW, HERE, alice));
	throttle_free(t);
}

static void
test_friend(void)
{
	struct throttle *t = throttle_new(3, WINDOW);

	CHECK(throttle_is_strange(t, HERE));
	throttle_succeeded(t, 0, HERE, alice);
	throttle_succeeded(t, 0, HERE, alice);
	CHECK(!throttle_is_strange(t, HERE));
	CHECK(throttle_is_strange(t, THERE));
	for (uint64_t i = 0; i < 8; i++)
		throttle_failed(t, 1000, HERE, bob, i);
	CHECK(!throttle_allows(t, 1000, HERE, bob));
	CHECK(throttle_allows(t, 1000, HERE, alice));
	throttle_failed(t, 1000, HERE, bob, 8); /* the ninth */
	CHECK(!throttle_allows(t, 1000, HERE, alice));
	for (uint64_t i = 9; i < 1000; i++)
		throttle_failed(t, 2000, HERE, bob, i);
	CHECK(!throttle_allows(t, 2000, HERE, alice));
	CHECK(throttle_allows(t, 2000 + WINDOW, HERE, bob));
	throttle_free(t);
}

/* Logging in forgives one's own failures, not those at others. */
static void
test_success(void)
{
	struct throttle *t = throttle_new(3, WINDOW);

	throttle_failed(t, 0, HERE, alice, 1);
	throttle_failed(t, 0, HERE, alice, 2);
	throttle_succeeded(t, 0, HERE, alice);
	throttle_failed(t, 0, HERE, bob, 1);
	throttle_failed(t, 0, HERE, bob, 2);
	CHECK(throttle_allows(t, 0, HERE, bob));
	throttle_succeeded(t, 0, HERE, alice);
	throttle_failed(t, 0, HERE, bob, 3);
	CHECK(!throttle_allows(t, 0, HERE, bob));
	throttle_free(t);
}

/* Guesses under way count as if they were wrong. */
static void
test_under_way(void)
{
	struct throttle *t = throttle_new(10, WINDOW);

	throttle_failed(t, 0, HERE, bob, 100);
	for (uint64_t i = 0; i < 9; i++)
		CHECK(throttle_begin(t, 0, HERE, alice, i));
	CHECK(!throttle_begin(t, 0, HERE, alice, 9));
	CHECK(!throttle_begin(t, 0, HERE, bob, 9));
	CHECK(throttle_begin(t, 0, THERE, alice, 9));
	/* to wait is not to be refused */
	CHECK(throttle_allows(t, 0, HERE, alice));
	/* many telephones with one password are one guess */
	for (int i = 0; i < 20; i++)
		CHECK(throttle_begin(t, 0, HERE, alice, 3));
	/* one was right */
	throttle_succeeded(t, 0, HERE, bob);
	throttle_end(t, HERE, alice, 0);
	CHECK(throttle_begin(t, 0, HERE, carol, 9));
	CHECK(throttle_begin(t, 0, HERE, carol, 10));
	CHECK(!throttle_begin(t, 0, HERE, carol, 11));
	/* who was good before has three times the room */
	CHECK(throttle_begin(t, 0, HERE, bob, 11));
	/* of many equal ones the last makes room */
	throttle_failed(t, 0, HERE, alice, 3);
	for (int i = 0; i < 20; i++)
		throttle_end(t, HERE, alice, 3);
	throttle_end(t, HERE, bob, 11);
	CHECK(!throttle_begin(t, 0, HERE, carol, 12));
	for (uint64_t i = 1; i < 9; i++) {
		throttle_failed(t, 0, HERE, alice, i);
		throttle_end(t, HERE, alice, i);
	}
	throttle_end(t, HERE, carol, 9);
	throttle_end(t, HERE, carol, 10);
	throttle_end(t, HERE, carol, 11); /* was never begun */
	/* 1 to 8 have failed */
	CHECK(throttle_begin(t, 0, HERE, carol, 13));
	CHECK(throttle_begin(t, 0, HERE, carol, 14));
	CHECK(!throttle_begin(t, 0, HERE, carol, 15));
	throttle_failed(t, 0, HERE, carol, 13);
	throttle_failed(t, 0, HERE, carol, 14);
	throttle_end(t, HERE, carol, 13);
	throttle_end(t, HERE, carol, 14);
	CHECK(!throttle_allows(t, 0, HERE, carol));
	throttle_free(t);
}

/* However many addresses come, the newest are kept and the oldest go. */
static void
test_bounds(void)
{
	struct throttle *t = throttle_new(2, WINDOW);
	uint64_t kept = 5;

	for (uint64_t key = 0; key < 2 * THROTTLE_KEYS; key++) {
		throttle_failed(t, 0, key, alice, 1);
		throttle_failed(t, 0, key, alice, 2);
		throttle_succeeded(t, 0, key, bob);
		/* one that comes back is not old */
		throttle_failed(t, 0, kept, alice, key % 3);
		throttle_succeeded(t, 0, kept, bob);
	}
	CHECK(!throttle_allows(t, 0, 2 * THROTTLE_KEYS - 1, alice));
	CHECK(!throttle_allows(t, 0, THROTTLE_KEYS + 1, alice));
	CHECK(throttle_allows(t, 0, THROTTLE_KEYS, alice)); /* out */
	CHECK(!throttle_allows(t, 0, kept, alice));
	CHECK(throttle_allows(t, 0, kept, bob));

	CHECK(throttle_allows(t, 0, THROTTLE_KEYS + 1, bob));
	throttle_failed(t, 0, THROTTLE_KEYS, alice, 1);
	throttle_failed(t, 0, THROTTLE_KEYS, alice, 2);
	CHECK(!throttle_allows(t, 0, THROTTLE_KEYS, bob)); /* no friend now */
	CHECK(throttle_is_strange(t, THROTTLE_KEYS));
	CHECK(!throttle_is_strange(t, THROTTLE_KEYS + 1));
	throttle_free(t);
}

/* Who has a good name, and how one is lost and comes back. */
static void
test_standing(void)
{
	struct throttle *t = throttle_new(3, WINDOW);

	CHECK(throttle_standing(t, 0, HERE, alice) == THROTTLE_UNKNOWN);
	CHECK(
	    throttle_begin(t, 0, HERE, alice, 1)); /* under way is no failure */
	CHECK(throttle_standing(t, 0, HERE, alice) == THROTTLE_UNKNOWN);
	throttle_end(t, HERE, alice, 1);
	throttle_failed(t, 0, HERE, alice, 1);
	CHECK(throttle_standing(t, 0, HERE, alice) == THROTTLE_SUSPECT);
	CHECK(throttle_standing(t, 0, HERE, bob) == THROTTLE_SUSPECT);
	CHECK(throttle_standing(t, 0, THERE, alice) == THROTTLE_UNKNOWN);
	throttle_succeeded(t, 0, HERE, bob);
	CHECK(throttle_standing(t, 0, HERE, bob) == THROTTLE_KNOWN);
	CHECK(throttle_standing(t, 0, HERE, alice) == THROTTLE_SUSPECT);
	CHECK(throttle_standing(t, 0, THERE, bob) == THROTTLE_UNKNOWN);
	CHECK(throttle_standing(t, WINDOW, HERE, alice) == THROTTLE_UNKNOWN);
	throttle_free(t);
}

int
main(void)
{
	test_limit();
	test_same_guess();
	test_friend();
	test_success();
	test_under_way();
	test_bounds();
	test_standing();
	return TEST_EXIT();
}
