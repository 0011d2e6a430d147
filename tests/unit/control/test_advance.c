/* SPDX-License-Identifier: MIT */
/* test.next and test.advance: what waits, what happened, and time that passes.
 * The queue's times are far from the real one: the clock is the test's. */
#include <jansson.h>

#include "common/control/command.h"
#include "common/store/queue.h"
#include "tests/unit/store/fixture.h"

static int64_t now_ms = NOW;

static int64_t
test_time(void *arg)
{
	(void)arg;
	return now_ms;
}

static const struct clock test_clock = {test_time, test_time, NULL};
static struct control_outcome outcome;

static json_t *
ask(const struct control *c, json_t *request)
{
	json_t *reply = control_run(c, request, &outcome);

	json_decref(request);
	return reply;
}

static json_int_t
number(const json_t *reply, const char *name)
{
	return json_integer_value(json_object_get(reply, name));
}

static json_t *
next(const struct control *c, json_int_t since)
{
	json_t *request = json_pack("{s:s}", "command", "test.next");

	if (since != 0)
		json_object_set_new(request, "since", json_integer(since));
	return ask(c, request);
}

static int
record_work(struct db *db, void *arg, struct fail *f)
{
	return queue_record(db, arg, f);
}

static void
record(struct fixture *x, int n, enum queue_result result, int64_t next_at)
{
	struct queue_outcome o = {.trace = x->trace,
	    .n = n,
	    .address = n == 1 ? STR("x@far.test") : STR("y@other.test"),
	    .result = result,
	    .next_ms = next_at,
	    .now_ms = now_ms,
	    .code = 450,
	    .reply = STR("450 4.2.1 no"),
	    .host = STR("mx.far.test"),
	    .detail = STR("450 4.2.1 no")};

	MUST(db_write(x->db, record_work, &o, &why));
}

static void
check_next(struct fixture *x, const struct control *c)
{
	const struct delivery_target to[] = {
	    {.address = STR("x@far.test")}, {.address = STR("y@other.test")}};
	struct fail f;
	json_t *reply = next(c, 0);

	CHECK(json_is_true(json_object_get(reply, "ok")));
	CHECK(number(reply, "active") == 0);
	CHECK(json_is_null(json_object_get(reply, "wait_ms")));
	json_decref(reply);

	CHECK(fixture_deliver(
		  x, STR("Subject: x\r\n\r\nhello\r\n"), to, 2, &f) != -1);
	reply = next(c, 1);
	CHECK(number(reply, "active") == 2); /* destinations */
	CHECK(json_is_integer(json_object_get(reply, "wait_ms")));
	CHECK(number(reply, "wait_ms") == 0);
	CHECK(json_object_size(json_object_get(reply, "counts")) == 0);
	json_decref(reply);

	record(x, 1, QUEUE_DEFERRED, NOW + 300000);
	record(x, 2, QUEUE_RELAYED, 0);
	reply = next(c, NOW);
	CHECK(number(reply, "active") == 0);
	CHECK(number(reply, "wait_ms") == 300000);
	CHECK(number(reply, "now_ms") == NOW);
	CHECK(number(json_object_get(reply, "counts"), "tried") == 1);
	CHECK(number(json_object_get(reply, "counts"), "relayed") == 1);
	CHECK(json_array_size(json_object_get(reply, "happened")) == 2);
	json_decref(reply);

	reply = next(c, NOW + 1); /* that is told already */
	CHECK(json_array_size(json_object_get(reply, "happened")) == 0);
	json_decref(reply);
	now_ms = NOW + 300000;
	reply = next(c, NOW + 1);
	CHECK(number(reply, "active") == 1);
	json_decref(reply);
	now_ms = NOW;
}

static void
check_advance(struct fixture *x, struct control c)
{
	char path[100];
	struct clock moved;
	json_t *reply = ask(
	    &c, json_pack("{s:s, s:i}", "command", "test.advance", "ms", 1000));

	CHECK(!json_is_true(json_object_get(reply, "ok"))); /* a real clock */
	CHECK(!outcome.ok);
	json_decref(reply);

	snprintf(path, sizeof(path), "%s/clock", x->dir);
	MUST(clock_moved(&moved, path, &why));
	c.clock = &moved;
	int64_t before = clock_wall_ms(&moved);
	reply = ask(&c, json_pack("{s:s, s:I}", "command", "test.advance", "ms",
			    (json_int_t)432000000));
	CHECK(json_is_true(json_object_get(reply, "ok")));
	CHECK(outcome.effects == CONTROL_QUEUE);
	CHECK(number(reply, "now_ms") >= before + 432000000);
	json_decref(reply);
	CHECK(clock_wall_ms(&moved) >= before + 432000000);

	c.started_ms = 0; /* no maild: nothing would be tried */
	reply = ask(
	    &c, json_pack("{s:s, s:i}", "command", "test.advance", "ms", 1000));
	CHECK_STR(
	    json_string_value(json_object_get(reply, "kind")), "temporary");
	json_decref(reply);
	reply = next(&c, 0);
	CHECK_STR(
	    json_string_value(json_object_get(reply, "kind")), "temporary");
	json_decref(reply);
	clock_moved_release(&moved);
}

int
main(void)
{
	struct fixture x;
	struct control c = {.clock = &test_clock, .started_ms = 1};

	fixture_init(&x);
	c.mail = x.db;
	check_next(&x, &c);
	check_advance(&x, c);
	CHECK(fixture_is_clean(&x));
	fixture_release(&x);
	return TEST_EXIT();
}
