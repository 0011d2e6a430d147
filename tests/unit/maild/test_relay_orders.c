/* SPDX-License-Identifier: MIT */
/* Whose mail goes first, and what is not sent after all: turns of senders,
 * places for the living, recalls, pauses, addresses that are known not to
 * exist, servers that have had enough. */
#include "common/store/account.h"
#include "common/store/queue.h"
#include "common/store/suppression.h"
#include "common/util/mem.h"
#include "maild/relay/destination.h"
#include "maild/relay/relay_internal.h"
#include "tests/unit/maild/world.h"

static const struct zone_row zone[] = {
    {"e.test",      DNS_MX, "10 a.mx.test"},
    {"dead.test",   DNS_MX, "10 a.mx.test"},
    {"dull.test",   DNS_MX, "10 b.mx.test"},
    {"living.test", DNS_MX, "10 c.mx.test"},
    {"a.mx.test",   DNS_A,  "127.0.0.2"   },
    {"b.mx.test",   DNS_A,  "127.0.0.3"   },
    {"c.mx.test",   DNS_A,  "127.0.0.4"   },
};

#define MESSAGE STR("From: bob@d.test\r\n\r\nx\r\n")

struct stage {
	struct world w;
	struct actor a, b, c; /* at .2, .3, .4 */
	struct buf text;
	int64_t trace;
	bool done; /* what was to be done at a moment */
	int step;
	int (*order)(struct db *db, void *arg, struct fail *f);
	bool (*is_known)(const struct stage *s),
	    (*is_over)(const struct stage *s);
	const char *answer;
};

static void
begin(struct stage *s)
{
	struct world *w = &s->w;

	*s = (struct stage){0};
	world_init(w, zone, sizeof(zone) / sizeof(zone[0]));
	buf_init(&s->text, 1 * MB);
	for (;;) { /* a port that is free on all three */
		w->port = actor_start(&s->a, w->loop, "127.0.0.2", 0);
		if (actor_start(&s->b, w->loop, "127.0.0.3", w->port) != 0 &&
		    actor_start(&s->c, w->loop, "127.0.0.4", w->port) != 0)
			return;
		actor_stop(&s->a);
		actor_stop(&s->b);
		actor_stop(&s->c);
	}
}

static void
end(struct stage *s)
{
	actor_stop(&s->a);
	actor_stop(&s->b);
	actor_stop(&s->c);
	world_release(&s->w);
	buf_release(&s->text);
}

/* ---- senders take turns ---- */

static void
test_senders_take_turns(void)
{
	struct stage s;
	struct str lines, line;
	size_t before = 0;

	begin(&s);
	s.w.conf->relay_connections_per_destination = 1;
	for (int i = 0; i < 40; i++)
		world_queue(&s.w, "many@far.test", "alice@e.test", MESSAGE);
	world_queue(&s.w, "one@far.test", "alice@e.test", MESSAGE);
	world_queue(&s.w, "two@far.test", "alice@e.test", MESSAGE);
	world_start(&s.w);
	world_wait_idle(&s.w);
	CHECK(s.a.messages == 42);
	lines = buf_str(&s.a.mails);
	while (lines.len > 0) {
		size_t at;

		line = str_cut(&lines, '\n');
		if (str_find_str(line, STR("one@far.test"), &at) ||
		    str_find_str(line, STR("two@far.test"), &at))
			break;
		before++;
	}
	CHECK(before <= 2);
	line = str_cut(&lines, '\n'); /* and the other one soon after */
	CHECK(str_find_str(line, STR("two@far.test"), &(size_t){0}) ||
	      str_find_str(
		  str_cut(&lines, '\n'), STR("two@far.test"), &(size_t){0}));
	end(&s);
}

/* ---- the dead leave room ---- */

static bool
has_come(void *arg)
{
	struct stage *s = arg;

	return s->c.messages == 1 && s->w.relay != NULL &&
	       world_queued(&s->w) == 2;
}

