/* SPDX-License-Identifier: MIT */
/* What outlives a message: connections that wait for more, what is known of
 * hosts that do not answer, what is known of addresses that do not exist. */
#include "common/store/suppression.h"
#include "common/util/mem.h"
#include "maild/relay/relay_internal.h"
#include "tests/unit/maild/world.h"

static const struct zone_row zone[] = {
    {"e.test",    DNS_MX, "10 mx.e.test"},
    {"f.test",    DNS_MX, "10 mx.e.test"},
    {"g.test",    DNS_MX, "10 mx.e.test"},
    {"h.test",    DNS_MX, "10 mx.e.test"},
    {"mx.e.test", DNS_A,  "127.0.0.2"   },
};

#define MESSAGE STR("From: bob@d.test\r\n\r\nx\r\n")

struct scene {
	struct world w;
	struct actor a;
	struct buf text;
	size_t messages; /* is_idle() waits for */
};

static void
begin(struct scene *s)
{
	*s = (struct scene){0};
	world_init(&s->w, zone, sizeof(zone) / sizeof(zone[0]));
	s->w.port = actor_start(&s->a, s->w.loop, "127.0.0.2", 0);
	buf_init(&s->text, 1 * MB);
	s->w.conf->relay_linger = 60000;
}

static void
end(struct scene *s)
{
	actor_stop(&s->a);
	buf_release(&s->text);
	world_release(&s->w);
}

/* All was sent, and the connection waits. */
static bool
is_idle(void *arg)
{
	struct scene *s = arg;

	return s->a.messages >= s->messages && s->w.relay->n_idle == 1 &&
	       relay_active(s->w.relay) == 0 && world_queued(&s->w) == 0;
}

/* A second message, sent from within the run: connections end with it. */
struct second {
	struct scene *s;
	int step;
};

static bool
sends_two(void *arg)
{
	struct second *two = arg;
	struct scene *s = two->s;

	if (two->step == 0) {
		s->messages = 1;
		if (!is_idle(s))
			return false;
		CHECK(s->a.quits == 0 && s->a.now == 1);
		world_queue(&s->w, "bob@d.test", "carol@e.test", MESSAGE);
		relay_kick(s->w.relay);
		two->step = 1;
	}
	s->messages = 2;
	return is_idle(s);
}

static void
test_reused(void)
{
	struct scene s;
	struct second two = {&s, 0};

	begin(&s);
	world_queue(&s.w, "bob@d.test", "alice@e.test", MESSAGE);
	world_start(&s.w);
	world_wait(&s.w, sends_two, &two);
	CHECK(s.a.connections == 1 && s.a.messages == 2 && s.a.ehlos == 1);
	end(&s);
}

/* The server has had enough of waiting: no failure, and the next message goes
 * over a new connection. */
static bool
is_ended_by_it(void *arg)
{
	struct second *two = arg;
	struct scene *s = two->s;
	bool words = two->step < 10;

	switch (two->step % 10) {
	case 0:
		s->messages = 1;
		if (!is_idle(s))
			return false;
		actor_say(&s->a, words ? "421 4.4.2 too long\r\n" : NULL);
		two->step++;
		return false;
	case 1:
		if (s->w.relay->n_sessions > 0)
			return false;
		world_queue(&s->w, "bob@d.test", "carol@e.test", MESSAGE);
		relay_kick(s->w.relay);
		two->step++;
		return false;
	default:
		s->messages = 2;
		return is_idle(s);
	}
}

static void
test_ended_by_it(void)
{
	for (int i = 0; i < 2; i++) {
		struct scene s;
		struct second two = {&s, 10 * i};

		begin(&s);
		world_queue(&s.w, "bob@d.test", "alice@e.test", MESSAGE);
		world_start(&s.w);
		world_wait(&s.w, is_ended_by_it, &two);
		CHECK(s.a.connections == 2 && s.a.messages == 2);
		CHECK(s.w.metrics.n[METRIC_DEFERRED] == 0);
		end(&s);
	}
}

/* It says QUIT when its time has come. */
static bool
has_quit(void *arg)
{
	struct scene *s = arg;

	return s->a.messages == 1 && s->a.quits == 1 &&
	       s->w.relay->n_sessions == 0;
}

static void
test_ends(void)
{
	struct scene s;

	begin(&s);
	s.w.conf->relay_linger = 50;
	world_queue(&s.w, "bob@d.test", "alice@e.test", MESSAGE);
	world_start(&s.w);
	world_wait(&s.w, has_quit, &s);
	CHECK(s.w.relay->n_idle == 0);
	end(&s);
}

