/* SPDX-License-Identifier: MIT */
/* Which hosts are tried, in which order, and what happens when they are not
 * there, hang, or end the session at each of its states. */
#include "common/util/mem.h"
#include "tests/unit/maild/world.h"

static const struct zone_row zone[] = {
    {"e.test",           DNS_MX,  "20 b.mx.test,10 a.mx.test"              },
    {"other.test",       DNS_MX,  "10 c.mx.test"                           },
    {"a.mx.test",        DNS_A,   "127.0.0.2"                              },
    {"b.mx.test",        DNS_A,   "127.0.0.3"                              },
    {"c.mx.test",        DNS_A,   "127.0.0.4"                              },
    {"implicit.test",    DNS_A,   "127.0.0.2"                              },
    {"null.test",        DNS_MX,  "0 ."				    },
    {"nomail.test",      DNS_TXT, ""				       },
    {"noaddress.test",   DNS_MX,  "10 gone.test,20 nomail.test"            },
    {"fail.test",        DNS_MX,  "FAIL"				   },
    {"failaddress.test", DNS_MX,  "10 failing.test"                        },
    {"failing.test",     DNS_A,   "FAIL"				   },
    {"malformed.test",   DNS_MX,  "x"				      },
    {"self.test",        DNS_MX,  "10 mx.d.test"                           },
    {"localhost.test",   DNS_MX,  "10 localhost"                           },
    {"backup.test",      DNS_MX,  "10 a.mx.test,20 mx.d.test,30 c.mx.test" },
    {"selfaddress.test", DNS_MX,  "10 zero.test,20 c.mx.test"              },
    {"zero.test",        DNS_A,   "0.0.0.0"                                },
    {"many.test",        DNS_MX,  "10 m.test"                              },
    {"m.test",           DNS_A,
     "127.0.0.21,127.0.0.22,127.0.0.23,127.0.0.24,127.0.0.25,127.0.0.26,"
	"127.0.0.27,127.0.0.28,127.0.0.29,127.0.0.30,127.0.0.31,127.0.0.32"},
};

#define MESSAGE STR("From: bob@d.test\r\n\r\nx\r\n")

