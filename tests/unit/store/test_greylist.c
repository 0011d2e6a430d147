/* SPDX-License-Identifier: MIT */
#include "common/store/greylist.h"

#include "tests/unit/store/fixture.h"

#define MINUTE 60000LL
#define DAY    (24 * 60 * MINUTE)

/* One triplet comes at these times; what it is told each time. */
struct visits {
	const char *what;
	int64_t at[5];    /* ms after NOW; -1 ends */
	const char *told; /* a letter for each: Pass, Wait */
};

static const struct visits cases[] = {
    {"new",	       {0, -1},				    "W"   },
    {"too early",         {0, MINUTE - 1, -1},                        "WW"  },
    {"in time",           {0, MINUTE, -1},                            "WP"  },
    {"early, then late",  {0, 1, MINUTE, MINUTE + 1, -1},             "WWPP"},
    {"known for a month", {0, MINUTE, 30 * DAY, 60 * DAY, -1},        "WPPP"},
    {"forgotten",         {0, MINUTE, 37 * DAY, 37 * DAY + 1, -1},    "WPWW"},
    {"on its last day",   {0, MINUTE, 36 * DAY + MINUTE, -1},         "WPP" },
    {"never came again",  {0, 2 * DAY + 1, 2 * DAY + 2 * MINUTE, -1}, "WWP" },
    {"clock set back",    {DAY, 0, MINUTE, -1},                       "WWP" },
};

struct asking {
	struct greylist_question q;
	enum greylist_answer a;
};

static int
ask_work(struct db *db, void *arg, struct fail *f)
{
	struct asking *a = arg;

	return greylist_ask(db, &a->q, &a->a, f);
}

static char
ask(struct fixture *x, const char *network, const char *sender,
    const char *recipient, int64_t now_ms)
{
	struct asking a = {
	    .q = {str_of(network), str_of(sender), str_of(recipient), now_ms,
		  MINUTE, GREYLIST_LIFE_MS}
        };

	MUST(db_write(x->db, ask_work, &a, &why));
	return a.a == GREYLIST_PASS ? 'P' : 'W';
}

static void
test_times(struct fixture *x)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char told[6] = "";

		for (size_t n = 0; n < 5 && cases[i].at[n] >= 0; n++)
			told[n] = ask(x, "192.0.2.0/24", cases[i].what,
			    "alice@d.test", NOW + cases[i].at[n]);
		CHECK_STR(told, cases[i].told);
	}
}

/* No part can stand for another, nor borrow from the next. */
static void
test_key(struct fixture *x)
{
	CHECK(ask(x, "n", "s", "r", NOW) == 'W');
	CHECK(ask(x, "n", "s", "r", NOW + MINUTE) == 'P');
	CHECK(ask(x, "m", "s", "r", NOW + MINUTE) == 'W');
	CHECK(ask(x, "n", "t", "r", NOW + MINUTE) == 'W');
	CHECK(ask(x, "n", "s", "q", NOW + MINUTE) == 'W');
	CHECK(ask(x, "ns", "", "r", NOW + MINUTE) == 'W');
	CHECK(ask(x, "", "ns", "r", NOW + MINUTE) == 'W');
	CHECK(ask(x, "n", "", "sr", NOW + MINUTE) == 'W');
	CHECK(ask(x, "n", "s", "r", NOW + MINUTE) == 'P');
}

struct sweep {
	int64_t now_ms;
	size_t max, swept;
};

static int
sweep_work(struct db *db, void *arg, struct fail *f)
{
	struct sweep *s = arg;

	return greylist_sweep(
	    db, s->now_ms, GREYLIST_LIFE_MS, s->max, &s->swept, f);
}

static size_t
sweep(struct fixture *x, int64_t now_ms, size_t max)
{
	struct sweep s = {now_ms, max, 0};

	MUST(db_write(x->db, sweep_work, &s, &why));
	return s.swept;
}

static void
test_sweep(void)
{
	struct fixture x;

	fixture_init(&x);
	for (char c = 'a'; c < 'k'; c++)
		ask(&x, "n", (char[]){c, '\0'}, "r", NOW);
	for (char c = 'a'; c < 'd'; c++) /* three came again */
		ask(&x, "n", (char[]){c, '\0'}, "r", NOW + MINUTE);
	CHECK(sweep(&x, NOW + DAY, 100) == 0);
	CHECK(sweep(&x, NOW + 2 * DAY + 1, 5) == 5);
	CHECK(sweep(&x, NOW + 2 * DAY + 1, 5) == 2);
	CHECK(sweep(&x, NOW + 36 * DAY, 100) == 0);
	CHECK(ask(&x, "n", "a", "r", NOW + 36 * DAY) == 'P');
	CHECK(sweep(&x, NOW + 37 * DAY, 100) == 2);
	CHECK(fixture_number(&x, "SELECT count(*) FROM greylist") == 1);
	fixture_release(&x);
}

int
main(void)
{
	struct fixture x;

	fixture_init(&x);
	test_times(&x);
	test_key(&x);
	fixture_release(&x);
	test_sweep();
	return TEST_EXIT();
}
