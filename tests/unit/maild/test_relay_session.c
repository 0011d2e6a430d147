/* SPDX-License-Identifier: MIT */
/* Connections: TLS and doing without, reuse, how many at once, how much in
 * memory, and stopping. */
#include "common/util/mem.h"
#include "maild/relay/destination.h"
#include "maild/relay/hosts.h"
#include "maild/relay/relay_internal.h"
#include "tests/unit/maild/world.h"

static const struct zone_row zone[] = {
    {"e.test",    DNS_MX, "10 mx.e.test"},
    {"mx.e.test", DNS_A,  "127.0.0.2"   },
    {"f.test",    DNS_MX, "10 mx.f.test"},
    {"mx.f.test", DNS_A,  "127.0.0.3"   },
};

#define MESSAGE STR("From: bob@d.test\r\n\r\nx\r\n")

static void
begin(struct world *w, struct actor *a)
{
	world_init(w, zone, sizeof(zone) / sizeof(zone[0]));
	*a = (struct actor){0};
	w->port = actor_start(a, w->loop, "127.0.0.2", 0);
}

static void
end(struct world *w, struct actor *a)
{
	actor_stop(a);
	world_release(w);
}

/* TLS that does not work: at once again in the clear, over a new connection. */
static void
test_broken_tls(void)
{
	static const char *const deeds[] = {"220 go\r\nand more\r\n",
	    "220 go\r\n", "454 4.7.0 not now\r\n", ACTOR_CLOSE};

	for (size_t i = 0; i < sizeof(deeds) / sizeof(deeds[0]); i++) {
		struct world w;
		struct actor a;

		begin(&w, &a);
		w.conf->timeouts_handshake = 200;
		a.tls = w.server; /* offered, but no handshake follows */
		a.on[ACTOR_STARTTLS] = deeds[i];
		world_queue(&w, "bob@d.test", "alice@e.test", MESSAGE);
		world_start(&w);
		world_wait_idle(&w);
		/* 454: the same connection; silence or its end: a new one;
		 * somebody who speaks before the handshake: not now */
		CHECK(a.messages == (i == 0 ? 0 : 1));
		CHECK(world_queued(&w) == (i == 0 ? 1 : 0));
		CHECK(!a.last_secure);
		CHECK(a.connections == (i == 0 || i == 2 ? 1 : 2));
		end(&w, &a);
	}
}

/* What broke is not tried by every message, but after a while, and where it is
 * needed; what works without is no worse for it. */
static void
test_broken_tls_is_remembered(void)
{
	struct delivery_target to = {.address = STR("alice@e.test")};
	struct delivery d = {.sender = STR("bob@d.test"),
	    .targets = &to,
	    .n_targets = 1,
	    .require_tls = true};
	struct world w;
	struct actor a;
	struct buf text;
	int64_t trace;

	begin(&w, &a);
	buf_init(&text, 64 * KB);
	a.tls = w.server;
	a.on[ACTOR_STARTTLS] = ACTOR_CLOSE;
	world_queue(&w, "bob@d.test", "alice@e.test", MESSAGE);
	world_start(&w);
	world_wait_idle(&w);
	CHECK(a.messages == 1 && a.connections == 2);
	a.on[ACTOR_STARTTLS] = NULL;
	trace = world_queue(&w, "bob@d.test", "alice@e.test", MESSAGE);
	world_wait_idle(&w);
	CHECK(a.messages == 2 && a.connections == 3 && !a.last_secure);
	world_journey(&w, trace, &text);
	CHECK(world_has(&text, "in the clear (lately TLS failed: the other "
			       "server "));
	/* for this one it is tried; it lacks REQUIRETLS itself */
	trace = world_deliver(&w, &d, MESSAGE);
	world_wait_idle(&w);
	CHECK(a.messages == 2 && a.connections == 4);
	world_journey(&w, trace, &text);
	CHECK(world_has(&text, "failed alice@e.test "));
	w.passed_ms = HOSTS_CLEAR_MS;
	world_queue(&w, "bob@d.test", "alice@e.test", MESSAGE);
	world_wait_idle(&w);
	CHECK(a.messages == 3 && a.connections == 5 && a.last_secure);
	buf_release(&text);
	end(&w, &a);
}

/* After each message the server hangs up: the next goes over a new one. */
static void
test_one_message_each(void)
{
	struct world w;
	struct actor a;

	begin(&w, &a);
	a.on[ACTOR_DOT] = "250 2.0.0 taken\r\n421 4.3.2 one is enough\r\n";
	for (int i = 0; i < 3; i++)
		world_queue(&w, "bob@d.test", "alice@e.test", MESSAGE);
	world_start(&w);
	world_wait_idle(&w);
	CHECK(a.messages == 3 && a.connections == 3);
	CHECK(world_queued(&w) == 0);
	end(&w, &a);
}