static void
test_the_silent_leave_room(void)
{
	struct stage s;
	struct queue_entry dead, dull;
	const char *why;
	bool moved_dead, moved_dull;

	begin(&s);
	s.w.conf->relay_connections = 2;
	s.a.on[ACTOR_GREETING] = s.b.on[ACTOR_GREETING] = ACTOR_HANG;
	world_queue(&s.w, "x@far.test", "a@dead.test", MESSAGE);
	world_queue(&s.w, "y@far.test", "b@dull.test", MESSAGE);
	world_queue(&s.w, "z@far.test", "c@living.test", MESSAGE);
	world_start(&s.w);
	world_wait(&s.w, has_come, &s);
	CHECK(world_entry(&s.w, "a@dead.test", &dead));
	CHECK(world_entry(&s.w, "b@dull.test", &dull));
	moved_dead = dead.tries == 1;
	moved_dull = dull.tries == 1;
	CHECK(moved_dead || moved_dull);
	why = moved_dead ? dead.last_reply : dull.last_reply;
	CHECK(strstr(why, "while other mail waited") != NULL);
	queue_entry_release(&dead);
	queue_entry_release(&dull);
	end(&s);
}

/* ---- orders of people ---- */

static int
run_drop(struct db *db, void *arg, struct fail *f)
{
	struct stage *s = arg;
	size_t changed;
	const struct queue_command c = {.order = QUEUE_DROP,
	    .which = {.trace = s->trace},
	    .now_ms = clock_wall_ms(&s->w.clock)};

	return queue_change(db, &c, &changed, f);
}

static int
run_pause(struct db *db, void *arg, struct fail *f)
{
	struct stage *s = arg;

	return queue_pause(db, STR("e.test"), STR("for a while"),
	    clock_wall_ms(&s->w.clock), f);
}

static int
run_unpause(struct db *db, void *arg, struct fail *f)
{
	(void)arg;
	return queue_unpause(db, STR("e.test"), f);
}

/* Of a server that hangs at EHLO; it can be told to say this all the same, and
 * goes on to hang at MAIL. */
static const char at_last[] = "250 mx.e.test\r\n";

static bool
is_withdrawn(struct stage *s, const char *address)
{
	char line[80];

	snprintf(line, sizeof(line), "to=<%s> result=withdrawn", address);
	buf_clear(&s->text);
	world_log(&s->w, &s->text);
	return s->text.data != NULL && strstr(s->text.data, line) != NULL;
}

/* The session is there and has not said MAIL: then the order is given, by
 * somebody whom maild does not hear of. */
static bool
drop_before_mail(void *arg)
{
	struct stage *s = arg;

	if (!s->done && s->a.ehlos == 1) {
		MUST(db_write(s->w.db, run_drop, s, &f));
		actor_say(&s->a, at_last);
		s->done = true;
	}
	return s->done && is_withdrawn(s, "b@e.test");
}

static void
test_a_recall_wins(void)
{
	struct stage s;

	begin(&s);
	s.a.on[ACTOR_EHLO] = ACTOR_HANG;
	s.trace = world_queue(&s.w, "bob@d.test", "a@e.test b@e.test", MESSAGE);
	world_start(&s.w);
	world_wait(&s.w, drop_before_mail, &s);
	CHECK(is_withdrawn(&s, "a@e.test"));
	CHECK(strstr(s.text.data, "result=deferred") == NULL);
	CHECK(world_queued(&s.w) == 0);
	end(&s);
}

static bool
pause_before_mail(void *arg)
{
	struct stage *s = arg;

	if (!s->done && s->a.ehlos == 1) {
		MUST(db_write(s->w.db, run_pause, s, &f));
		relay_reload(s->w.relay);
		actor_say(&s->a, at_last);
		s->done = true;
	}
	return s->done && s->w.relay->n_idle == 1;
}

static bool
has_both(void *arg)
{
	return ((struct stage *)arg)->a.messages == 2;
}

static void
test_pause(void)
{
	struct stage s;

	begin(&s);
	s.a.on[ACTOR_EHLO] = ACTOR_HANG;
	world_queue(&s.w, "bob@d.test", "a@e.test", MESSAGE);
	world_queue(&s.w, "bob@d.test", "b@e.test", MESSAGE);
	world_start(&s.w);
	world_wait(&s.w, pause_before_mail, &s);
	world_log(&s.w, &s.text);
	CHECK(s.text.data == NULL || strstr(s.text.data, "result=") == NULL);
	CHECK(world_queued(&s.w) == 2);
	s.a.on[ACTOR_EHLO] = NULL;
	MUST(db_write(s.w.db, run_unpause, &s, &f));
	relay_reload(s.w.relay);
	world_wait(&s.w, has_both, &s);
	end(&s);
}

/* ---- what is known already ---- */

