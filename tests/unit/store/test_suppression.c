/* SPDX-License-Identifier: MIT */
/* Addresses that nobody has, until somebody does. */
#include "common/store/suppression.h"
#include "tests/unit/store/fixture.h"

#define DAY (INT64_C(24) * 60 * 60 * 1000)

static const struct suppression_law law = {.after = 3, .for_ms = 30 * DAY};

struct note {
	struct str address;
	bool good;
	int64_t at_ms;
};

static int
note(struct db *db, void *arg, struct fail *f)
{
	const struct note *n = arg;

	return suppression_note(db, n->address, n->good,
	    n->good ? STR("2.1.5 ok") : STR("5.1.1 nobody"), n->at_ms, f);
}

static void
say(struct fixture *x, struct str address, bool good, int64_t at_ms)
{
	struct note n = {.address = address, .good = good, .at_ms = at_ms};

	MUST(db_write(x->db, note, &n, &why));
}

static bool
is_suppressed(struct fixture *x, struct str address, int64_t now_ms)
{
	struct buf sentence;
	size_t at;
	int got;

	buf_init(&sentence, 2 * KB);
	got = suppression_find(
	    x->db, &law, address, now_ms, &sentence, &(struct fail){0});
	CHECK(got == 1 ? str_find_str(
			     buf_str(&sentence), STR("\"5.1.1 nobody\""), &at)
		       : sentence.len == 0);
	buf_release(&sentence);
	CHECK(suppression_find(x->db, &law, address, now_ms, NULL,
		  &(struct fail){0}) == got);
	return got == 1;
}

static void
count(void *arg, const struct suppression *s)
{
	++*(size_t *)arg;
	CHECK(s->bounces > 0 && s->first_ms <= s->last_ms);
	CHECK(str_eq(s->reply, STR("5.1.1 nobody")));
}

static int
list(struct db *db, void *arg, struct fail *f)
{
	return suppression_list(db, count, arg, f);
}

static size_t
listed(struct fixture *x)
{
	size_t n = 0;

	MUST(db_read(x->db, list, &n, &why));
	return n;
}

static void
after_refusals_in_a_row(void)
{
	static const struct suppression_law never = {.for_ms = 30 * DAY};
	struct fixture x;

	fixture_init(&x);
	CHECK(!is_suppressed(&x, STR("x@far.test"), NOW));
	say(&x, STR("x@far.test"), false, NOW);
	say(&x, STR("X@FAR.Test."), false, NOW + 1);
	CHECK(!is_suppressed(&x, STR("x@far.test"), NOW + 1));
	say(&x, STR("\"x\"@far.test"), false, NOW + 2);
	CHECK(is_suppressed(&x, STR("x@far.test"), NOW + 2));
	CHECK(is_suppressed(&x, STR("X@far.test"), NOW + 2));
	CHECK(!is_suppressed(&x, STR("y@far.test"), NOW + 2));
	/* since the last one */
	CHECK(is_suppressed(&x, STR("x@far.test"), NOW + 1 + 30 * DAY));
	CHECK(!is_suppressed(&x, STR("x@far.test"), NOW + 2 + 30 * DAY));
	CHECK(suppression_find(x.db, &never, STR("x@far.test"), NOW + 2, NULL,
		  &(struct fail){0}) == 0);
	/* one that is taken ends it; it begins anew */
	say(&x, STR("x@far.test"), true, NOW + 3);
	CHECK(!is_suppressed(&x, STR("x@far.test"), NOW + 3));
	CHECK(listed(&x) == 0);
	say(&x, STR("x@far.test"), false, NOW + 4);
	CHECK(!is_suppressed(&x, STR("x@far.test"), NOW + 4));
	CHECK(listed(&x) == 1);
	/* who was never refused leaves no row */
	say(&x, STR("z@far.test"), true, NOW + 4);
	CHECK(listed(&x) == 1);
	fixture_release(&x);
}

/* What is no address as we know them is one to the server that refused it. */
static void
odd_addresses(void)
{
	struct fixture x;

	fixture_init(&x);
	for (int i = 0; i < 3; i++)
		say(&x, STR("a..b@far.test"), false, NOW);
	CHECK(is_suppressed(&x, STR("A..B@far.test"), NOW));
	CHECK(!is_suppressed(&x, STR("a.b@far.test"), NOW));
	fixture_release(&x);
}

static int
remove_one(struct db *db, void *arg, struct fail *f)
{
	struct note *n = arg;
	int got = suppression_remove(db, n->address, f);

	n->good = got == 1;
	return got == -1 ? -1 : 0;
}

struct sweeping {
	int64_t before_ms;
	size_t n;
};

static int
sweep(struct db *db, void *arg, struct fail *f)
{
	struct sweeping *s = arg;

	return suppression_sweep(db, s->before_ms, 1, &s->n, f);
}

static void
removed_and_swept(void)
{
	struct fixture x;
	struct note n = {.address = STR("A@far.test")};
	struct sweeping swept = {.before_ms = NOW + 5};

	fixture_init(&x);
	say(&x, STR("a@far.test"), false, NOW);
	say(&x, STR("b@far.test"), false, NOW + 4);
	say(&x, STR("c@far.test"), false, NOW);
	say(&x, STR("c@far.test"), false, NOW + 5);
	MUST(db_write(x.db, remove_one, &n, &why));
	CHECK(n.good && listed(&x) == 2);
	MUST(db_write(x.db, remove_one, &n, &why));
	CHECK(!n.good);
	say(&x, STR("d@far.test"), false, NOW + 3);
	for (size_t left = 2; left > 0; left--) {
		MUST(db_write(x.db, sweep, &swept, &why));
		CHECK(swept.n == 1 && listed(&x) == left);
	}
	MUST(db_write(x.db, sweep, &swept, &why));
	CHECK(swept.n == 0 && listed(&x) == 1);
	CHECK(fixture_is_clean(&x));
	fixture_release(&x);
}

int
main(void)
{
	after_refusals_in_a_row();
	odd_addresses();
	removed_and_swept();
	return TEST_EXIT();
}
