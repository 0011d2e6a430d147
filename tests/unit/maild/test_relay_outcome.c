/* SPDX-License-Identifier: MIT */
/* What other servers say of each recipient, and what becomes of it: queue,
 * journey, DSN. */
#include "common/store/sql.h"
#include "common/util/mem.h"
#include "tests/unit/maild/world.h"

static const struct zone_row zone[] = {
    {"e.test",             DNS_MX, "10 mx.e.test"},
    {"xn--bcher-kva.test", DNS_MX, "10 mx.e.test"},
    {"mx.e.test",          DNS_A,  "127.0.0.2"   },
};

#define MESSAGE                                                                \
	STR("From: bob@d.test\r\nSubject: hi\r\n\r\n.one\r\n..two\r\n\r\nend")

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

/* Two messages over one connection under TLS; the journey has the remote's
 * words. */
static void
test_relayed(void)
{
	struct world w;
	struct actor a;
	struct buf text;
	int64_t trace;

	begin(&w, &a);
	buf_init(&text, 1 * MB);
	a.tls = w.server;
	trace = world_queue(
	    &w, "bob@d.test", "alice@e.test carol@e.test", MESSAGE);
	world_queue(&w, "bob@d.test", "alice@e.test", MESSAGE);
	world_start(&w);
	world_wait_idle(&w);
	CHECK(a.messages == 2 && a.connections == 1 && a.quits == 1);
	CHECK(a.recipients == 3);
	CHECK(a.last_secure);
	/* the last line gets its CRLF, all else is as it was */
	CHECK(a.last.len == MESSAGE.len + 2);
	CHECK(str_starts(buf_str(&a.last), MESSAGE));
	CHECK(world_queued(&w) == 0);
	CHECK(world_inbox(&w, NULL) == 0);
	world_journey(&w, trace, &text);
	CHECK(world_has(&text,
	    "relayed alice@e.test mx.e.test [127.0.0.2] "
	    "250 TLSv1.3 TLS_AES_256_GCM_SHA384, opportunistic: 250 "
	    "2.0.0 Ok: queued as REMOTE1\n"));
	CHECK(world_has(&text, "relayed carol@e.test "));
	world_log(&w, &text);
	CHECK(world_has(&text, " to=<alice@e.test> mx=mx.e.test [127.0.0.2] "
			       "tls=TLSv1.3 result=relayed reply=\"250 2.0.0 "
			       "Ok: queued as REMOTE1\""));
	buf_release(&text);
	end(&w, &a);
}

/* ATTACKS A174: one taken, one later, one never. */
static void
test_partly(void)
{
	struct world w;
	struct actor a;
	struct buf text;
	struct queue_entry e;
	int64_t trace;

	begin(&w, &a);
	buf_init(&text, 1 * MB);
	a.rcpt[0].address = "one@e.test";
	a.rcpt[1].address = "two@e.test";
	a.rcpt[1].reply = "450 4.2.0 greylisted\r\n";
	a.rcpt[2].address = "three@e.test";
	a.rcpt[2].reply = "550-5.1.1 no \x1b[2J such\r\n550 5.1.1 user\r\n";
	trace = world_queue(
	    &w, "bob@d.test", "one@e.test two@e.test three@e.test", MESSAGE);
	world_start(&w);
	world_wait_idle(&w);
	CHECK(a.messages == 1 && a.accepted[0] == 1 && a.accepted[1] == 0);
	CHECK(world_queued(&w) == 1);
	if (world_entry(&w, "two@e.test", &e)) {
		int64_t wait = e.next_ms - e.last_ms;

		CHECK(e.tries == 1 && e.last_code == 450);
		CHECK_STR(e.last_reply, "450 4.2.0 greylisted");
		CHECK_STR(e.last_host, "mx.e.test [127.0.0.2]");
		CHECK(wait >= 285000 && wait <= 315000);
		queue_entry_release(&e);
	} else
		CHECK(!"two waits");
	CHECK(world_inbox(&w, &text) == 1);
	CHECK(str_starts(buf_str(&text), STR("Return-Path: <>\r\n")));
	CHECK(world_has(&text, "Final-Recipient: rfc822; three@e.test\r\n"));
	CHECK(world_has(&text, "Status: 5.1.1\r\n"));
	CHECK(world_has(&text, "550 5.1.1 no ?[2J such user"));
	CHECK(world_has(&text, "mx.e.test"));
	CHECK(world_has(&text, "Subject: hi\r\n"));
	world_journey(&w, trace, &text);
	CHECK(world_has(&text, "relayed one@e.test "));
	CHECK(world_has(&text, "tried two@e.test mx.e.test [127.0.0.2] 450 in "
			       "the clear (STARTTLS is not offered): 450 4.2.0 "
			       "greylisted\n"));
	CHECK(world_has(&text, "failed three@e.test "));
	CHECK(world_has(&text, "returned bob@d.test "));

	/* the second attempt is for two alone */
	a.rcpt[1].reply = NULL;
	w.ahead_ms += 316000;
	world_wait_idle(&w);
	CHECK(a.messages == 2);
	CHECK(a.accepted[0] == 1 && a.accepted[1] == 1 && a.accepted[2] == 0);
	CHECK(world_queued(&w) == 0);
	CHECK(world_inbox(&w, NULL) == 1);
	buf_release(&text);
	end(&w, &a);
}