/* Too many recipients at once: the rest follow in the next message. */
static void
test_too_many_recipients(void)
{
	struct world w;
	struct actor a;

	begin(&w, &a);
	a.rcpt[0].address = "two@e.test";
	a.rcpt[0].reply = "452 4.5.3 too many\r\n";
	world_queue(&w, "bob@d.test", "one@e.test two@e.test", MESSAGE);
	world_start(&w);
	world_wait_idle(&w);
	/* alone, two is refused for now; it is not asked for ever */
	CHECK(a.messages == 1 && a.connections == 1 && a.recipients == 1);
	CHECK(world_queued(&w) == 1);
	end(&w, &a);
}

struct watch_memory {
	struct world *w;
	size_t most;
};

static bool
measure(void *arg)
{
	struct watch_memory *m = arg;

	for (const struct destination *d = m->w->relay->destinations; d != NULL;
	     d = d->next) {
		size_t n = 0;

		for (const struct item *i = d->items; i != NULL; i = i->next)
			n++;
		if (n > m->most)
			m->most = n;
	}
	return m->w->relay->look == NULL && m->w->relay->n_destinations == 0;
}

/* A long queue: few connections, each used often, and never more than a few
 * hundred recipients in memory. */
static void
test_long_queue(void)
{
	struct world w;
	struct actor a;
	struct buf to;
	struct watch_memory m = {.w = &w};

	begin(&w, &a);
	buf_init(&to, 1 * MB);
	for (int i = 0; i < 500; i++)
		buf_addf(&to, "%suser%d@e.test", i > 0 ? " " : "", i);
	for (int i = 0; i < 5; i++)
		world_queue(&w, "bob@d.test", to.data, MESSAGE);
	for (int i = 0; i < 500; i++)
		world_queue(&w, "bob@d.test", "alice@e.test", MESSAGE);
	world_start(&w);
	relay_kick(w.relay);
	world_wait(&w, measure, &m);
	CHECK(world_queued(&w) == 0);
	CHECK(a.recipients == 3000);
	CHECK(a.most_recipients == 100);
	CHECK(a.messages >= 525 && a.messages < 600);
	CHECK(a.most_at_once <= 5 && a.most_at_once > 1);
	CHECK(a.connections < 40);
	CHECK(m.most <= DESTINATION_IN_HAND_MAX);
	buf_release(&to);
	end(&w, &a);
}

/* A stop lets what is under way end, begins nothing, and loses nothing. */
static void
test_stop(void)
{
	struct world w;
	struct actor a;

	begin(&w, &a);
	w.conf->relay_connections_per_destination = 1;
	for (int i = 0; i < 50; i++)
		world_queue(&w, "bob@d.test", "alice@e.test", MESSAGE);
	world_start(&w);
	world_stop_after(&w, 20, false);
	world_wait_idle(&w);
	CHECK(world_queued(&w) == 50 - a.messages);
	CHECK(a.connections <= 1);
	end(&w, &a);
}

/* A stop does not wait for who has said nothing yet: with nothing at stake. */
static void
test_stop_silent(void)
{
	static const enum actor_step steps[] = {ACTOR_GREETING, ACTOR_EHLO};

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		struct world w;
		struct actor a;

		begin(&w, &a);
		w.conf->relay_timeout = 600000;
		a.on[steps[i]] = ACTOR_HANG;
		world_queue(&w, "bob@d.test", "alice@e.test", MESSAGE);
		world_start(&w);
		world_stop_after(&w, 200, false);
		world_wait_idle(&w);
		CHECK(world_queued(&w) == 1);
		end(&w, &a);
	}
}

/* Freed in the middle of everything: nothing leaks, nothing is used after. */
static void
test_freed_busy(void)
{
	static const enum actor_step steps[] = {
	    ACTOR_GREETING, ACTOR_EHLO, ACTOR_MAIL, ACTOR_DOT};

	for (size_t i = 0; i < 2 * sizeof(steps) / sizeof(steps[0]); i++) {
		struct world w;
		struct actor a;

		begin(&w, &a);
		a.on[steps[i / 2]] = i % 2 ? ACTOR_HANG : NULL;
		for (int k = 0; k < 20; k++)
			world_queue(&w, "bob@d.test", "alice@e.test", MESSAGE);
		world_queue(&w, "bob@d.test", "alice@nowhere.test", MESSAGE);
		world_start(&w);
		world_stop_after(&w, (int64_t)i * 6, true);
		world_wait_idle(&w);
		end(&w, &a);
	}
}

int
main(void)
{
	test_broken_tls();
	test_broken_tls_is_remembered();
	test_one_message_each();
	test_too_many_recipients();
	test_long_queue();
	test_stop();
	test_stop_silent();
	test_freed_busy();
	return TEST_EXIT();
}
