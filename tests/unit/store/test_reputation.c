/* SPDX-License-Identifier: MIT */
#include "common/store/reputation.h"

#include "common/store/verdict.h"
#include "tests/unit/store/fixture.h"

#define DAY (24 * 60 * 60000LL)

/* A thing that happens, on day `day', and what is then thought of names. */
struct step {
	char what; /* A answered, K kept, J junked, or ? */
	int day;
	const char *address, *domain, *network; /* of ?; else address */
	int score;                              /* of ? */
};

static const struct step steps[] = {
    {'?', 0,  "a@x.test",        "x.test", "192.0.2.0/24",    0   },
    {'J', 0,  "a@x.test",        NULL,     NULL,              0   },
    {'?', 0,  "a@x.test",        "x.test", "",                0   }, /* one vote is too little */
    {'J', 1,  "a@x.test",        NULL,     NULL,              0   },
    {'?', 1,  "a@x.test",        "",       "",                -100},
    {'?', 1,  "b@x.test",        "x.test", "",                -100},
    {'?', 1,  "b@y.test",        "y.test", "",                0   },
    {'?', 10, "a@x.test",        "",       "",                -100},
    {'?', 40, "a@x.test",        "",       "",                0   }, /* faded */
    {'A', 40, "b@x.test",        NULL,     NULL,              0   },
    {'?', 40, "b@x.test",        "x.test", "",                100 }, /* the address goes before */
    {'J', 41, "c@z.test",        NULL,     NULL,              0   },
    {'K', 41, "c@z.test",        NULL,     NULL,              0   },
    {'?', 41, "c@z.test",        "",       "",                33  },
    {'J', 41, "c@z.test",        NULL,     NULL,              0   },
    {'J', 41, "c@z.test",        NULL,     NULL,              0   },
    {'?', 41, "c@z.test",        "",       "",                -20 },
    {'K', 41, "198.51.100.0/24", NULL,     NULL,              0   },
    {'?', 41, "q@q.test",        "q.test", "198.51.100.0/24", 100 },
    {'?', 41, "",                "",       "198.51.100.0/24", 100 },
    {'?', 41, "",                "",       "",                0   },
    {'?', 39, "c@z.test",        "",       "",                -20 }, /* a clock that was set back */
    {'J', 41, "f@f.test",        NULL,     NULL,              0   },
    {'?', 0,  "f@f.test",        "",       "",                0   }, /* makes nothing grow */
};

struct doing {
	const struct step *s;
	int64_t now_ms;
	int score;
};

static int
step_work(struct db *db, void *arg, struct fail *f)
{
	struct doing *d = arg;
	const struct step *s = d->s;

	if (s->what == '?')
		return reputation_of(db, str_of(s->address), str_of(s->domain),
		    str_of(s->network), d->now_ms, &d->score, f);
	return reputation_vote(db, str_of(s->address),
	    s->what == 'A'   ? REPUTATION_ANSWERED
	    : s->what == 'K' ? REPUTATION_KEPT
			     : REPUTATION_JUNKED,
	    d->now_ms, f);
}

static void
test_votes(void)
{
	struct fixture x;

	fixture_init(&x);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		struct doing d = {&steps[i], NOW + steps[i].day * DAY, 0};

		MUST(db_write(x.db, step_work, &d, &why));
		if (steps[i].what != '?' || d.score == steps[i].score)
			continue;
		fprintf(stderr, "step %zu: %d\n", i, d.score);
		CHECK(!"as expected");
	}
	fixture_release(&x);
}

/* However often it is written, what is left after a half-life is half. */
static void
test_fading(void)
{
	struct fixture x;
	struct step vote = {'A', 0, "a@x.test", NULL, NULL, 0};
	struct doing d = {&vote, NOW, 0};

	fixture_init(&x);
	for (int i = 0; i <= 60; i++) { /* one each half a day */
		d.now_ms = NOW + i * DAY / 2;
		MUST(db_write(x.db, step_work, &d, &why));
	}
	/* 2 * (1 - r^61) / (1 - r), r = 2^(-1/60) */
	CHECK(fixture_number(&x, "SELECT round(1000 * good) FROM reputation"
				 " WHERE name = 'a@x.test'") == 88063);
	CHECK(fixture_number(&x, "SELECT round(1000 * good) FROM reputation"
				 " WHERE name = 'x.test'") == 44031);
	fixture_release(&x);
}

struct judged {
	int64_t trace;
	struct verdict verdict;
	enum reputation_vote vote;
	bool put;
};

static int
judged_work(struct db *db, void *arg, struct fail *f)
{
	const struct judged *j = arg;

	if (j->put && verdict_put(db, j->trace, &j->verdict, f) == -1)
		return -1;
	return reputation_vote_on(db, j->trace, j->vote, NOW, f);
}

static void
vote_on(struct fixture *x, const char *author, const char *domain,
    const char *network)
{
	struct judged j = {
	    .trace = ++x->trace,
	    .verdict = {str_of(author), str_of(domain), str_of(network),
			STR("")},
	    .vote = REPUTATION_JUNKED,
	    .put = true
        };

	MUST(db_write(x->db, judged_work, &j, &why));
}

static void
test_verdicts(void)
{
	struct fixture x;
	struct judged none = {.trace = 77, .vote = REPUTATION_JUNKED};

	fixture_init(&x);
	MUST(db_write(x.db, judged_work, &none, &why));
	CHECK(fixture_number(&x, "SELECT count(*) FROM reputation") == 0);
	vote_on(&x, "a@x.test", "x.test", "192.0.2.0/24");
	CHECK(fixture_number(&x, "SELECT count(*) FROM reputation") == 2);
	vote_on(&x, "", "y.test", "192.0.2.0/24");
	CHECK(fixture_number(&x, "SELECT count(*) FROM reputation") == 3);
	vote_on(&x, "", "", "192.0.2.0/24");
	CHECK(fixture_number(&x, "SELECT count(*) FROM reputation") == 4);
	CHECK(fixture_number(&x, "SELECT sum(bad) FROM reputation") == 4);
	fixture_release(&x);
}

struct writing {
	int64_t account;
	const char *address;
	int64_t now_ms;
	bool is_new;
	int knows, anybody;
};

static int
write_work(struct db *db, void *arg, struct fail *f)
{
	struct writing *w = arg;

	w->knows = correspondent_known(db, w->account, str_of(w->address), f);
	w->anybody = correspondent_known(db, 0, str_of(w->address), f);
	return w->now_ms == 0
	           ? 0
	           : correspondent_note(db, w->account, str_of(w->address),
			 w->now_ms, &w->is_new, f);
}

static void
test_correspondents(void)
{
	struct fixture x;
	struct writing w = {.address = "a@x.test", .now_ms = NOW};

	fixture_init(&x);
	w.account = x.alice;
	MUST(db_write(x.db, write_work, &w, &why));
	CHECK(w.knows == 0 && w.anybody == 0 && w.is_new);
	w.now_ms = NOW + 5;
	MUST(db_write(x.db, write_work, &w, &why));
	CHECK(w.knows == 1 && w.anybody == 1 && !w.is_new);
	CHECK(
	    fixture_number(&x, "SELECT last - first FROM correspondent") == 5);
	w.account = x.bob;
	w.now_ms = 0;
	MUST(db_write(x.db, write_work, &w, &why));
	CHECK(w.knows == 0 && w.anybody == 1);
	fixture_release(&x);
}

int
main(void)
{
	test_votes();
	test_fading();
	test_verdicts();
	test_correspondents();
	return TEST_EXIT();
}
