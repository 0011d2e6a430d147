/* SPDX-License-Identifier: MIT */
#include "common/store/allowance.h"

#include "common/store/reputation.h"
#include "tests/unit/store/fixture.h"

#define MINUTE 60000LL
#define HOUR   (60 * MINUTE)
#define START  (NOW / HOUR * HOUR) /* of an hour */

struct taking {
	struct allowance_law law;
	int64_t account, now_ms;
	struct str recipients[40];
	size_t n;
	enum allowance_result r;
	bool tell;
	struct allowance_use use;
};

static int
take_work(struct db *db, void *arg, struct fail *f)
{
	struct taking *t = arg;

	if (allowance_take(db, &t->law, t->account, t->recipients, t->n,
		t->now_ms, &t->r, &t->tell, f) == -1)
		return -1;
	return allowance_used(db, t->account, t->now_ms, &t->use, f);
}

/* recipients: words. */
static enum allowance_result
take(
    struct fixture *x, struct taking *t, const char *recipients, int64_t now_ms)
{
	struct str rest = str_of(recipients);

	for (t->n = 0; rest.len > 0; t->n++)
		t->recipients[t->n] = str_cut(&rest, ' ');
	t->now_ms = now_ms;
	MUST(db_write(x->db, take_work, t, &why));
	return t->r;
}

static bool
uses(const struct taking *t, uint64_t messages, uint64_t recipients,
    uint64_t strangers)
{
	return t->use.messages_hour == messages &&
	       t->use.recipients_day == recipients &&
	       t->use.new_recipients_day == strangers;
}

static void
test_messages(void)
{
	struct fixture x;
	struct taking t = {.law.messages_per_hour = 3};

	fixture_init(&x);
	t.account = x.alice;
	CHECK(take(&x, &t, "a@x.test", START) == ALLOWANCE_OK);
	CHECK(uses(&t, 1, 1, 1));
	CHECK(take(&x, &t, "a@x.test b@x.test", START + 1) == ALLOWANCE_OK);
	CHECK(take(&x, &t, "b@x.test b@x.test", START + 2) == ALLOWANCE_OK);
	CHECK(uses(&t, 3, 4, 2)); /* one named twice counts once */
	CHECK(take(&x, &t, "c@x.test", START + 3) == ALLOWANCE_MESSAGES);
	CHECK(uses(&t, 3, 4, 2)); /* nothing was counted */
	CHECK(t.tell);
	CHECK(fixture_number(&x, "SELECT count(*) FROM correspondent") == 2);

	/* a new hour of the clock is not a new allowance */
	CHECK(take(&x, &t, "c@x.test", START + HOUR) == ALLOWANCE_MESSAGES);
	CHECK(take(&x, &t, "c@x.test", START + HOUR + 20 * MINUTE) ==
	      ALLOWANCE_OK);
	CHECK(uses(&t, 3, 5, 3)); /* two thirds of three, and one */
	CHECK(take(&x, &t, "c@x.test", START + HOUR + 21 * MINUTE) ==
	      ALLOWANCE_MESSAGES);

	/* others are not touched by it */
	t.account = x.bob;
	CHECK(take(&x, &t, "c@x.test", START + 3) == ALLOWANCE_OK);
	CHECK(uses(&t, 1, 1, 1));
	CHECK(fixture_is_clean(&x));
	fixture_release(&x);
}

static void
test_recipients(void)
{
	struct fixture x;
	struct taking t = {.law = {.recipients_per_day = 5}};

	fixture_init(&x);
	t.account = x.alice;
	CHECK(take(&x, &t, "a@x b@x c@x", START) == ALLOWANCE_OK);
	CHECK(
	    take(&x, &t, "a@x b@x c@x", START + HOUR) == ALLOWANCE_RECIPIENTS);
	CHECK(take(&x, &t, "a@x b@x", START + 23 * HOUR) == ALLOWANCE_OK);
	CHECK(take(&x, &t, "a@x", START + 24 * HOUR) == ALLOWANCE_RECIPIENTS);
	CHECK(take(&x, &t, "a@x b@x", START + 24 * HOUR + 40 * MINUTE) ==
	      ALLOWANCE_OK);
	CHECK(take(&x, &t, "a@x b@x c@x d@x e@x f@x", START + 90 * HOUR) ==
	      ALLOWANCE_RECIPIENTS); /* in one message */
	fixture_release(&x);
}

static void
test_strangers(void)
{
	struct fixture x;
	struct taking t = {.law = {.new_recipients_per_day = 2}};

	fixture_init(&x);
	t.account = x.alice;
	CHECK(take(&x, &t, "a@x b@x", START) == ALLOWANCE_OK);
	CHECK(take(&x, &t, "a@x b@x", START) == ALLOWANCE_OK);
	CHECK(take(&x, &t, "a@x c@x", START) == ALLOWANCE_NEW_RECIPIENTS);
	CHECK(uses(&t, 2, 4, 2));
	CHECK(take(&x, &t, "a@x c@x", START + 25 * HOUR) == ALLOWANCE_OK);
	fixture_release(&x);
}