static int
run_note(struct db *db, void *arg, struct fail *f)
{
	struct stage *s = arg;

	return suppression_note(db, STR("gone@e.test"), false,
	    STR("550 5.1.1 nobody of that name"), clock_wall_ms(&s->w.clock),
	    f);
}

static void
test_suppressed(void)
{
	struct stage s;

	begin(&s);
	s.w.conf->relay_suppress_after = 3;
	for (int i = 0; i < 3; i++)
		MUST(db_write(s.w.db, run_note, &s, &f));
	s.trace = world_queue(&s.w, "bob@d.test", "Gone@e.test", MESSAGE);
	world_queue(&s.w, "bob@d.test", "there@e.test", MESSAGE);
	world_start(&s.w);
	world_wait_idle(&s.w);
	CHECK(s.a.messages == 1 && s.a.recipients == 1);
	CHECK(world_queued(&s.w) == 0);
	CHECK(world_inbox(&s.w, &s.text) == 1);
	CHECK(world_has(&s.text, "Status: 5.1.1"));
	CHECK(world_has(&s.text, "mailctl suppress remove"));
	buf_clear(&s.text);
	world_journey(&s.w, s.trace, &s.text);
	CHECK(world_has(&s.text, "refused this address 3 times"));
	CHECK(world_has(&s.text, "550 5.1.1 nobody of that name"));
	end(&s);
}

/* A server that has had enough is left alone with all that waits for it. */
static void
test_busy(void)
{
	struct stage s;
	struct queue_entry e;
	static const char *const all[] = {"a@e.test", "b@e.test", "c@e.test"};

	begin(&s);
	s.w.conf->relay_connections_per_destination = 1;
	s.a.on[ACTOR_MAIL] = "421 4.7.28 slow down\r\n";
	for (size_t i = 0; i < 3; i++)
		world_queue(&s.w, "bob@d.test", all[i], MESSAGE);
	world_start(&s.w);
	world_wait_idle(&s.w);
	for (size_t i = 0; i < 3; i++) {
		CHECK(world_entry(&s.w, all[i], &e));
		CHECK(e.tries == 1 && e.next_ms > e.last_ms);
		CHECK(e.last_reply != NULL &&
		      strstr(e.last_reply, "slow down") != NULL);
		queue_entry_release(&e);
	}
	CHECK(s.a.messages == 0 && s.a.connections <= 2);
	end(&s);
}

static void
test_greylisted(void)
{
	struct stage s;
	struct queue_entry e;

	begin(&s);
	s.w.conf->relay_retry_first = 300000;
	s.w.conf->relay_retry_most = 4 * 3600000;
	s.a.on[ACTOR_RCPT] =
	    "451 4.7.1 Greylisted, please try again in 90 seconds\r\n";
	world_queue(&s.w, "bob@d.test", "a@e.test", MESSAGE);
	world_start(&s.w);
	world_wait_idle(&s.w);
	CHECK(world_entry(&s.w, "a@e.test", &e));
	CHECK(e.next_ms - e.last_ms >= 90000);
	CHECK(e.next_ms - e.last_ms <= 99000);
	queue_entry_release(&e);
	end(&s);
}

/* One DSN tells of all of them. */
static void
test_suppressed_together(void)
{
	struct stage s;

	begin(&s);
	s.w.conf->relay_suppress_after = 1;
	MUST(db_write(s.w.db, run_note, &s, &f));
	world_queue(
	    &s.w, "bob@d.test", "Gone@e.test gone@E.test GONE@e.test", MESSAGE);
	world_start(&s.w);
	world_wait_idle(&s.w);
	CHECK(s.a.messages == 0 && world_queued(&s.w) == 0);
	CHECK(world_inbox(&s.w, &s.text) == 1);
	CHECK(world_has(&s.text, "; Gone@e.test\r\n"));
	CHECK(world_has(&s.text, "; GONE@e.test\r\n"));
	end(&s);
}

/* ---- orders that come while the other server has the message ---- */

static bool
is_recorded(const struct stage *s)
{
	for (const struct destination *d = s->w.relay->destinations; d != NULL;
	     d = d->next)
		if (d->n_in[ITEM_SENDING] + d->n_in[ITEM_RECORDING] > 0)
			return false;
	return true;
}

/* A run ends all connections, so that it is one: the message is there, the
 * order is given, somebody knows of it, the answer comes, and is recorded. */
