/* SPDX-License-Identifier: MIT */
#include "common/auth/verified.h"

#include "tests/test.h"

static const struct str alice = STR("alice@d.test"), bob = STR("bob@d.test");

static void
test_answers(void)
{
	struct verified *v = verified_new();
	uint64_t round = verified_round(v);

	CHECK(verified_find(v, 0, alice, STR("pw")) == VERIFIED_UNKNOWN);
	verified_add(v, 0, round, alice, STR("pw"), true);
	verified_add(v, 0, round, alice, STR("no"), false);
	CHECK(verified_find(v, 1, alice, STR("pw")) == VERIFIED_RIGHT);
	CHECK(verified_find(v, 1, alice, STR("no")) == VERIFIED_WRONG);
	/* CVE-2025-30189: another's entry is not ours, nor is a piece of it */
	CHECK(verified_find(v, 1, bob, STR("pw")) == VERIFIED_UNKNOWN);
	CHECK(verified_find(v, 1, STR("alice@d.tes"), STR("tpw")) ==
	      VERIFIED_UNKNOWN);
	CHECK(verified_find(v, 1, STR("alice@d.testp"), STR("w")) ==
	      VERIFIED_UNKNOWN);
	CHECK(verified_find(v, 1, alice, STR("")) == VERIFIED_UNKNOWN);
	CHECK(verified_find(v, 1, alice, STR("p")) == VERIFIED_UNKNOWN);
	/* ten minutes, from when it was computed: looking does not prolong */
	CHECK(verified_find(v, VERIFIED_KEEP_MS - 1, alice, STR("pw")) ==
	      VERIFIED_RIGHT);
	CHECK(verified_find(v, VERIFIED_KEEP_MS, alice, STR("pw")) ==
	      VERIFIED_UNKNOWN);
	CHECK(verified_find(v, VERIFIED_KEEP_MS, alice, STR("no")) ==
	      VERIFIED_UNKNOWN);
	verified_free(v);
	verified_free(NULL);
}

static void
test_forget(void)
{
	struct verified *v = verified_new();
	uint64_t round = verified_round(v);

	verified_add(v, 0, round, alice, STR("pw"), true);
	verified_add(v, 0, round, alice, STR("new"), false);
	verified_add(v, 0, round, bob, STR("pw"), true);
	verified_forget(v, alice);
	CHECK(verified_find(v, 1, alice, STR("pw")) == VERIFIED_UNKNOWN);
	CHECK(verified_find(v, 1, alice, STR("new")) == VERIFIED_UNKNOWN);
	CHECK(verified_find(v, 1, bob, STR("pw")) == VERIFIED_RIGHT);
	/* an answer from before the change comes too late */
	verified_add(v, 1, round, alice, STR("pw"), true);
	CHECK(verified_find(v, 1, alice, STR("pw")) == VERIFIED_UNKNOWN);
	verified_add(v, 1, verified_round(v), alice, STR("new"), true);
	CHECK(verified_find(v, 1, alice, STR("new")) == VERIFIED_RIGHT);
	verified_forget_all(v);
	CHECK(verified_find(v, 1, alice, STR("new")) == VERIFIED_UNKNOWN);
	CHECK(verified_find(v, 1, bob, STR("pw")) == VERIFIED_UNKNOWN);
	verified_free(v);
}

static void
add_numbered(struct verified *v, int i, bool right)
{
	verified_add(v, 0, verified_round(v), alice,
	    (struct str){(const char *)&i, sizeof(i)}, right);
}

static enum verified_answer
find_numbered(struct verified *v, int i)
{
	return verified_find(
	    v, 0, alice, (struct str){(const char *)&i, sizeof(i)});
}

static void
test_bounds(void)
{
	struct verified *v = verified_new();

	add_numbered(v, -1, true);
	for (int i = 0; i < 2 * VERIFIED_MAX; i++)
		add_numbered(v, i, false);
	/* guesses push out guesses, oldest first, and nothing else */
	CHECK(find_numbered(v, -1) == VERIFIED_RIGHT);
	CHECK(find_numbered(v, 2 * VERIFIED_MAX - 1) == VERIFIED_WRONG);
	CHECK(find_numbered(v, VERIFIED_MAX) == VERIFIED_WRONG);
	CHECK(find_numbered(v, VERIFIED_MAX - 1) == VERIFIED_UNKNOWN);
	/* one that is added again is one entry, and the newest */
	add_numbered(v, VERIFIED_MAX, false);
	add_numbered(v, 5, false);
	CHECK(find_numbered(v, VERIFIED_MAX) == VERIFIED_WRONG);
	CHECK(find_numbered(v, VERIFIED_MAX + 1) == VERIFIED_UNKNOWN);
	verified_free(v);
}

/* The same for the same, and told by nobody else. */
static void
test_guess(void)
{
	struct verified *v = verified_new(), *other = verified_new();
	uint64_t guess = verified_guess(v, alice, STR("pw"));

	CHECK(guess == verified_guess(v, alice, STR("pw")));
	CHECK(guess != verified_guess(v, alice, STR("pw2")));
	CHECK(guess != verified_guess(v, bob, STR("pw")));
	CHECK(guess != verified_guess(other, alice, STR("pw")));
	verified_free(v);
	verified_free(other);
}

int
main(void)
{
	test_guess();
	test_answers();
	test_forget();
	test_bounds();
	return TEST_EXIT();
}