static void
test_no_limits(void)
{
	struct fixture x;
	struct taking t = {0};

	fixture_init(&x);
	t.account = x.alice;
	for (int i = 0; i < 300; i++)
		CHECK(take(&x, &t, "a@x b@x", START) == ALLOWANCE_OK);
	CHECK(uses(&t, 300, 600, 2));
	CHECK(take(&x, &t, "", START) == ALLOWANCE_OK);
	fixture_release(&x);
}

static int
told_work(struct db *db, void *arg, struct fail *f)
{
	const struct taking *t = arg;

	return allowance_told(db, t->account, t->now_ms, f);
}

static void
test_telling(void)
{
	struct fixture x;
	struct taking t = {.law.messages_per_hour = 1};

	fixture_init(&x);
	t.account = x.alice;
	CHECK(take(&x, &t, "a@x", START) == ALLOWANCE_OK);
	CHECK(!t.tell);
	CHECK(take(&x, &t, "a@x", START + 1) == ALLOWANCE_MESSAGES);
	CHECK(t.tell);
	CHECK(take(&x, &t, "a@x", START + 2) == ALLOWANCE_MESSAGES);
	CHECK(t.tell); /* nobody has told yet */
	MUST(db_write(x.db, told_work, &t, &why));
	CHECK(take(&x, &t, "a@x", START + 3) == ALLOWANCE_MESSAGES);
	CHECK(!t.tell);
	CHECK(take(&x, &t, "a@x", START + 20 * HOUR) == ALLOWANCE_OK);
	CHECK(take(&x, &t, "a@x", START + 20 * HOUR) == ALLOWANCE_MESSAGES);
	CHECK(!t.tell);
	CHECK(take(&x, &t, "a@x", START + 25 * HOUR) == ALLOWANCE_OK);
	CHECK(take(&x, &t, "a@x", START + 25 * HOUR) == ALLOWANCE_MESSAGES);
	CHECK(t.tell);
	fixture_release(&x);
}

struct score {
	const char *address;
	int score;
};

static int
score_work(struct db *db, void *arg, struct fail *f)
{
	struct score *s = arg;

	return reputation_of(
	    db, str_of(s->address), STR(""), STR(""), START, &s->score, f);
}

/* Who is written to is well thought of, unless it is half the world. */
static void
test_learning(void)
{
	struct fixture x;
	struct taking t = {.law.learn = true};
	struct score s = {.address = "a@x.test"};

	fixture_init(&x);
	t.account = x.alice;
	CHECK(take(&x, &t, "a@x.test", START) == ALLOWANCE_OK);
	MUST(db_read(x.db, score_work, &s, &why));
	CHECK(s.score == 100);
	CHECK(take(&x, &t,
		  "1@y 2@y 3@y 4@y 5@y 6@y 7@y 8@y 9@y 10@y 11@y 12@y 13@y "
		  "14@y 15@y 16@y 17@y 18@y 19@y 20@y 21@y",
		  START) == ALLOWANCE_OK);
	s.address = "1@y";
	MUST(db_read(x.db, score_work, &s, &why));
	CHECK(s.score == 0);
	t.law.learn = false;
	CHECK(take(&x, &t, "b@z.test", START) == ALLOWANCE_OK);
	s.address = "b@z.test";
	MUST(db_read(x.db, score_work, &s, &why));
	CHECK(s.score == 0);
	fixture_release(&x);
}

struct sweep {
	int64_t now_ms;
	size_t swept;
};

static int
sweep_work(struct db *db, void *arg, struct fail *f)
{
	struct sweep *s = arg;

	return allowance_sweep(db, s->now_ms, 2, &s->swept, f);
}

static void
test_sweep(void)
{
	struct fixture x;
	struct taking t = {0};
	struct sweep s;

	fixture_init(&x);
	t.account = x.alice;
	for (int i = 0; i < 4; i++)
		take(&x, &t, "a@x", START + i * HOUR);
	s.now_ms = START + 24 * HOUR + 1;
	MUST(db_write(x.db, sweep_work, &s, &why));
	CHECK(s.swept == 0); /* the first still counts */
	s.now_ms = START + 27 * HOUR;
	MUST(db_write(x.db, sweep_work, &s, &why));
	CHECK(s.swept == 2);
	MUST(db_write(x.db, sweep_work, &s, &why));
	CHECK(s.swept == 1);
	MUST(db_write(x.db, sweep_work, &s, &why));
	CHECK(s.swept == 0);
	fixture_release(&x);
}

int
main(void)
{
	test_messages();
	test_recipients();
	test_strangers();
	test_no_limits();
	test_telling();
	test_learning();
	test_sweep();
	return TEST_EXIT();
}