/* Two recipients given up at once: one DSN about both. */
static void
test_one_dsn(void)
{
	struct world w;
	struct actor a;
	struct buf text;

	begin(&w, &a);
	buf_init(&text, 1 * MB);
	a.on[ACTOR_MAIL] = "550 5.7.1 we do not like you\r\n";
	world_queue(&w, "bob@d.test", "one@e.test two@e.test", MESSAGE);
	world_queue(&w, "bob@d.test", "three@e.test", MESSAGE);
	world_start(&w);
	world_wait_idle(&w);
	CHECK(world_queued(&w) == 0);
	CHECK(world_inbox(&w, &text) == 2);
	end(&w, &a);
	buf_release(&text);
}

/* ATTACKS A172, A054: nobody is told about mail from <>, and a DSN that fails
 * is not returned. */
static void
test_null_sender(void)
{
	struct world w;
	struct actor a;
	struct buf text;
	int64_t trace;

	begin(&w, &a);
	buf_init(&text, 1 * MB);
	a.on[ACTOR_RCPT] = "550 5.1.1 no such user\r\n";
	trace = world_queue(&w, "", "one@e.test", MESSAGE);
	/* the DSN for this one goes to e.test, which refuses it too */
	world_queue(&w, "forged@e.test", "two@e.test", MESSAGE);
	world_queue(&w, "unknown@d.test", "three@e.test", MESSAGE);
	world_start(&w);
	world_wait_idle(&w);
	CHECK(world_queued(&w) == 0);
	CHECK(world_inbox(&w, NULL) == 0);
	CHECK(a.messages == 0);
	CHECK(world_has(&a.mails, "MAIL FROM:<forged@e.test>"));
	CHECK(world_has(&a.mails, "MAIL FROM:<> SIZE"));
	world_journey(&w, trace, &text);
	CHECK(world_has(&text, "failed one@e.test "));
	world_log(&w, &text);
	CHECK(world_has(&text, "dropped: the message came from <>"));
	CHECK(world_has(&text, "dropped: the sender is unknown here"));
	buf_release(&text);
	end(&w, &a);
}

/* The retry schedule, and the end of it, with a clock that is moved. */
static void
test_expiry(void)
{
	struct world w;
	struct actor a;
	struct buf text;
	struct queue_entry e;
	int64_t begun, trace;
	int tries = 0;

	begin(&w, &a);
	buf_init(&text, 1 * MB);
	a.on[ACTOR_RCPT] = "451 4.3.0 trouble at home\r\n";
	begun = clock_wall_ms(&w.clock);
	trace = world_queue(&w, "bob@d.test", "alice@e.test", MESSAGE);
	world_start(&w);
	world_wait_idle(&w);
	while (world_entry(&w, "alice@e.test", &e)) {
		int64_t due = e.next_ms - e.last_ms;
		int64_t want = INT64_C(300000) << (tries < 20 ? tries : 20);

		CHECK(e.tries == ++tries);
		if (want > 4 * 3600000)
			want = 4 * 3600000;
		CHECK(due >= want - want / 20 - 1 || e.next_ms == e.expires_ms);
		CHECK(due <= want + want / 20 + 1);
		CHECK(e.next_ms <= e.expires_ms);
		w.ahead_ms = e.next_ms - clock_wall_ms(&clock_system);
		queue_entry_release(&e);
		world_wait_idle(&w);
		if (tries > 100)
			break;
	}
	/* 5, 10, ... 160 minutes, then every four hours for five days */
	CHECK(tries >= 33 && tries <= 37);
	CHECK(a.messages == 0);
	CHECK(clock_wall_ms(&w.clock) - begun >= INT64_C(5) * 86400000);
	CHECK(clock_wall_ms(&w.clock) - begun < INT64_C(5) * 86400000 + 600000);
	/* after four hours one that it is late, then that it has failed */
	CHECK(world_inbox(&w, &text) == 2);
	CHECK(world_has(&text, "451 4.3.0 trouble at home"));
	CHECK(world_has(&text, "could not be delivered in 120 hours, in "));
	world_journey(&w, trace, &text);
	CHECK(world_has(&text, "expired alice@e.test "));
	buf_release(&text);
	end(&w, &a);
}