static bool
play(void *arg)
{
	struct stage *s = arg;

	switch (s->step) {
	case 0:
		if (s->a.dots == 0)
			return false;
		MUST(db_write(s->w.db, s->order, s, &f));
		relay_reload(s->w.relay);
		s->step++;
		return false;
	case 1:
		if (s->is_known != NULL && !s->is_known(s))
			return false;
		actor_say(&s->a, s->answer);
		s->step++;
		return false;
	default:
		return is_recorded(s) && (s->is_over == NULL || s->is_over(s));
	}
}

static void
send_and_play(struct stage *s, const char *recipients)
{
	s->a.on[ACTOR_DOT] = ACTOR_HANG;
	s->trace = world_queue(&s->w, "bob@d.test", recipients, MESSAGE);
	world_start(&s->w);
	world_wait(&s->w, play, s);
}

/* Who took it back does not hear that it was refused. */
static void
test_recalled_in_data(void)
{
	struct stage s;

	begin(&s);
	s.order = run_drop;
	s.answer = "550 5.7.1 no\r\n";
	send_and_play(&s, "a@e.test b@e.test");
	world_journey(&s.w, s.trace, &s.text);
	CHECK(strstr(s.text.data, "failed a@e.test") == NULL);
	CHECK(world_queued(&s.w) == 0 && world_inbox(&s.w, NULL) == 0);
	CHECK(s.w.metrics.n[METRIC_FAILED] == 0); /* nothing of ours has */
	end(&s);
}

static int
run_drop_b(struct db *db, void *arg, struct fail *f)
{
	struct stage *s = arg;
	size_t changed;
	const struct queue_command c = {
	    .order = QUEUE_DROP,
	    .which = {.trace = s->trace, .recipient = STR("b@e.test")},
	    .now_ms = clock_wall_ms(&s->w.clock)
        };

	return queue_change(db, &c, &changed, f);
}

static void
test_one_recalled_in_data(void)
{
	struct stage s;

	begin(&s);
	s.order = run_drop_b;
	s.answer = "550 5.7.1 no\r\n";
	send_and_play(&s, "a@e.test b@e.test");
	CHECK(world_queued(&s.w) == 0 && world_inbox(&s.w, &s.text) == 1);
	CHECK(world_has(&s.text, "Final-Recipient: rfc822; a@e.test"));
	CHECK(strstr(s.text.data, "b@e.test") == NULL);
	CHECK(s.w.metrics.n[METRIC_FAILED] == 1);
	end(&s);
}

static int
run_ours(struct db *db, void *arg, struct fail *f)
{
	(void)arg;
	return domain_add(db, STR("e.test"), 0, f);
}

static bool
is_ours(const struct stage *s)
{
	const struct destination *d = s->w.relay->destinations;

	return d != NULL && d->local;
}

/* The domain is ours by then; the message went all the same. */
static void
test_ours_in_data(void)
{
	struct stage s;

	begin(&s);
	s.order = run_ours;
	s.is_known = is_ours;
	s.answer = "250 2.0.0 taken\r\n";
	send_and_play(&s, "a@e.test");
	world_journey(&s.w, s.trace, &s.text);
	CHECK(world_has(&s.text, "relayed a@e.test a.mx.test"));
	CHECK(world_queued(&s.w) == 0 && world_inbox(&s.w, NULL) == 0);
	end(&s);
}

static int
run_ours_with_a(struct db *db, void *arg, struct fail *f)
{
	if (run_ours(db, arg, f) == -1)
		return -1;
	return alias_add(db, STR("a@e.test"), STR("bob@d.test"), f);
}

/* It becomes ours when the mail is in hand already, and nobody tells. */
static bool
greet_then(void *arg)
{
	struct stage *s = arg;

	if (!s->done && s->a.connections > 0) {
		MUST(db_write(s->w.db, run_ours_with_a, s, &f));
		actor_say(&s->a, "220 hello\r\n");
		s->done = true;
	}
	return s->done && world_inbox(&s->w, NULL) == 1;
}

static void
test_ours_before_it_goes(void)
{
	struct stage s;

	begin(&s);
	s.a.on[ACTOR_GREETING] = ACTOR_HANG;
	s.trace = world_queue(&s.w, "bob@d.test", "a@e.test", MESSAGE);
	world_start(&s.w);
	world_wait(&s.w, greet_then, &s);
	CHECK(s.a.mails.len == 0 && s.a.messages == 0);
	world_journey(&s.w, s.trace, &s.text);
	CHECK(world_has(&s.text, "delivered bob@d.test"));
	world_wait_idle(&s.w);
	CHECK(world_queued(&s.w) == 0);
	end(&s);
}

