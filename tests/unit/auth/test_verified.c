/* SPDX-License-Identifier: MIT */
#include "common/auth/verified.h"

#include "tests/test.h"

static const struct str alice = STR("alice@d.test"), bob = STR("bob@d.test");

static enum verified_answer
look(struct verified *v, int64_t now_ms, struct str user, struct str password)
{
	int64_t account;

	return verified_find(v, now_ms, user, password, &account);
}

static void
test_answers(void)
{
	struct verified *v = verified_new();
	uint64_t round = verified_round(v);

	CHECK(look(v, 0, alice, STR("pw")) == VERIFIED_UNKNOWN);
	verified_add(v, 0, round, alice, STR("pw"), true, 7);
	verified_add(v, 0, round, alice, STR("no"), false, 0);
	CHECK(look(v, 1, alice, STR("pw")) == VERIFIED_RIGHT);
	CHECK(look(v, 1, alice, STR("no")) == VERIFIED_WRONG);
	/* CVE-2025-30189: another's entry is not ours, nor is a piece of it */
	CHECK(look(v, 1, bob, STR("pw")) == VERIFIED_UNKNOWN);
	CHECK(look(v, 1, STR("alice@d.tes"), STR("tpw")) == VERIFIED_UNKNOWN);
	CHECK(look(v, 1, STR("alice@d.testp"), STR("w")) == VERIFIED_UNKNOWN);
	CHECK(look(v, 1, alice, STR("")) == VERIFIED_UNKNOWN);
	CHECK(look(v, 1, alice, STR("p")) == VERIFIED_UNKNOWN);
	/* ten minutes, from when it was computed: looking does not prolong */
	CHECK(
	    look(v, VERIFIED_KEEP_MS - 1, alice, STR("pw")) == VERIFIED_RIGHT);
	CHECK(look(v, VERIFIED_KEEP_MS, alice, STR("pw")) == VERIFIED_UNKNOWN);
	CHECK(look(v, VERIFIED_KEEP_MS, alice, STR("no")) == VERIFIED_UNKNOWN);
	verified_free(v);
	verified_free(NULL);
}

static void
test_forget(void)
{
	struct verified *v = verified_new();
	uint64_t round = verified_round(v);

	verified_add(v, 0, round, alice, STR("pw"), true, 7);
	verified_add(v, 0, round, alice, STR("new"), false, 0);
	verified_add(v, 0, round, bob, STR("pw"), true, 7);
	verified_forget(v, alice);
	CHECK(look(v, 1, alice, STR("pw")) == VERIFIED_UNKNOWN);
	CHECK(look(v, 1, alice, STR("new")) == VERIFIED_UNKNOWN);
	CHECK(look(v, 1, bob, STR("pw")) == VERIFIED_RIGHT);
	/* an answer from before the change comes too late */
	verified_add(v, 1, round, alice, STR("pw"), true, 7);
	CHECK(look(v, 1, alice, STR("pw")) == VERIFIED_UNKNOWN);
	verified_add(v, 1, verified_round(v), alice, STR("new"), true, 7);
	CHECK(look(v, 1, alice, STR("new")) == VERIFIED_RIGHT);
	verified_forget_all(v);
	CHECK(look(v, 1, alice, STR("new")) == VERIFIED_UNKNOWN);
	CHECK(look(v, 1, bob, STR("pw")) == VERIFIED_UNKNOWN);
	verified_free(v);
}

/* Whom it lets in is remembered with it. */
static void
test_account(void)
{
	struct verified *v = verified_new();
	int64_t account = -1;

	verified_find(v, 0, alice, STR("pw"), &account);
	CHECK(account == 0);
	verified_add(v, 0, verified_round(v), alice, STR("pw"), true, 7);
	verified_add(v, 0, verified_round(v), bob, STR("pw"), true, 0);
	verified_add(v, 0, verified_round(v), bob, STR("no"), false, 0);
	CHECK(
	    verified_find(v, 0, alice, STR("pw"), &account) == VERIFIED_RIGHT &&
	    account == 7);
	CHECK(verified_find(v, 0, bob, STR("pw"), &account) == VERIFIED_RIGHT &&
	      account == 0);
	CHECK(verified_find(v, VERIFIED_KEEP_MS, alice, STR("pw"), &account) ==
		  VERIFIED_UNKNOWN &&
	      account == 0);
	verified_free(v);
}

static void
add_numbered(struct verified *v, int i, bool right)
{
	verified_add(v, 0, verified_round(v), alice,
	    (struct str){(const char *)&i, sizeof(i)}, right, 7);
}

static enum verified_answer
find_numbered(struct verified *v, int i)
{
	return look(v, 0, alice, (struct str){(const char *)&i, sizeof(i)});
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
	test_account();
	test_bounds();
	return TEST_EXIT();
}