struct stage {
	struct world w;
	struct actor a, b, c; /* at .2, .3, .4 */
	struct buf text;
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

static void
test_preference(void)
{
	struct stage s;

	begin(&s);
	s.a.on[ACTOR_GREETING] = "554 5.3.2 not today\r\n";
	world_queue(&s.w, "bob@d.test", "alice@e.test", MESSAGE);
	world_queue(&s.w, "bob@d.test", "alice@implicit.test", MESSAGE);
	world_queue(&s.w, "bob@d.test", "alice@[127.0.0.4]", MESSAGE);
	world_start(&s.w);
	world_wait_idle(&s.w);
	CHECK(s.a.messages == 0 && s.b.messages == 1 && s.c.messages == 1);
	/* the only host of implicit.test refused for good */
	CHECK(world_queued(&s.w) == 0);
	CHECK(world_inbox(&s.w, &s.text) == 1);
	CHECK(world_has(&s.text, "554 5.3.2 not today"));
	end(&s);
}

/* One host that is gone for good does not condemn, when another is only away.
 */
static void
test_not_all_refuse(void)
{
	struct stage s;

	begin(&s);
	s.a.on[ACTOR_GREETING] = "421 4.3.2 busy\r\n";
	s.b.on[ACTOR_GREETING] = "554 5.3.2 never\r\n";
	world_queue(&s.w, "bob@d.test", "alice@e.test", MESSAGE);
	world_start(&s.w);
	world_wait_idle(&s.w);
	CHECK(s.a.connections == 1 && s.b.connections == 1);
	CHECK(world_queued(&s.w) == 1 && world_inbox(&s.w, NULL) == 0);
	end(&s);
}

/* What DNS says alone: ATTACKS A162, A165. */
static void
test_dns(void)
{
	static const struct {
		const char *address, *words; /* of the DSN, or of the queue */
		bool given_up;
	} rows[] = {
	    {"x@null.test",        "5.1.10 null.test does not accept mail", true },
	    {"x@nowhere.test",     "5.1.2 nowhere.test does not exist",     true },
	    {"x@nomail.test",      "5.1.2 nomail.test has no mail server",  true },
	    {"x@noaddress.test",   "5.4.4 noaddress.test",                  true },
	    {"x@fail.test",        "4.4.3 fail.test",                       false},
	    {"x@failaddress.test", "4.4.3 failaddress.test",                false},
	    {"x@malformed.test",   "4.4.3 malformed.test",                  false},
	    {"x@self.test",        "5.4.6 self.test loops back",            true },
	    {"x@localhost.test",   "5.4.6 localhost.test loops back",       true },
	    {"x@selfaddress.test", "5.4.6 selfaddress.test loops back",     true },
	    {"x@[0.0.0.0]",        "5.4.6 [0.0.0.0] loops back",            true },
	    {"x@[127.0.0.256]",    "5.1.2 [127.0.0.256] is neither",        true },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct stage s;
		struct queue_entry e;

		begin(&s);
		world_queue(&s.w, "bob@d.test", rows[i].address, MESSAGE);
		world_start(&s.w);
		world_wait_idle(&s.w);
		CHECK(world_inbox(&s.w, NULL) == (rows[i].given_up ? 1 : 0));
		world_log(&s.w, &s.text);
		CHECK(world_has(&s.text, rows[i].words));
		if (!rows[i].given_up) {
			CHECK(world_entry(&s.w, rows[i].address, &e));
			CHECK(str_starts(
			    str_of(e.last_reply), str_of(rows[i].words)));
			queue_entry_release(&e);
		}
		CHECK(s.a.connections + s.b.connections + s.c.connections == 0);
		end(&s);
	}
}

/* Without relay.local_addresses loopback is ourselves; and always what we
 * listen on. */
static void
test_own_addresses(void)
{
	struct stage s;
	char listening[32];

	begin(&s);
	s.w.conf->relay_local_addresses = false;
	world_queue(&s.w, "bob@d.test", "alice@e.test", MESSAGE);
	world_start(&s.w);
	world_wait_idle(&s.w);
	CHECK(s.a.connections + s.b.connections == 0);
	CHECK(world_inbox(&s.w, &s.text) == 1);
	CHECK(world_has(&s.text, "5.4.6"));
	end(&s);

	begin(&s);
	snprintf(listening, sizeof(listening), "127.0.0.3:%u", s.w.port);
	free(s.w.conf->listen_smtp.items[0]);
	s.w.conf->listen_smtp.items[0] = mem_dup(str_of(listening));
	s.a.on[ACTOR_GREETING] = "421 4.3.2 busy\r\n";
	world_queue(&s.w, "bob@d.test", "alice@e.test", MESSAGE);
	world_start(&s.w);
	world_wait_idle(&s.w);
	CHECK(s.a.connections == 1 && s.b.connections == 0);
	end(&s);
}

/* RFC 5321 s5.1: ourselves, and what is not better, are left out. */
static void
test_backup(void)
{
	struct stage s;

	begin(&s);
	s.a.on[ACTOR_GREETING] = "421 4.3.2 busy\r\n";
	world_queue(&s.w, "bob@d.test", "alice@backup.test", MESSAGE);
	world_start(&s.w);
	world_wait_idle(&s.w);
	CHECK(s.a.connections == 1 && s.c.connections == 0);
	CHECK(world_queued(&s.w) == 1);
	end(&s);
}

/* Nobody listens: ten addresses at most, once for all the mail there is, and
 * all of it is deferred. */
static void
test_nobody_there(void)
{
	struct stage s;
	struct queue_entry e;

	begin(&s);
	for (int i = 0; i < 250; i++)
		world_queue(&s.w, "bob@d.test", "alice@many.test", MESSAGE);
	world_start(&s.w);
	world_wait_idle(&s.w);
	CHECK(world_queued(&s.w) == 250);
	if (world_entry(&s.w, "alice@many.test", &e)) {
		CHECK(e.tries == 1);
		CHECK(str_starts(
		    str_of(e.last_reply), STR("4.4.1 cannot connect: ")));
		CHECK_STR(e.last_host, "m.test [127.0.0.30]");
		queue_entry_release(&e);
	}
	/* MX, A, AAAA: once */
	CHECK(s.w.questions == 3);
	world_log(&s.w, &s.text);
	CHECK(world_inbox(&s.w, NULL) == 0);
	end(&s);
}

/* ATTACKS A166: whatever a host does at whatever state, the next is tried, at
 * its time-out at the latest; but not when the message may have arrived.
 * Other destinations do not wait. */
static void
test_each_state(void)
{
	static const char *const deeds[] = {ACTOR_HANG, ACTOR_CLOSE,
	    "421 4.3.2 bye\r\n", "nonsense\r\n", "250\n", "299 x\r\n"};
	static const enum actor_step steps[] = {ACTOR_GREETING, ACTOR_EHLO,
	    ACTOR_MAIL, ACTOR_RCPT, ACTOR_DATA, ACTOR_DOT};

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		for (size_t k = 0; k < sizeof(deeds) / sizeof(deeds[0]); k++) {
			struct stage s;
			bool moved = steps[i] != ACTOR_DOT;

			begin(&s);
			s.w.conf->relay_timeout = 2000;
			s.a.on[steps[i]] = deeds[k];
			world_queue(
			    &s.w, "bob@d.test", "alice@e.test", MESSAGE);
			world_queue(
			    &s.w, "bob@d.test", "alice@other.test", MESSAGE);
			world_start(&s.w);
			world_wait_idle(&s.w);
			CHECK(s.c.messages == 1);
			if (moved && str_eq(str_of(deeds[k]), STR(ACTOR_HANG)))
				CHECK(s.c.first_ms < s.b.first_ms);
			if ((moved && s.a.messages != 0) ||
			    s.a.connections != 1 ||
			    s.b.messages != (moved ? 1 : 0) ||
			    world_queued(&s.w) != (moved ? 0 : 1)) {
				world_log(&s.w, &s.text);
				fprintf(stderr, "step %d, %s\n%s", steps[i],
				    deeds[k], s.text.data);
				CHECK(!"the next host was tried");
			}
			end(&s);
		}
}

/* What a reply's octets are worth is the reply, not each a new wait; and a
 * server that takes the connection, says 220 to STARTTLS and is silent then is
 * left for the next host where TLS is required. */
static void
test_drips(void)
{
	static const enum actor_step steps[] = {ACTOR_GREETING, ACTOR_EHLO,
	    ACTOR_STARTTLS, ACTOR_MAIL, ACTOR_RCPT, ACTOR_DATA};

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		struct stage s;
		size_t again;

		begin(&s);
		s.w.conf->relay_timeout = 1000;
		s.a.tls = steps[i] == ACTOR_STARTTLS ? s.w.server : NULL;
		s.a.on[steps[i]] = ACTOR_DRIP;
		world_queue(&s.w, "bob@d.test", "alice@e.test", MESSAGE);
		world_queue(&s.w, "bob@d.test", "alice@other.test", MESSAGE);
		world_start(&s.w);
		world_wait_idle(&s.w);
		/* without TLS it does its work */
		again = steps[i] == ACTOR_STARTTLS ? 1 : 0;
		CHECK(s.a.connections == 1 + again && s.a.messages == again);
		CHECK(s.b.messages == 1 - again && s.c.messages == 1);
		CHECK(world_queued(&s.w) == 0);
		end(&s);
	}
}