/* The answer to the final dot never comes: it may have arrived, so it is not
 * sent again at once, and that is logged. */
static void
test_unsure(void)
{
	struct world w;
	struct actor a;
	struct buf text;

	begin(&w, &a);
	buf_init(&text, 1 * MB);
	a.on[ACTOR_DOT] = ACTOR_CLOSE;
	world_queue(&w, "bob@d.test", "alice@e.test", MESSAGE);
	world_start(&w);
	world_wait_idle(&w);
	CHECK(a.connections == 1 && world_queued(&w) == 1);
	world_log(&w, &text);
	CHECK(world_has(&text, "result=deferred unsure=yes"));
	buf_release(&text);
	end(&w, &a);
}

/* Many pieces, byte for byte. */
static void
test_large(void)
{
	struct world w;
	struct actor a;
	struct buf big;

	begin(&w, &a);
	buf_init(&big, 16 * MB);
	buf_add(&big, STR("Subject: big\r\n\r\n"));
	for (int i = 0; big.len < 5 * MB; i++)
		buf_addf(&big, ".line %d of a large message, %x\r\n", i,
		    i * 2654435761u);
	world_queue(&w, "bob@d.test", "alice@e.test", buf_str(&big));
	world_start(&w);
	world_wait_idle(&w);
	CHECK(a.messages == 1);
	CHECK(str_eq(buf_str(&a.last), buf_str(&big)));
	buf_release(&big);
	end(&w, &a);
}

static int
hide_hops(struct db *db, void *arg, struct fail *f)
{
	(void)arg;
	return sql_run(db, "ALTER TABLE hop RENAME TO hidden", f, "");
}

static int
show_hops(struct db *db, void *arg, struct fail *f)
{
	(void)arg;
	return sql_run(db, "ALTER TABLE hidden RENAME TO hop", f, "");
}

static bool
has_failed_twice(void *arg)
{
	struct world *w = arg;
	struct buf text;
	struct str rest;
	size_t at, n = 0;

	buf_init(&text, 1 * MB);
	world_log(w, &text);
	rest = buf_str(&text);
	while (str_find_str(rest, STR("not recorded yet"), &at)) {
		rest = str_after(rest, at + 1);
		n++;
	}
	buf_release(&text);
	return n >= 2;
}

/* While the store cannot write, what was relayed is not relayed again. */
static void
test_store_fails(void)
{
	struct world w;
	struct actor a;

	begin(&w, &a);
	a.rcpt[0].address = "two@e.test";
	a.rcpt[0].reply = "550 5.1.1 no\r\n";
	world_queue(&w, "bob@d.test", "one@e.test two@e.test", MESSAGE);
	MUST(db_write(w.db, hide_hops, NULL, &f));
	world_start(&w);
	world_wait(&w, has_failed_twice, &w);
	CHECK(a.messages == 1 && a.connections == 1);
	MUST(db_write(w.db, show_hops, NULL, &f));
	world_wait_idle(&w);
	CHECK(a.messages == 1 && a.connections == 1);
	CHECK(world_queued(&w) == 0 && world_inbox(&w, NULL) == 1);
	end(&w, &a);
}

/* A domain that is not ASCII goes out as its A-label, and a header that is
 * ASCII needs no SMTPUTF8 whatever the user agent said (RFC 6531 s3.2). */
static void
test_utf8(void)
{
	struct world w;
	struct actor a;
	struct buf text;

	begin(&w, &a);
	buf_init(&text, 1 * MB);
	world_queue_utf8(&w, "alice@e.test", MESSAGE);
	world_queue_utf8(&w,
	    "alice@b\xc3\xbc"
	    "cher.test",
	    MESSAGE);
	world_queue(&w, "bob@d.test",
	    "alice@b\xc3\xbc"
	    "cher.test",
	    MESSAGE);
	world_queue_utf8(
	    &w, "carol@e.test", STR("Subject: \xc3\xbc\r\n\r\nx\r\n"));
	world_start(&w);
	world_wait_idle(&w);
	CHECK(a.messages == 3);
	CHECK(world_inbox(&w, &text) == 1);
	CHECK(world_has(&text, "Status: 5.6.7\r\n"));
	world_log(&w, &text);
	CHECK(world_has(&text, "to=<carol@e.test> mx=mx.e.test [127.0.0.2] "
			       "tls=none result=failed reply=\"5.6.7 "));
	buf_release(&text);
	end(&w, &a);
}

int
main(void)
{
	test_relayed();
	test_partly();
	test_one_dsn();
	test_null_sender();
	test_expiry();
	test_unsure();
	test_large();
	test_store_fails();
	test_utf8();
	return TEST_EXIT();
}