static int
run_reroute(struct db *db, void *arg, struct fail *f)
{
	struct stage *s = arg;
	size_t changed;
	char to[40];
	struct queue_command c = {.order = QUEUE_REROUTE,
	    .which = {.trace = s->trace},
	    .now_ms = clock_wall_ms(&s->w.clock)};

	snprintf(to, sizeof(to), "=b.mx.test:%u", s->w.port);
	c.to = str_of(to);
	return queue_change(db, &c, &changed, f);
}

static bool
is_waited_for(const struct stage *s)
{
	for (const struct destination *d = s->w.relay->destinations; d != NULL;
	     d = d->next)
		if (d->elsewhere.trace == s->trace)
			return true;
	return false;
}

/* Nobody waits for the first one any more, and the second has it if the first
 * did not take it. */
static bool
is_settled(const struct stage *s)
{
	return !is_waited_for(s) && (s->answer[0] == '2' || s->b.messages == 1);
}

/* The second server gets it if the first one does not take it, and then
 * only. */
static void
test_rerouted_in_data(void)
{
	static const struct {
		const char *reply, *journey;
	} rows[] = {
	    {"250 2.0.0 taken\r\n", "relayed a@e.test"},
	    {"451 4.3.0 later\r\n", "tried a@e.test"  },
	    {"550 5.7.1 no\r\n",    "failed a@e.test" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct stage s;

		begin(&s);
		s.order = run_reroute;
		s.is_known = is_waited_for;
		s.is_over = is_settled;
		s.answer = rows[i].reply;
		send_and_play(&s, "a@e.test");
		world_journey(&s.w, s.trace, &s.text);
		CHECK(world_has(&s.text, rows[i].journey));
		CHECK(s.b.messages == (i > 0));
		CHECK(world_queued(&s.w) == 0);
		CHECK(world_inbox(&s.w, NULL) == 0);
		end(&s);
	}
}

/* ---- a clock that goes wrong ---- */

static void
is_put_off(struct stage *s, const char *address)
{
	struct queue_entry e;

	CHECK(world_entry(&s->w, address, &e));
	CHECK(e.tries == 1);
	queue_entry_release(&e);
}

static bool
has_arrived(void *arg)
{
	return ((struct stage *)arg)->a.messages == 1;
}

/* Put off while it was days ahead: not for days, when it is put right.  What
 * its sender has scheduled stays so. */
static void
test_set_back(void)
{
	struct delivery_target to = {.address = STR("later@e.test")};
	struct delivery d = {
	    .sender = STR("bob@d.test"), .targets = &to, .n_targets = 1};
	struct stage s;
	struct queue_entry e;

	begin(&s);
	s.w.conf->relay_retry_first = 500;
	s.w.conf->relay_retry_most = 1000;
	s.w.ahead_ms = INT64_C(5) * 86400000;
	s.a.on[ACTOR_RCPT] = "451 4.3.0 later\r\n";
	d.hold_until_ms = clock_wall_ms(&s.w.clock) + 3600000;
	world_deliver(&s.w, &d, MESSAGE);
	world_queue(&s.w, "bob@d.test", "a@e.test", MESSAGE);
	world_start(&s.w);
	world_wait_idle(&s.w);
	is_put_off(&s, "a@e.test");
	s.a.on[ACTOR_RCPT] = NULL;
	s.w.ahead_ms = 0;
	relay_kick(s.w.relay);
	world_wait(&s.w, has_arrived, &s);
	world_wait_idle(&s.w);
	CHECK(world_queued(&s.w) == 1);
	CHECK(world_entry(&s.w, "later@e.test", &e));
	CHECK(e.next_ms == d.hold_until_ms && e.tries == 0);
	queue_entry_release(&e);
	end(&s);
}

int
main(void)
{
	test_suppressed_together();
	test_recalled_in_data();
	test_one_recalled_in_data();
	test_ours_in_data();
	test_ours_before_it_goes();
	test_rerouted_in_data();
	test_senders_take_turns();
	test_the_silent_leave_room();
	test_a_recall_wins();
	test_pause();
	test_suppressed();
	test_busy();
	test_greylisted();
	test_set_back();
	return TEST_EXIT();
}