/* ATTACKS: a thousand domains of one dead host. */
static void
test_dead_host(void)
{
	static const char *const to[] = {
	    "a@e.test", "a@f.test", "a@g.test", "a@h.test"};
	struct scene s;
	int64_t last = 0;

	begin(&s);
	s.w.conf->relay_linger = 0;
	s.a.on[ACTOR_GREETING] = ACTOR_CLOSE;
	for (int i = 0; i < 4; i++) {
		last = world_queue(&s.w, "bob@d.test", to[i], MESSAGE);
		if (i == 0)
			world_start(&s.w);
		world_wait_idle(&s.w);
	}
	/* three failures in a row: the fourth domain's mail does not try */
	CHECK(s.a.connections == 3 && world_queued(&s.w) == 4);
	world_journey(&s.w, last, &s.text);
	CHECK(world_has(
	    &s.text, "4.4.1 mx.e.test [127.0.0.2] did not answer lately: "));
	world_attempts(&s.w, last, &s.text);
	CHECK(world_has(&s.text, "not tried\n"));
	end(&s);
}

/* ---- what is told of an attempt */

static void
test_dialogue(void)
{
	struct scene s;
	int64_t trace;

	begin(&s);
	s.w.conf->relay_linger = 0;
	s.a.rcpt[0].address = "one@e.test";
	s.a.rcpt[0].reply = "550 5.1.1 nobody\r\n";
	s.a.rcpt[1].address = "two@e.test";
	s.a.rcpt[1].reply = "451 4.3.0 trouble\r\n";
	trace = world_queue(
	    &s.w, "bob@d.test", "one@e.test two@e.test three@e.test", MESSAGE);
	world_start(&s.w);
	world_wait_idle(&s.w);
	world_attempts(&s.w, trace, &s.text);
	/* once, although one recipient makes a DSN and the other waits */
	CHECK(world_has(&s.text, "S: 220 mx ESMTP\n"
				 "C: EHLO mx.d.test\n"));
	CHECK(world_has(&s.text, "S: 550 5.1.1 nobody\n"
				 "S: 451 4.3.0 trouble\n"
				 "S: 250 2.1.5 ok\n"
				 "S: 354 go\n"
				 "C: (23 octets of message)\n"
				 "C: .\n"
				 "S: 250 2.0.0 Ok: queued as REMOTE1\n"));
	CHECK(
	    str_starts(buf_str(&s.text), STR("mx.e.test [127.0.0.2]\n-- to ")));
	CHECK(s.text.len < 700);
	/* all delivered: nothing is kept */
	trace = world_queue(&s.w, "bob@d.test", "three@e.test", MESSAGE);
	world_wait_idle(&s.w);
	world_attempts(&s.w, trace, &s.text);
	CHECK(s.text.len == 0);
	end(&s);
}

struct finding {
	const char *address;
	int found;
};

static int
find(struct db *db, void *arg, struct fail *f)
{
	const struct suppression_law law = {1, 86400000};
	struct finding *x = arg;

	x->found = suppression_find(db, &law, str_of(x->address), 0, NULL, f);
	return x->found == -1 ? -1 : 0;
}

static bool
is_suppressed(struct world *w, const char *address)
{
	struct finding x = {address, 0};

	MUST(db_read(w->db, find, &x, &f));
	return x.found == 1;
}

/* Only what says that nobody has the address. */
static void
test_suppression(void)
{
	struct scene s;

	begin(&s);
	s.w.conf->relay_linger = 0;
	s.w.conf->relay_suppress_after = 0;
	s.a.rcpt[0].address = "one@e.test";
	s.a.rcpt[0].reply = "550 5.1.1 nobody\r\n";
	s.a.rcpt[1].address = "two@e.test";
	s.a.rcpt[1].reply = "550 5.7.1 spam\r\n";
	s.a.rcpt[2].address = "three@e.test";
	s.a.rcpt[2].reply = "550 no\r\n";
	s.a.rcpt[3].address = "four@e.test";
	s.a.rcpt[3].reply = "450 4.1.1 not now\r\n";
	world_queue(&s.w, "bob@d.test",
	    "one@e.test two@e.test three@e.test four@e.test", MESSAGE);
	world_start(&s.w);
	world_wait_idle(&s.w);
	CHECK(is_suppressed(&s.w, "one@e.test"));
	CHECK(!is_suppressed(&s.w, "two@e.test"));
	CHECK(!is_suppressed(&s.w, "three@e.test"));
	CHECK(!is_suppressed(&s.w, "four@e.test"));
	s.a.rcpt[0].reply = NULL; /* it came to life */
	world_queue(&s.w, "bob@d.test", "one@e.test", MESSAGE);
	world_wait_idle(&s.w);
	CHECK(!is_suppressed(&s.w, "one@e.test"));
	end(&s);
}

int
main(void)
{
	test_reused();
	test_ended_by_it();
	test_ends();
	test_dead_host();
	test_dialogue();
	test_suppression();
	return TEST_EXIT();
}
