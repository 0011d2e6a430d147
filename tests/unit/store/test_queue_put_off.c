/* SPDX-License-Identifier: MIT */
/* One outcome for a whole destination: as if each had been recorded alone. */
#include "common/store/attempt.h"
#include "common/store/queue.h"
#include "tests/unit/store/fixture.h"

#define MANY  1203
#define LATER (NOW + 300000)

static void
sql(struct fixture *x, const char *text)
{
	MUST(txn_lock(x->db, &why));
	MUST(sql_exec(x->db->sqlite, text, &why));
	txn_unlock(x->db);
}

/* Two messages with MANY recipients at dead.test between them, one at
 * other.test. */
static void
fill(struct fixture *x)
{
	struct delivery_target to = {
	    0, STR("a@other.test"), .original = STR("")};
	struct fail f;
	char text[500];

	CHECK(fixture_deliver(x, STR("one\r\n"), &to, 1, &f) > 0);
	CHECK(fixture_deliver(x, STR("two\r\n"), &to, 1, &f) > 0);
	snprintf(text, sizeof(text),
	    "WITH RECURSIVE c (i) AS (SELECT 10 UNION ALL SELECT i + 1 FROM c"
	    " WHERE i < %d) INSERT INTO recipient (trace, n, address, domain,"
	    " next_at, tries) SELECT (SELECT iif(i %% 3 = 0, min(trace),"
	    " max(trace)) FROM queue), i, 'x' || i || '@dead.test',"
	    " 'dead.test', %lld - i, i %% 4 FROM c",
	    MANY + 9, (long long)NOW);
	sql(x, text);
}

/* x20 to x29 are for somebody else to see to; x30 cannot be judged. */
static int64_t
next_time(
    void *arg, struct db *db, const struct queue_due_row *r, struct fail *f)
{
	bool *fails = arg;

	(void)db;
	CHECK(r->expires_ms > NOW && r->since_ms <= NOW && !r->told);
	if (str_starts(r->address, STR("x2")) && r->address.len == 13)
		return 0;
	if (*fails && str_eq(r->address, STR("x1111@dead.test")))
		return fail(f, FAIL_TEMP, "not now");
	return LATER + r->tries;
}

static int
put_off(struct fixture *x, struct queue_put_off *p, size_t max)
{
	struct fail f = {0};
	int got;

	MUST(txn_lock(x->db, &why));
	MUST(txn_begin(x->db, &why));
	got = queue_put_off(x->db, p, max, &f);
	if (got == -1)
		txn_rollback(x->db);
	else
		MUST(txn_commit(x->db, &why));
	txn_unlock(x->db);
	return got;
}

static void
check_rows(struct fixture *x, int64_t put_off)
{
	CHECK(
	    fixture_number(x,
		"SELECT count(*) FROM recipient WHERE last_at = 1795000000000"
		" AND last_code = 0 AND last_reply = '4.4.1 gone' AND"
		" last_host IS NULL AND domain = 'dead.test' AND next_at ="
		" 1795000300000 + tries - 1 AND tries = n % 4 + 1") == put_off);
	CHECK(fixture_number(x, "SELECT count(*) FROM recipient WHERE tries <>"
				" n % 4 AND domain = 'dead.test'") == put_off);
	CHECK(fixture_number(x,
		  "SELECT count(*) FROM hop h JOIN recipient r ON"
		  " r.trace = h.trace AND r.address = h.recipient"
		  " WHERE h.kind = 5 AND h.daemon = 2 AND h.code IS NULL AND"
		  " h.at = 1795000000000 AND h.detail = '4.4.1 gone' AND"
		  " r.last_at IS NOT NULL") == put_off);
	CHECK(fixture_number(x, "SELECT count(*) FROM hop WHERE kind = 5") ==
	      put_off);
	/* whose turn it is follows */
	CHECK(fixture_number(x,
		  "SELECT count(*) FROM destination d WHERE next_at <> (SELECT"
		  " min(next_at) FROM recipient r WHERE r.domain = d.domain"
		  " AND state = 0)") == 0);
}

static void
all_are_put_off(size_t max)
{
	const struct attempt_row said = {NOW, STR(""), STR("S: go away\n")};
	struct queue_key except[2];
	struct fixture x;
	bool fails = false;
	struct queue_put_off p = {.domain = STR("dead.test"),
	    .due_ms = NOW - 12,
	    .now_ms = NOW,
	    .reply = STR("4.4.1 gone"),
	    .detail = STR("4.4.1 gone"),
	    .attempt = &said,
	    .except = except,
	    .n_except = 2,
	    .next = next_time,
	    .arg = &fails};
	size_t steps = 1;

	fixture_init(&x);
	fill(&x);
	for (int i = 0; i < 2; i++)
		except[i] = (struct queue_key){
		    fixture_number(
			&x, i == 0 ? "SELECT trace FROM recipient WHERE"
				     " n = 40 AND domain = 'dead.test'"
				   : "SELECT trace FROM recipient WHERE"
				     " n = 900 AND domain = 'dead.test'"),
		    i == 0 ? 40 : 900};
	sql(&x, "UPDATE recipient SET state = 1 WHERE n = 50");
	while (put_off(&x, &p, max) == 1)
		steps++;
	/* of 1203: two were not due yet, ten are others', two in hand, one
	 * held */
	CHECK(p.left == 10 && p.put_off == MANY - 15);
	CHECK(steps == (MANY - 3) / max + 1);
	check_rows(&x, MANY - 15);
	CHECK(fixture_number(&x, "SELECT count(*) FROM attempt") == 2);
	CHECK(fixture_number(&x, "SELECT count(*) FROM recipient WHERE"
				 " domain = 'other.test' AND tries = 0") == 2);
	fixture_release(&x);
}

/* A transaction that is lost leaves the order where it was. */
static void
one_is_lost(void)
{
	struct fixture x;
	bool fails = true;
	struct queue_put_off p = {.domain = STR("dead.test"),
	    .due_ms = NOW,
	    .now_ms = NOW,
	    .reply = STR("4.4.1 gone"),
	    .detail = STR("4.4.1 gone"),
	    .next = next_time,
	    .arg = &fails};
	int got;

	fixture_init(&x);
	fill(&x);
	while ((got = put_off(&x, &p, 100)) == 1)
		;
	CHECK(got == -1);
	check_rows(&x, (int64_t)p.put_off);
	CHECK(p.put_off > 0 && p.put_off < MANY - 10);
	fails = false;
	while ((got = put_off(&x, &p, 100)) == 1)
		;
	CHECK(got == 0 && p.put_off == MANY - 10 && p.left == 10);
	check_rows(&x, MANY - 10);
	fixture_release(&x);
}

int
main(void)
{
	all_are_put_off(2000);
	all_are_put_off(500);
	all_are_put_off(7);
	one_is_lost();
	return TEST_EXIT();
}
