/* SPDX-License-Identifier: MIT */
#include "common/store/queue.h"
#include "tests/unit/store/fixture.h"

static int
record(struct db *db, void *arg, struct fail *f)
{
	return queue_record(db, arg, f);
}

struct order {
	enum queue_order order;
	int64_t trace;
	const char *domain;
	int64_t now_ms;
	size_t changed;
};

static int
change(struct db *db, void *arg, struct fail *f)
{
	struct order *o = arg;

	return queue_change(db,
	    &(struct queue_command){
		.order = o->order,
		.which = {.trace = o->trace, .domain = str_of(o->domain)},
		.now_ms = o->now_ms
        },
	    &o->changed, f);
}

static int64_t
send_three(struct fixture *x)
{
	struct delivery_target targets[] = {
	    {0,        STR("a@one.test"),   .original = STR("")           },
	    {0,        STR("b@one.test"),   .original = STR("list@d.test")},
	    {0,        STR("c@two.test"),   .original = STR("")           },
	    {x->alice, STR("alice@d.test"), .original = STR("")           },
	};
	struct fail f;
	int64_t trace = fixture_deliver(x, STR("to three\r\n"), targets, 4, &f);

	CHECK(trace > 0);
	return trace;
}

static size_t
due(struct fixture *x, const char *domain, int64_t now)
{
	struct queue_list l;
	size_t n;

	MUST(queue_due(x->db, str_of(domain), now, 100, &l, &why));
	n = l.n;
	queue_list_release(&l);
	return n;
}

static int
turns(struct db *db, int64_t now_ms, struct queue_turn **out, size_t *n,
    struct fail *f)
{
	struct buf after;
	int rc;

	buf_init(&after, KB);
	rc = queue_turns(db, now_ms, 10, &after, out, n, f);
	buf_release(&after);
	return rc;
}

static void
what_is_due(void)
{
	struct fixture x;
	struct queue_turn *domains;
	size_t n;
	int64_t when, trace;
	struct queue_list l;
	struct queue_outcome later = {.n = 1,
	    .result = QUEUE_DEFERRED,
	    .next_ms = NOW + 300000,
	    .now_ms = NOW + 1,
	    .code = 451,
	    .reply = STR("4.3.0 not now"),
	    .host = STR("mx.one.test [192.0.2.1]"),
	    .detail = STR("TLSv1.3: 451 4.3.0 not now")};

	fixture_init(&x);
	MUST(queue_next_due(x.db, &when, &why));
	CHECK(when == INT64_MAX);
	MUST(turns(x.db, NOW, &domains, &n, &why));
	CHECK(n == 0);
	free(domains);
	trace = send_three(&x);
	MUST(queue_next_due(x.db, &when, &why));
	CHECK(when == NOW);
	CHECK(due(&x, "one.test", NOW - 1) == 0);
	CHECK(due(&x, "one.test", NOW) == 2);
	later.trace = trace;
	MUST(db_write(x.db, record, &later, &why));
	later.n = 3;
	MUST(db_write(x.db, record, &later, &why));
	CHECK(due(&x, "one.test", NOW) == 1);
	CHECK(due(&x, "two.test", NOW) == 0);
	MUST(turns(x.db, NOW, &domains, &n, &why));
	CHECK(n == 1);
	CHECK_STR(domains[0].domain, "one.test");
	free(domains);
	MUST(turns(x.db, NOW + 300000, &domains, &n, &why));
	CHECK(n == 2);
	CHECK_STR(domains[0].domain, "one.test");
	CHECK_STR(domains[1].domain, "two.test");
	free(domains);
	MUST(queue_read(x.db,
	    &(struct queue_filter){.trace = trace, .domain = STR("one.test")},
	    NOW, 10, &l, &why));
	CHECK(l.n == 2 && l.entries[0].tries == 1);
	CHECK(l.entries[0].last_code == 451);
	CHECK(l.entries[0].last_ms == NOW + 1);
	CHECK(l.entries[0].next_ms == NOW + 300000);
	CHECK_STR(l.entries[0].last_reply, "4.3.0 not now");
	CHECK_STR(l.entries[0].last_host, "mx.one.test [192.0.2.1]");
	CHECK(l.entries[1].tries == 0 && l.entries[1].last_reply == NULL);
	CHECK_STR(l.entries[1].original, "list@d.test");
	CHECK(l.entries[0].original == NULL);
	CHECK_STR(l.entries[1].sender, "sender@remote.test");
	CHECK(l.entries[1].size == 10 && l.entries[1].account == 0);
	queue_list_release(&l);
	CHECK(fixture_is_clean(&x));
	fixture_release(&x);
}