/* Silence at STARTTLS, and after its 220. */
static void
test_tls_hangs(void)
{
	for (int handshake = 0; handshake < 2; handshake++) {
		struct stage s;

		begin(&s);
		s.w.conf->relay_timeout = 1000;
		s.w.conf->timeouts_handshake = 300;
		s.a.tls = s.w.server;
		s.a.on[ACTOR_STARTTLS] = handshake ? "220 go\r\n" : ACTOR_HANG;
		world_queue(&s.w, "bob@d.test", "alice@e.test", MESSAGE);
		world_queue(&s.w, "bob@d.test", "alice@other.test", MESSAGE);
		world_start(&s.w);
		world_wait_idle(&s.w);
		/* again, in the clear */
		CHECK(s.a.connections == 2);
		CHECK(s.a.messages == 1 && s.b.messages == 0);
		CHECK(s.c.messages == 1 && world_queued(&s.w) == 0);
		end(&s);
	}
}

static void
test_quit_hangs(void)
{
	struct stage s;

	begin(&s);
	s.w.conf->relay_timeout = 1000;
	s.c.on[ACTOR_QUIT] = ACTOR_HANG;
	world_queue(&s.w, "bob@d.test", "alice@other.test", MESSAGE);
	world_start(&s.w);
	world_wait_idle(&s.w);
	CHECK(s.c.messages == 1 && world_queued(&s.w) == 0);
	end(&s);
}

int
main(void)
{
	test_preference();
	test_not_all_refuse();
	test_dns();
	test_own_addresses();
	test_backup();
	test_nobody_there();
	test_each_state();
	test_drips();
	test_tls_hangs();
	test_quit_hangs();
	return TEST_EXIT();
}
