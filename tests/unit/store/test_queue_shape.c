/* SPDX-License-Identifier: MIT */
/* The queue by destination and age; destinations that are stopped. */
#include "common/store/queue.h"
#include "tests/unit/store/fixture.h"

#define MINUTE INT64_C(60000)

struct letter {
	int64_t trace, age_min;
	const char *domain;
	int held, last_min; /* last_min: tried so long ago; 0: not */
};

static void
put(struct fixture *x, const struct letter *l)
{
	char sql[600];

	snprintf(sql, sizeof(sql),
	    "INSERT OR IGNORE INTO queue (trace, body, sender, created,"
	    " expires) VALUES (%lld, 1, 'x', %lld,"
	    " %lld);"
	    "INSERT INTO recipient (trace, n, address, domain, state, next_at,"
	    " last_at, last_reply) VALUES (%lld, 1, 'x@far.test', '%s', %d,"
	    " %lld, nullif(%lld, 0), iif(%d > 0, 'tried %d', NULL))",
	    (long long)l->trace, (long long)(NOW - l->age_min * MINUTE),
	    (long long)NOW, (long long)l->trace, l->domain, l->held,
	    (long long)(NOW + l->trace * 1000),
	    l->last_min > 0 ? (long long)(NOW - l->last_min * MINUTE) : 0LL,
	    l->last_min, l->last_min);
	MUST(sql_exec(x->db->sqlite, sql, &why));
}

struct seen {
	size_t n;
	char domain[8][32], reply[8][32];
	struct queue_shape shape[8];
};

static void
take(void *arg, const struct queue_shape *s)
{
	struct seen *seen = arg;
	size_t sum = 0;

	for (size_t i = 0; i < QUEUE_AGES; i++)
		sum += s->ages[i];
	CHECK(sum == s->total);
	snprintf(seen->domain[seen->n], 32, "%.*s", STR_FMT(s->domain));
	snprintf(seen->reply[seen->n], 32, "%.*s", STR_FMT(s->last_reply));
	seen->shape[seen->n++] = *s;
}

static int
pause_work(struct db *db, void *arg, struct fail *f)
{
	int *want = arg;
	int got = queue_pause(db, STR("b.test"), STR("they asked"), NOW, f);

	CHECK(got == *want);
	return got == -1 ? -1 : 0;
}

static int
unpause_work(struct db *db, void *arg, struct fail *f)
{
	int *want = arg;
	int got = queue_unpause(db, STR("b.test"), f);

	CHECK(got == *want);
	return got == -1 ? -1 : 0;
}

static void
is_b(void *arg, struct str domain, int64_t since_ms, struct str why)
{
	++*(int *)arg;
	CHECK(str_eq(domain, STR("b.test")) && since_ms == NOW);
	CHECK(str_eq(why, STR("they asked")));
}

static void
pausing(struct fixture *x)
{
	int n = 0, yes = 1, no = 0;

	MUST(queue_paused(x->db, is_b, &n, &why));
	CHECK(n == 0);
	MUST(db_write(x->db, unpause_work, &no, &why));
	MUST(db_write(x->db, pause_work, &yes, &why));
	MUST(db_write(x->db, pause_work, &no, &why));
	MUST(queue_paused(x->db, is_b, &n, &why));
	CHECK(n == 1);
	MUST(db_write(x->db, unpause_work, &yes, &why));
	MUST(queue_paused(x->db, is_b, &n, &why));
	CHECK(n == 1);
	MUST(db_write(x->db, pause_work, &yes, &why));
}

static void
shape(void)
{
	static const struct letter letters[] = {
	    {1,  0,    "a.test", 0, 0  },
	    {2,  4,    "a.test", 0, 3  },
	    {3,  5,    "a.test", 1, 2  },
	    {4,  14,   "a.test", 0, 9  },
	    {5,  15,   "a.test", 0, 0  },
	    {6,  2879, "a.test", 0, 0  },
	    {7,  2880, "a.test", 0, 0  },
	    {8,  9999, "b.test", 0, 0  },
	    {9,  60,   "b.test", 0, 0  },
	    {10, 300,  "c.test", 1, 100},
	};
	static const size_t ages[][QUEUE_AGES] = {
	    {2, 2, 1, 0, 0, 0, 1, 1},
	    {0, 0, 0, 1, 0, 0, 0, 1},
	    {0, 0, 0, 0, 1, 0, 0, 0},
	};
	struct fixture x;
	struct seen seen = {0};

	fixture_init(&x);
	MUST(queue_shape(x.db, NOW, 8, take, &seen, &why));
	CHECK(seen.n == 0);
	MUST(txn_lock(x.db, &why));
	for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++)
		put(&x, &letters[i]);
	txn_unlock(x.db);
	pausing(&x);
	MUST(queue_shape(x.db, NOW, 8, take, &seen, &why));
	CHECK(seen.n == 3);
	CHECK_STR(seen.domain[0], "a.test");
	CHECK_STR(seen.domain[1], "b.test");
	CHECK_STR(seen.domain[2], "c.test");
	for (size_t i = 0; i < 3; i++)
		CHECK(
		    memcmp(seen.shape[i].ages, ages[i], sizeof(ages[i])) == 0);
	CHECK(seen.shape[0].next_ms == NOW + 1000);
	CHECK(seen.shape[1].next_ms == NOW + 8000);
	CHECK(seen.shape[2].next_ms == 0);
	CHECK_STR(seen.reply[0], "tried 2");
	CHECK_STR(seen.reply[1], "");
	CHECK_STR(seen.reply[2], "tried 100");
	CHECK(!seen.shape[0].paused && seen.shape[1].paused);
	seen.n = 0;
	MUST(queue_shape(x.db, NOW, 1, take, &seen, &why));
	CHECK(seen.n == 1 && seen.shape[0].total == 7);
	fixture_release(&x);
}

int
main(void)
{
	shape();
	return TEST_EXIT();
}