static int
count_step(void *arg)
{
	++*(int *)arg;
	return 0;
}

/* What waits for later costs nothing: maild asks at each message. */
static void
only_what_is_due_is_looked_at(void)
{
	struct fixture x;
	struct queue_turn *domains;
	size_t n, waiting, held;
	int steps = 0;

	fixture_init(&x);
	send_three(&x);
	MUST(txn_lock(x.db, &why));
	MUST(sql_exec(x.db->sqlite,
	    "WITH RECURSIVE c (i) AS (SELECT 10 UNION ALL SELECT i + 1 FROM c"
	    " WHERE i < 30009) INSERT INTO recipient (trace, n, address,"
	    " domain, state, next_at) SELECT (SELECT trace FROM queue), i,"
	    " 'x@far.test', 'far' || i % 1000 || '.test', i % 3 = 0,"
	    " 1795000600000 FROM c",
	    &why));
	txn_unlock(x.db);
	sqlite3_progress_handler(x.db->sqlite, 1, count_step, &steps);
	MUST(turns(x.db, NOW, &domains, &n, &why));
	sqlite3_progress_handler(x.db->sqlite, 0, NULL, NULL);
	CHECK(n == 2);
	CHECK(steps < 500);
	free(domains);
	steps = 0;
	sqlite3_progress_handler(x.db->sqlite, 1, count_step, &steps);
	MUST(queue_count(x.db, &waiting, &held, &why));
	sqlite3_progress_handler(x.db->sqlite, 0, NULL, NULL);
	CHECK(waiting == 20003 && held == 10000);
	CHECK((size_t)steps < 6 * held); /* of those that are not, none */
	fixture_release(&x);
}

static void
the_last_takes_the_body_along(void)
{
	static const enum queue_result results[] = {
	    QUEUE_RELAYED, QUEUE_FAILED, QUEUE_EXPIRED};
	static const enum hop_kind kinds[] = {
	    HOP_RELAYED, HOP_FAILED, HOP_EXPIRED};
	struct fixture x;
	int64_t trace;

	fixture_init(&x);
	trace = send_three(&x);
	CHECK(fixture_number(&x, "SELECT refs FROM body") == 2);
	for (int i = 0; i < 3; i++) {
		struct queue_outcome o = {.trace = trace,
		    .n = i + 1,
		    .result = results[i],
		    .now_ms = NOW,
		    .code = 250,
		    .reply = STR("2.0.0 queued as 7")};
		char sql[80];

		MUST(db_write(x.db, record, &o, &why));
		/* once more: it is gone, and that is no error; if it went,
		 * that is told all the same */
		o.address = STR("too late");
		MUST(db_write(x.db, record, &o, &why));
		snprintf(sql, sizeof(sql),
		    "SELECT count(*) FROM hop WHERE kind = %d AND detail ="
		    " '2.0.0 queued as 7'",
		    (int)kinds[i]);
		CHECK(fixture_number(&x, sql) ==
		      (results[i] == QUEUE_RELAYED ? 2 : 1));
		CHECK(fixture_is_clean(&x));
	}
	CHECK(fixture_number(&x, "SELECT count(*) FROM hop WHERE recipient ="
				 " 'too late'") == 1);
	CHECK(fixture_number(&x, "SELECT count(*) FROM queue") == 0);
	CHECK(fixture_number(&x, "SELECT refs FROM body") == 1);
	fixture_release(&x);
}

