/* SPDX-License-Identifier: MIT */
/* What is kept of other domains' TLS: policies, and counts of sessions. */
#include "common/store/sts_policy.h"
#include "common/store/tls_result.h"
#include "tests/unit/store/fixture.h"

/* ---- policies ---- */

struct ask {
	const char *domain;
	int64_t now_ms, before_ms, since_ms;
	struct sts_policy policy;
	struct buf text;
	int found;
	size_t n;
};

static int
put(struct db *db, void *arg, struct fail *f)
{
	return sts_policy_put(db, arg, f);
}

static int
find(struct db *db, void *arg, struct fail *f)
{
	struct ask *a = arg;

	a->found = sts_policy_find(
	    db, str_of(a->domain), a->now_ms, &a->policy, &a->text, f);
	return a->found == -1 ? -1 : 0;
}

static int
old(struct db *db, void *arg, struct fail *f)
{
	struct ask *a = arg;

	buf_clear(&a->text);
	return sts_policy_old(db, a->before_ms, a->since_ms, a->n, &a->text, f);
}

static int
sweep(struct db *db, void *arg, struct fail *f)
{
	struct ask *a = arg;

	return sts_policy_sweep(db, a->now_ms, 1, &a->n, f);
}

static void
test_policies(struct fixture *x)
{
	struct sts_policy rows[] = {
	    {STR("a.test"), STR("1"), STR("text a"), NOW,      NOW + 50, NOW    },
	    {STR("b.test"), STR("2"), STR("text b"), NOW + 10, NOW + 40, NOW    },
	    {STR("c.test"), STR(""),  STR(""),       NOW + 10, NOW + 60, 7      },
	    {STR("a.test"), STR("3"), STR("new"),    NOW + 5,  NOW + 55, NOW + 1},
	};
	struct ask a = {.domain = "a.test", .now_ms = NOW};

	buf_init(&a.text, MB);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		MUST(db_write(x->db, put, &rows[i], &why));
	MUST(db_read(x->db, find, &a, &why));
	CHECK(a.found == 1 && str_eq(a.policy.id, STR("3")));
	CHECK(str_eq(a.policy.text, STR("new")));
	CHECK(a.policy.fetched_ms == NOW + 5 && a.policy.used_ms == NOW + 1);
	CHECK(a.policy.expires_ms == NOW + 55);
	a.now_ms = NOW + 54;
	MUST(db_read(x->db, find, &a, &why));
	CHECK(a.found == 1);
	a.now_ms = NOW + 55;
	MUST(db_read(x->db, find, &a, &why));
	CHECK(a.found == 0);
	a.domain = "c.test";
	MUST(db_read(x->db, find, &a, &why));
	CHECK(a.found == 1 && a.policy.id.len == 0 && a.policy.text.len == 0);
	a.domain = "z.test";
	MUST(db_read(x->db, find, &a, &why));
	CHECK(a.found == 0);
	/* who is to be fetched anew: not c, which nobody uses */
	a.n = 9;
	a.before_ms = NOW + 11;
	a.since_ms = NOW;
	MUST(db_read(x->db, old, &a, &why));
	CHECK(str_eq(buf_str(&a.text), STR("b.test\0a.test\0")));
	a.before_ms = NOW + 10;
	MUST(db_read(x->db, old, &a, &why));
	CHECK(str_eq(buf_str(&a.text), STR("a.test\0")));
	a.before_ms = NOW + 11;
	a.n = 1;
	MUST(db_read(x->db, old, &a, &why));
	CHECK(str_eq(buf_str(&a.text), STR("b.test\0")));
	/* the end */
	a.now_ms = NOW + 39;
	MUST(db_write(x->db, sweep, &a, &why));
	CHECK(a.n == 0);
	a.now_ms = NOW + 55;
	for (size_t left = 3; left > 0; left--) {
		MUST(db_write(x->db, sweep, &a, &why));
		CHECK(a.n == (left > 1));
	}
	CHECK(fixture_number(x, "SELECT count(*) FROM sts_policy") == 1);
	buf_release(&a.text);
}

/* ---- counts ---- */

struct look {
	int64_t before, day;
	char domain[TLS_RESULT_DOMAIN_MAX];
	struct tls_result_list list;
	struct tls_result_limits max;
	size_t n;
	int got;
};

