/* SPDX-License-Identifier: MIT */
/* Mail that goes out, or comes back. */
#include "common/store/attempt.h"
#include "common/store/queue.h"
#include "common/store/suppression.h"
#include "tests/fault/acts_parts.h"

/* What is due, and the octets of it, as the relay takes them. */
static int
take(struct db *db, void *arg, struct fail *f)
{
	struct queue_list due = {0};
	struct body *body = NULL;
	struct buf octets;
	int rc, got = 1;

	(void)arg;
	rc = queue_due(db, STR("remote.test"), NOW + 1, 10, &due, f);
	if (rc == 0 && due.n > 0)
		body = body_open(db, due.entries[0].body, f);
	buf_init(&octets, 1 * MB);
	if (rc == 0 && due.n > 0)
		while (body != NULL &&
		       (got = body_read(body, 4096, &octets, f)) == 1)
			continue;
	if (rc == 0 && (due.n == 0 || body == NULL || got == -1))
		rc = due.n == 0 ? fail(f, FAIL_TEMP, "nothing is due") : -1;
	buf_release(&octets);
	body_free(body);
	queue_list_release(&due);
	return rc;
}

static int
defer(struct db *db, void *arg, struct fail *f)
{
	const struct queue_outcome o = {.trace = 1001,
	    .n = 1,
	    .result = QUEUE_DEFERRED,
	    .next_ms = NOW + 300000,
	    .now_ms = NOW,
	    .code = 451,
	    .reply = STR("4.2.0 not now"),
	    .host = STR("mx.remote.test [192.0.2.1]")};
	const struct attempt_row said = {.at_ms = NOW,
	    .host = STR("mx.remote.test [192.0.2.1]"),
	    .dialogue = STR("C: DATA\nS: 451 4.2.0 not now\n")};

	(void)arg;
	if (queue_record(db, &o, f) == -1)
		return -1;
	return attempt_put(db, 1001, &said, f);
}

static int
relay(struct db *db, void *arg, struct fail *f)
{
	const struct queue_outcome o = {.trace = 1001,
	    .n = 1,
	    .result = QUEUE_RELAYED,
	    .report = true,
	    .now_ms = NOW + 300000,
	    .code = 250};

	(void)arg;
	if (queue_record(db, &o, f) == -1)
		return -1;
	return suppression_note(
	    db, STR("old@remote.test"), true, STR("250"), NOW + 300000, f);
}

/* Tried in vain, then gone. */
int
act_relay(struct world *w, struct fail *f)
{
	if (db_read(w->x.db, take, NULL, f) == -1 ||
	    acts_step(w, defer, NULL, f) == -1)
		return -1;
	return acts_step(w, relay, NULL, f);
}

struct bounce {
	struct delivery dsn;
};

static int
give_up(struct db *db, void *arg, struct fail *f)
{
	struct bounce *b = arg;
	const struct queue_outcome o = {.trace = 1001,
	    .n = 1,
	    .result = QUEUE_FAILED,
	    .now_ms = NOW,
	    .code = 550,
	    .reply = STR("5.1.1 nobody of that name")};
	const struct hop returned = {.trace = 1001,
	    .at_ms = NOW,
	    .daemon = HOP_MAILD,
	    .kind = HOP_RETURNED,
	    .detail = STR("0000000000dsn")};

	if (queue_record(db, &o, f) == -1 ||
	    suppression_note(db, STR("old@remote.test"), false,
		STR("550 5.1.1"), NOW, f) == -1 ||
	    delivery_run(db, &b->dsn, NULL, NULL, f) == -1)
		return -1;
	return hop_write(db, &returned, f);
}

/* Given up: the DSN is written with it, or neither. */
int
act_bounce(struct world *w, struct fail *f)
{
	static const char text[] = "From: <>\r\nSubject: Not delivered\r\n"
				   "\r\nTo old@remote.test.\r\n";
	struct delivery_target sender = {
	    w->x.alice, STR("alice@d.test"), .original = STR("")};
	struct bounce b;
	struct stage *s;
	int rc = db_read(w->x.db, take, NULL, f);

	if (rc == -1)
		return -1;
	s = stage_new(w->x.dir);
	stage_add(s, STR(text));
	rc = stage_seal(s, STR("Return-Path: <>\r\n"), f);
	b.dsn = fixture_delivery(5000, s, &sender, 1);
	b.dsn.sender = STR("");
	b.dsn.daemon = HOP_MAILD;
	if (rc == 0)
		rc = acts_step(w, give_up, &b, f);
	stage_free(s);
	return rc;
}

/* ---- what a person does with the queue ---- */

void
act_prepare_orders(struct world *w)
{
	struct delivery_target targets[] = {
	    {0, STR("a@one.test"), .original = STR("")},
	    {0, STR("b@two.test"), .original = STR("")},
	    {0, STR("c@two.test"), .original = STR("")},
	};
	struct fail f;

	for (int i = 0; i < 3; i++)
		ENSURE(fixture_deliver(&w->x, STR("Subject: x\r\n\r\nx\r\n"),
			   targets, 3, &f) != -1);
	w->x.trace = 5000;
}

static int
order(struct db *db, void *arg, struct fail *f)
{
	size_t changed;

	return queue_change(db, arg, &changed, f);
}

static int
pause_domain(struct db *db, void *arg, struct fail *f)
{
	(void)arg;
	return queue_pause(db, STR("one.test"), STR("a test"), NOW, f) == -1
	           ? -1
	           : 0;
}

int
act_queue_orders(struct world *w, struct fail *f)
{
	struct queue_command commands[] = {
	    {.order = QUEUE_HOLD,
             .which = {.domain = STR("two.test")},
             .now_ms = NOW                       },
	    {.order = QUEUE_RELEASE,
             .which = {.recipient = STR("b@two.test")},
             .now_ms = NOW                       },
	    {.order = QUEUE_REROUTE,
             .which = {.recipient = STR("b@two.test")},
             .to = STR("=192.0.2.9:25"),
             .now_ms = NOW},
	    {.order = QUEUE_DROP,
             .which = {.domain = STR("two.test")},
             .now_ms = NOW},
	};

	if (acts_step(w, pause_domain, NULL, f) == -1)
		return -1;
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (acts_step(w, order, &commands[i], f) == -1)
			return -1;
	return 0;
}