static void
orders_of_people(void)
{
	static const struct {
		enum queue_order order;
		bool this_one;
		const char *domain;
		size_t changed, due_one, due_two;
	} steps[] = {
	    {QUEUE_HOLD,    true,  "one.test", 2, 2, 2},
	    {QUEUE_HOLD,    true,  "one.test", 0, 2, 2},
	    {QUEUE_RETRY,   true,  "",         1, 2, 2},
	    {QUEUE_HOLD,    false, "",         4, 0, 0},
	    {QUEUE_RELEASE, false, "two.test", 2, 0, 2},
	    {QUEUE_RELEASE, true,  "",         2, 2, 2},
	    {QUEUE_DROP,    true,  "two.test", 1, 2, 1},
	    {QUEUE_DROP,    true,  "",         2, 0, 1},
	    {QUEUE_DROP,    true,  "",         0, 0, 1},
	    {QUEUE_DROP,    false, "",         3, 0, 0},
	};
	struct fixture x;
	int64_t trace;

	fixture_init(&x);
	trace = send_three(&x);
	send_three(&x);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		struct order o = {.order = steps[i].order,
		    .trace = steps[i].this_one ? trace : 0,
		    .domain = steps[i].domain,
		    .now_ms = NOW + 5};

		MUST(db_write(x.db, change, &o, &why));
		if (o.changed != steps[i].changed)
			fprintf(stderr, "step %zu: %zu\n", i, o.changed);
		CHECK(o.changed == steps[i].changed);
		CHECK(due(&x, "one.test", NOW + 5) == steps[i].due_one);
		CHECK(due(&x, "two.test", NOW + 5) == steps[i].due_two);
		CHECK(fixture_is_clean(&x));
	}
	CHECK(fixture_number(&x, "SELECT count(*) FROM queue") == 0);
	CHECK(fixture_number(&x, "SELECT count(*) FROM hop WHERE daemon = 4") ==
	      2 + 1 + 4 + 2 + 2 + 1 + 2 + 3);
	fixture_release(&x);
}

/* It was sent elsewhere while it was tried: of what the first server says,
 * only that it took it still counts. */
static void
of_what_goes_elsewhere(void)
{
	static const struct {
		enum queue_result result;
		int64_t hops, left;
	} rows[] = {
	    {QUEUE_DEFERRED, 1, 1},
	    {QUEUE_FAILED,   2, 1},
	    {QUEUE_EXPIRED,  3, 1},
	    {QUEUE_RELAYED,  4, 0},
	};
	struct fixture x;
	struct queue_outcome o = {.n = 3,
	    .address = STR("c@two.test"),
	    .domain = STR("three.test"),
	    .next_ms = NOW + 300000,
	    .now_ms = NOW,
	    .told = true,
	    .reply = STR("of the first one")};

	fixture_init(&x);
	o.trace = send_three(&x);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		CHECK(fixture_number(&x,
			  "SELECT count(*) FROM recipient WHERE n = 3 AND"
			  " tries = 0 AND told = 0 AND next_at = "
			  "1795000000000") == 1);
		CHECK(queue_is_there(x.db, o.trace, 3, o.address,
			  STR("two.test"), &(struct fail){0}) == 1);
		CHECK(queue_is_there(x.db, o.trace, 3, o.address, o.domain,
			  &(struct fail){0}) == 0);
		o.result = rows[i].result;
		MUST(db_write(x.db, record, &o, &why));
		CHECK(fixture_number(&x,
			  "SELECT count(*) FROM hop WHERE"
			  " detail = 'of the first one'") == rows[i].hops);
		CHECK(fixture_number(&x, "SELECT count(*) FROM recipient"
					 " WHERE n = 3") == rows[i].left);
		CHECK(fixture_is_clean(&x));
	}
	fixture_release(&x);
}

/* The number was given to another recipient of the message meanwhile. */
static void
of_another_one(void)
{
	static const enum queue_result results[] = {
	    QUEUE_DEFERRED, QUEUE_FAILED, QUEUE_EXPIRED, QUEUE_RELAYED};
	struct fixture x;
	struct queue_outcome o = {.n = 3,
	    .address = STR("before@two.test"),
	    .domain = STR("two.test"),
	    .next_ms = NOW + 300000,
	    .now_ms = NOW};

	fixture_init(&x);
	o.trace = send_three(&x);
	for (size_t i = 0; i < sizeof(results) / sizeof(results[0]); i++) {
		o.result = results[i];
		MUST(db_write(x.db, record, &o, &why));
		CHECK(fixture_number(&x, "SELECT count(*) FROM recipient"
					 " WHERE n = 3 AND tries = 0") == 1);
		CHECK(fixture_is_clean(&x));
	}
	CHECK(fixture_number(&x, "SELECT count(*) FROM hop WHERE"
				 " recipient = 'before@two.test'") == 1);
	fixture_release(&x);
}

int
main(void)
{
	of_what_goes_elsewhere();
	of_another_one();
	what_is_due();
	only_what_is_due_is_looked_at();
	the_last_takes_the_body_along();
	orders_of_people();
	return TEST_EXIT();
}
