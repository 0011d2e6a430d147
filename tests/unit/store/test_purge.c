/* SPDX-License-Identifier: MIT */
/* Old journeys go, oldest first, unless their message still waits. */
#include "common/store/attempt.h"
#include "common/store/hop.h"
#include "common/store/purge.h"
#include "tests/unit/store/fixture.h"

#define DAY (INT64_C(24) * 60 * 60 * 1000)

struct purging {
	int64_t before_ms;
	size_t max, n;
};

static int
purge(struct db *db, void *arg, struct fail *f)
{
	struct purging *p = arg;

	return purge_journeys_before(db, p->before_ms, p->max, &p->n, f);
}

static void
ignore_head(void *arg, const struct journey *j)
{
	(void)arg;
	(void)j;
}

static void
count_hop(void *arg, const struct hop *h)
{
	(void)h;
	++*(int *)arg;
}

struct reading {
	int64_t trace;
	int got, hops;
};

static int
read_one(struct db *db, void *arg, struct fail *f)
{
	struct reading *r = arg;

	r->got = journey_read(
	    db, r->trace, ignore_head, count_hop, &r->hops, f);
	return r->got == -1 ? -1 : 0;
}

static bool
is_known(struct fixture *x, int64_t trace)
{
	struct reading r = {.trace = trace};

	MUST(db_read(x->db, read_one, &r, &why));
	CHECK((r.hops > 0) == (r.got == 1));
	return r.got == 1;
}

/* A message of that day, to alice or to somebody far away. */
static int64_t
deliver(struct fixture *x, int64_t day, bool far)
{
	struct delivery_target target = {
	    .account = far ? 0 : x->alice,
	    .address = far ? STR("x@far.test") : STR("alice@d.test"),
	};
	struct stage *stage = stage_new(x->dir);
	struct delivery d = fixture_delivery(++x->trace, stage, &target, 1);

	d.now_ms = NOW + day * DAY;
	d.expires_ms = d.now_ms + 5 * DAY;
	stage_add(stage, STR("Subject: x\r\n\r\nx\r\n"));
	MUST(stage_seal(stage, STR(""), &why));
	MUST(db_write(x->db, fixture_deliver_work, &d, &why));
	stage_free(stage);
	return d.trace;
}

static int
attempt(struct db *db, void *arg, struct fail *f)
{
	return attempt_put(db, *(int64_t *)arg,
	    &(struct attempt_row){.at_ms = NOW, .dialogue = STR("S: 451 no\n")},
	    f);
}

int
main(void)
{
	struct fixture x;
	struct purging p = {.before_ms = NOW + 3 * DAY, .max = 2};

	fixture_init(&x);
	int64_t first = deliver(&x, 0, false);
	int64_t waits = deliver(&x, 0, true);
	int64_t second = deliver(&x, 1, false);
	int64_t third = deliver(&x, 2, false);
	int64_t young = deliver(&x, 3, false);

	MUST(db_write(x.db, attempt, &first, &why));
	MUST(db_write(x.db, attempt, &waits, &why));
	MUST(db_write(x.db, attempt, &young, &why));
	MUST(db_write(x.db, purge, &p, &why));
	CHECK(p.n == 2);
	CHECK(fixture_number(&x, "SELECT count(*) FROM attempt") == 2);
	CHECK(!is_known(&x, first) && is_known(&x, waits));
	CHECK(!is_known(&x, second) && is_known(&x, third));
	MUST(db_write(x.db, purge, &p, &why));
	CHECK(p.n == 1);
	CHECK(is_known(&x, waits) && !is_known(&x, third));
	MUST(db_write(x.db, purge, &p, &why));
	CHECK(p.n == 0);
	CHECK(is_known(&x, waits) && is_known(&x, young));
	CHECK(fixture_is_clean(&x));
	fixture_release(&x);
	return TEST_EXIT();
}