static int
add(struct db *db, void *arg, struct fail *f)
{
	return tls_result_add(db, arg, f);
}

static int
next(struct db *db, void *arg, struct fail *f)
{
	struct look *l = arg;

	l->got = tls_result_next(db, l->before, &l->day, l->domain, f);
	return l->got == -1 ? -1 : 0;
}

static int
read_all(struct db *db, void *arg, struct fail *f)
{
	struct look *l = arg;

	return tls_result_read(
	    db, l->day, str_of(l->domain), &l->max, &l->list, f);
}

static int
remove_it(struct db *db, void *arg, struct fail *f)
{
	struct look *l = arg;

	return tls_result_remove(db, l->day, str_of(l->domain), f);
}

#define P STR("{\"policy-type\":\"sts\"}")
#define N STR("{\"policy-type\":\"no-policy-found\"}")

static const struct str none = {"", 0};

static void
test_counts(struct fixture *x)
{
	struct tls_result_row rows[] = {
	    {7, STR("b.test"), P, none,                       STR("mx"), none, none, none,         5},
	    {7, STR("b.test"), P, STR("certificate-expired"), STR("mx"),
             STR("192.0.2.1"),						 none, STR("first"), 1},
	    {7, STR("b.test"), P, STR("certificate-expired"), STR("mx"),
             STR("192.0.2.1"),						 none, STR("last"),  2},
	    {7, STR("b.test"), N, none,                       STR("mx"), none, none, none,         1},
	    {7, STR("a.test"), N, none,                       none,      none, none, none,         1},
	    {8, STR("a.test"), N, none,                       none,      none, none, none,         1},
	    {9, STR("a.test"), N, none,                       none,      none, none, none,         1},
	};
	struct look l = {
	    .before = 9, .day = -1, .max = {10, MB}
        };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		MUST(db_write(x->db, add, &rows[i], &why));
	MUST(db_read(x->db, next, &l, &why));
	CHECK(l.got == 1 && l.day == 7);
	CHECK_STR(l.domain, "a.test");
	MUST(db_read(x->db, next, &l, &why));
	CHECK(l.got == 1 && l.day == 7);
	CHECK_STR(l.domain, "b.test");
	MUST(db_read(x->db, read_all, &l, &why));
	CHECK(l.list.n == 3);
	CHECK(str_eq(l.list.rows[0].policy, N) && l.list.rows[0].sessions == 1);
	CHECK(str_eq(l.list.rows[1].policy, P) && l.list.rows[1].sessions == 5);
	CHECK(l.list.rows[2].policy.at == l.list.rows[1].policy.at);
	CHECK(str_eq(l.list.rows[2].result, STR("certificate-expired")));
	CHECK(str_eq(l.list.rows[2].host, STR("mx")));
	CHECK(str_eq(l.list.rows[2].ip, STR("192.0.2.1")));
	CHECK(str_eq(l.list.rows[2].reason, STR("last")));
	CHECK(l.list.rows[2].sessions == 3);
	tls_result_list_release(&l.list);
	CHECK(!l.list.more);
	l.max.rows = 2;
	MUST(db_read(x->db, read_all, &l, &why));
	CHECK(l.list.n == 2 && l.list.more);
	tls_result_list_release(&l.list);
	/* the policy that rows share is there once */
	l.max = (struct tls_result_limits){10, N.len + P.len + 25};
	MUST(db_read(x->db, read_all, &l, &why));
	CHECK(l.list.n == 2 && l.list.more);
	CHECK(l.list.octets > l.max.octets);
	tls_result_list_release(&l.list);
	MUST(db_write(x->db, remove_it, &l, &why));
	MUST(db_read(x->db, next, &l, &why));
	CHECK(l.got == 1 && l.day == 8);
	MUST(db_read(x->db, next, &l, &why));
	CHECK(l.got == 0);
	CHECK(fixture_number(x, "SELECT count(*) FROM tls_result") == 3);
}

int
main(void)
{
	struct fixture x;

	fixture_init(&x);
	test_policies(&x);
	test_counts(&x);
	fixture_release(&x);
	return TEST_EXIT();
}
