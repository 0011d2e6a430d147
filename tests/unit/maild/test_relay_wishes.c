/* SPDX-License-Identifier: MIT */
/* What submitters ask of the way: reports (RFC 3461), TLS to the end (RFC
 * 8689), octets as they are (RFC 3030), a time to be sent at (RFC 4865). */
#include <string.h>

#include "common/mime/dsn.h"
#include "common/store/account.h"
#include "common/util/mem.h"
#include "tests/unit/maild/world.h"

static const struct zone_row zone[] = {
    {"e.test",    DNS_MX, "10 mx.e.test"},
    {"mx.e.test", DNS_A,  "127.0.0.2"   },
    {"o.test",    DNS_MX, "10 mx.o.test"}, /* its certificate is mx.e.test's */
    {"mx.o.test", DNS_A,  "127.0.0.2"   },
};

#define MESSAGE STR("From: bob@d.test\r\nSubject: hi\r\n\r\n.one\r\nend\r\n")

struct scene {
	struct world w;
	struct actor a;
	struct buf text;
	struct delivery_target to[4];
	struct delivery d;
};

static void
begin(struct scene *s, const char *recipient)
{
	*s = (struct scene){0};
	world_init(&s->w, zone, sizeof(zone) / sizeof(zone[0]));
	s->w.port = actor_start(&s->a, s->w.loop, "127.0.0.2", 0);
	buf_init(&s->text, 1 * MB);
	s->to[0].address = str_of(recipient);
	s->d = (struct delivery){
	    .sender = STR("bob@d.test"), .targets = s->to, .n_targets = 1};
}

static void
run(struct scene *s)
{
	world_start(&s->w);
	world_wait_idle(&s->w);
}

static void
end(struct scene *s)
{
	actor_stop(&s->a);
	buf_release(&s->text);
	world_release(&s->w);
}

static void
ask_for_all(struct scene *s)
{
	s->d.envelope_id = STR("QQ 1+2");
	s->d.ret = DSN_RET_HDRS;
	s->to[0].notify = DSN_NOTIFY_SUCCESS | DSN_NOTIFY_FAILURE;
	s->to[0].original_recipient = STR("rfc822;al+2Bx@e.test");
}

/* RFC 3461 s5.2.1: what is asked goes along, and the rest is theirs. */
static void
test_passed_on(void)
{
	struct scene s;

	begin(&s, "alice@e.test");
	s.a.offers = "250-DSN\r\n";
	ask_for_all(&s);
	world_deliver(&s.w, &s.d, MESSAGE);
	run(&s);
	CHECK(s.a.messages == 1 && world_queued(&s.w) == 0);
	CHECK(world_has(&s.a.mails, " RET=HDRS ENVID=QQ+201+2B2\n"));
	CHECK(world_has(&s.a.rcpts, "RCPT TO:<alice@e.test>"
				    " NOTIFY=SUCCESS,FAILURE"
				    " ORCPT=rfc822;al+2Bx@e.test\n"));
	CHECK(world_inbox(&s.w, NULL) == 0);
	end(&s);
}

/* s5.2.2: a server that knows nothing of it is told nothing of it; we report
 * that it has the message. */
static void
test_relayed_dsn(void)
{
	struct scene s;
	int64_t trace;

	begin(&s, "alice@e.test");
	ask_for_all(&s);
	trace = world_deliver(&s.w, &s.d, MESSAGE);
	run(&s);
	CHECK(s.a.messages == 1);
	CHECK_STR(s.a.rcpts.data, "RCPT TO:<alice@e.test>\n");
	CHECK_STR(s.a.mails.data, "MAIL FROM:<bob@d.test> SIZE=44\n");
	CHECK(world_inbox(&s.w, &s.text) == 1);
	CHECK(world_has(&s.text, "Action: relayed\r\nStatus: 2.0.0\r\n"
				 "Remote-MTA: dns; mx.e.test\r\n"));
	CHECK(world_has(&s.text, "Original-Envelope-Id: QQ 1+2\r\n"));
	CHECK(world_has(&s.text, "Original-Recipient: rfc822; al+x@e.test\r\n"
				 "Final-Recipient: rfc822; alice@e.test\r\n"));
	CHECK(world_has(&s.text, "Diagnostic-Code: smtp; 250 2.0.0 Ok"));
	CHECK(world_has(&s.text, "\r\nSubject: hi\r\n"));
	world_journey(&s.w, trace, &s.text);
	CHECK(world_has(&s.text, "reported bob@d.test"));
	end(&s);
}

/* s4.1, s5.2.2 (d): whom nobody wants to hear of nobody hears of. */
static void
test_never(void)
{
	static const unsigned quiet[] = {DSN_NOTIFY_NEVER, DSN_NOTIFY_SUCCESS,
	    DSN_NOTIFY_DELAY, DSN_NOTIFY_SUCCESS | DSN_NOTIFY_DELAY};

	for (size_t i = 0; i < sizeof(quiet) / sizeof(quiet[0]); i++) {
		struct scene s;

		begin(&s, "alice@e.test");
		s.to[0].notify = quiet[i];
		s.a.on[ACTOR_RCPT] = "550 5.1.1 nobody\r\n";
		world_deliver(&s.w, &s.d, MESSAGE);
		run(&s);
		CHECK(world_queued(&s.w) == 0);
		CHECK(world_inbox(&s.w, NULL) == 0);
		end(&s);
	}
}

/* Some want to hear of it, some do not: one DSN, of those who do. */
static void
test_one_of_two(void)
{
	struct scene s;

	begin(&s, "alice@e.test");
	s.to[0].notify = DSN_NOTIFY_NEVER;
	s.to[1].address = STR("carol@e.test");
	s.to[1].notify = DSN_NOTIFY_FAILURE;
	s.d.n_targets = 2;
	s.a.on[ACTOR_RCPT] = "550 5.1.1 nobody\r\n";
	world_deliver(&s.w, &s.d, MESSAGE);
	run(&s);
	CHECK(world_inbox(&s.w, &s.text) == 1);
	CHECK(world_has(&s.text, "rfc822; carol@e.test"));
	CHECK(!str_find_str(buf_str(&s.text), STR("alice"), &(size_t){0}));
	end(&s);
}

/* s4.3: the message comes back whole, if it failed. */
static void
test_full(void)
{
	struct scene s;

	begin(&s, "alice@e.test");
	s.d.ret = DSN_RET_FULL;
	s.d.eight_bit = true;
	s.a.on[ACTOR_RCPT] = "550 5.1.1 nobody\r\n";
	world_deliver(&s.w, &s.d,
	    STR("From: bob@d.test\r\nSubject: "
		"hi\r\n\r\ngr\xc3\xbc\xc3\x9f\r\n"));
	run(&s);
	CHECK(world_inbox(&s.w, &s.text) == 1);
	CHECK(world_has(&s.text, "Content-Type: message/rfc822\r\n"
				 "Content-Transfer-Encoding: 8bit\r\n\r\n"
				 "From: bob@d.test\r\nSubject: hi\r\n\r\n"
				 "gr\xc3\xbc\xc3\x9f\r\n\r\n--"));
	end(&s);
}

/* Who hears of it is the sender, not what stood for him on the way (SRS). */
static void
test_relay_sender(void)
{
	struct scene s;

	begin(&s, "alice@e.test");
	s.d.relay_sender = STR("SRS0=x=bob@fwd.test");
	s.a.on[ACTOR_RCPT] = "550 5.1.1 nobody\r\n";
	world_deliver(&s.w, &s.d, MESSAGE);
	run(&s);
	CHECK(world_has(&s.a.mails, "MAIL FROM:<SRS0=x=bob@fwd.test>"));
	CHECK(world_inbox(&s.w, &s.text) == 1);
	CHECK(world_has(&s.text, "\r\nTo: <bob@d.test>\r\n"));
	end(&s);
}

/* After four hours once, for whom it is not too much. */
static void
test_delay(void)
{
	static const struct {
		unsigned notify;
		bool ours; /* one of our people sent it */
		size_t told;
	} rows[] = {
	    {0,		  true,  1},
	    {0,		  false, 0}, /* who may not be the sender */
	    {DSN_NOTIFY_DELAY,   false, 1},
	    {DSN_NOTIFY_FAILURE, true,  0},
	    {DSN_NOTIFY_NEVER,   true,  0},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct scene s;

		begin(&s, "alice@e.test");
		s.to[0].notify = rows[i].notify;
		s.d.account = rows[i].ours ? s.w.bob : 0;
		s.a.on[ACTOR_RCPT] = "451 4.3.0 later\r\n";
		world_deliver(&s.w, &s.d, MESSAGE);
		run(&s);
		CHECK(world_inbox(&s.w, NULL) == 0);
		s.w.ahead_ms = 5 * 3600000;
		world_wait_idle(&s.w);
		CHECK(world_inbox(&s.w, &s.text) == rows[i].told);
		if (rows[i].told > 0) {
			CHECK(world_has(&s.text, "Action: delayed\r\n"
						 "Status: 4.3.0\r\n"));
			CHECK(world_has(&s.text, "Will-Retry-Until: "));
		}
		s.w.ahead_ms = 15 * 3600000;
		world_wait_idle(&s.w);
		CHECK(world_inbox(&s.w, NULL) == rows[i].told);
		CHECK(world_queued(&s.w) == 1);
		end(&s);
	}
}

static size_t
count(const struct buf *text, const char *what)
{
	size_t n = 0;

	for (const char *at = text->data; (at = strstr(at, what)) != NULL; at++)
		n++;
	return n;
}

/* As in "The same is true of 150 more of its recipients". */
static size_t
number_before(const struct buf *text, const char *what)
{
	const char *at = strstr(text->data, what);
	size_t n = 0;

	while (at != NULL && at > text->data && at[-1] >= '0' && at[-1] <= '9')
		at--;
	while (at != NULL && *at >= '0' && *at <= '9')
		n = 10 * n + (size_t)(*at++ - '0');
	return n;
}

/* Of all who wait at a server that is not there one report tells. */
static void
test_delay_of_many(void)
{
	struct delivery_target to[250];
	char addresses[250][32];
	struct scene s;

	begin(&s, "x@e.test");
	actor_stop(&s.a);
	for (int i = 0; i < 250; i++) {
		snprintf(addresses[i], sizeof(addresses[i]), "u%d@e.test", i);
		to[i] = (struct delivery_target){
		    .address = str_of(addresses[i])};
	}
	to[7].notify = DSN_NOTIFY_FAILURE;
	s.d.account = s.w.bob;
	s.d.targets = to;
	s.d.n_targets = 250;
	world_deliver(&s.w, &s.d, MESSAGE);
	run(&s);
	CHECK(world_inbox(&s.w, NULL) == 0 && world_queued(&s.w) == 250);
	s.w.ahead_ms = 5 * 3600000;
	world_wait_idle(&s.w);
	CHECK(world_inbox(&s.w, &s.text) == 1);
	CHECK(count(&s.text, "Action: delayed\r\n") +
		  number_before(&s.text, " more of its recipients") ==
	      249);
	s.w.ahead_ms = 15 * 3600000;
	world_wait_idle(&s.w);
	CHECK(world_inbox(&s.w, NULL) == 1 && world_queued(&s.w) == 250);
	actor_start(&s.a, s.w.loop, "127.0.0.2", s.w.port);
	end(&s);
}

/* ---- RFC 8689 */

/* What the other server is, and what becomes of the message. */
static const struct tls_row {
	const char *to, *offers;
	bool tls, trust, signed_dns, sent;
	const char *status;
} tls_rows[] = {
    {"a@e.test",    "250-REQUIRETLS\r\n", true,  true,  true,  true,  NULL    },
    {"a@e.test",    "",                   true,  true,  true,  false, "5.7.30"},
    {"a@e.test",    "250-REQUIRETLS\r\n", true,  false, true,  false, "5.7.10"},
    {"a@o.test",    "250-REQUIRETLS\r\n", true,  true,  true,  false, "5.7.10"},
    {"a@e.test",    "250-REQUIRETLS\r\n", false, true,  true,  false, "5.7.10"},
 /* s4.2.1 step 2: who the MX is, nobody we can trust has said; but the
  * sender has, if it is the domain itself */
    {"a@e.test",    "250-REQUIRETLS\r\n", true,  true,  false, false, "5.7.10"},
    {"a@mx.e.test", "250-REQUIRETLS\r\n", true,  true,  false, true,  NULL    },
};

static void
test_requiretls(void)
{
	for (size_t i = 0; i < sizeof(tls_rows) / sizeof(tls_rows[0]); i++) {
		const struct tls_row *row = &tls_rows[i];
		struct scene s;

		begin(&s, row->to);
		s.a.offers = row->offers;
		s.a.tls = row->tls ? s.w.server : NULL;
		s.d.require_tls = true;
		s.d.ret = DSN_RET_FULL;
		s.w.signed_dns = row->signed_dns;
		if (row->trust)
			world_trust(&s.w);
		world_deliver(&s.w, &s.d, MESSAGE);
		run(&s);
		CHECK(s.a.messages == row->sent && world_queued(&s.w) == 0);
		CHECK(world_inbox(&s.w, &s.text) == !row->sent);
		if (row->sent) {
			CHECK(s.a.last_secure);
			CHECK(world_has(&s.a.mails, " REQUIRETLS\n"));
		} else {
			CHECK(s.a.mails.len == 0 && s.a.quits == 1);
			CHECK(world_has(&s.text, row->status));
			/* s5: nothing but the header */
			CHECK(world_has(&s.text, "text/rfc822-headers"));
		}
		end(&s);
	}
}

/* Where TLS fails for now the message waits (s4.2.1 has it returned where there
 * is none), and nothing of it is said in the clear; what does not need TLS goes
 * on. */
static void
test_requiretls_broken(void)
{
	static const char *const deeds[] = {
	    "454 4.7.0 not now\r\n", ACTOR_CLOSE};

	for (size_t i = 0; i < sizeof(deeds) / sizeof(deeds[0]); i++) {
		struct scene s;
		int64_t trace;

		begin(&s, "a@e.test");
		s.w.signed_dns = true;
		world_trust(&s.w);
		s.a.tls = s.w.server;
		s.a.on[ACTOR_STARTTLS] = deeds[i];
		s.a.offers = "250-REQUIRETLS\r\n";
		s.d.require_tls = true;
		trace = world_deliver(&s.w, &s.d, MESSAGE);
		world_queue(&s.w, "bob@d.test", "b@e.test", MESSAGE);
		run(&s);
		CHECK(s.a.messages == 1 && world_queued(&s.w) == 1);
		CHECK(world_has(&s.a.rcpts, "RCPT TO:<b@e.test>\n"));
		CHECK(!str_find_str(
		    buf_str(&s.a.rcpts), STR("<a@"), &(size_t){0}));
		CHECK(world_inbox(&s.w, NULL) == 0);
		world_journey(&s.w, trace, &s.text);
		CHECK(world_has(&s.text, "4.7.10 the message must be sent "
					 "under TLS: "));
		s.a.on[ACTOR_STARTTLS] = NULL;
		s.w.ahead_ms = 3600000;
		world_wait_idle(&s.w);
		CHECK(s.a.messages == 2 && s.a.last_secure);
		CHECK(world_queued(&s.w) == 0);
		end(&s);
	}
}

/* Where it is not the connection that broke it goes back at once. */
static void
test_requiretls_no_tls(void)
{
	struct scene s;

	begin(&s, "a@e.test");
	s.w.signed_dns = true;
	world_trust(&s.w);
	s.a.tls = s.w.server;
	s.a.on[ACTOR_STARTTLS] = "nonsense\r\n";
	s.d.require_tls = true;
	world_deliver(&s.w, &s.d, MESSAGE);
	run(&s);
	CHECK(s.a.mails.len == 0 && world_queued(&s.w) == 0);
	CHECK(world_inbox(&s.w, &s.text) == 1);
	CHECK(world_has(&s.text, "Status: 5.7.10\r\n"));
	end(&s);
}

/* s5: the report of such a message is as secret as it was. */
static void
test_requiretls_report(void)
{
	for (int tls = 0; tls < 2; tls++) {
		struct scene s;

		begin(&s, "a@e.test");
		world_trust(&s.w);
		s.a.tls = tls ? s.w.server : NULL;
		s.d.require_tls = true;
		s.d.sender = STR("");
		world_deliver(&s.w, &s.d, MESSAGE);
		run(&s);
		/* s4.2.1: REQUIRETLS itself is not asked of its way */
		CHECK(s.a.messages == (size_t)tls && world_queued(&s.w) == 0);
		CHECK(!tls || s.a.last_secure);
		end(&s);
	}
}

/* ---- RFC 3030 */

static void
test_binary(void)
{
	static const char octets[] = "From: b\r\n\r\n\0\1\n.\r\n.\r\n\r\xff\n.";
	const struct str message = {octets, sizeof(octets) - 1};
	struct buf large;

	buf_init(&large, 2 * MB);
	buf_add(&large, message);
	while (large.len < 700000)
		buf_add(&large, (struct str){"\0\r.\n\xfe\x80", 6});
	for (int i = 0; i < 3; i++) {
		struct str sent = i == 2 ? buf_str(&large) : message;
		struct scene s;

		begin(&s, "a@e.test");
		s.a.offers = i > 0 ? "250-CHUNKING\r\n250-BINARYMIME\r\n"
		                   : "250-CHUNKING\r\n";
		s.d.binary = true;
		s.d.ret = DSN_RET_FULL;
		world_deliver(&s.w, &s.d, sent);
		run(&s);
		CHECK(world_queued(&s.w) == 0);
		if (i > 0) {
			CHECK(s.a.messages == 1 && s.a.last_chunk);
			CHECK(str_eq(buf_str(&s.a.last), sent));
			CHECK(world_has(&s.a.mails, " BODY=BINARYMIME\n"));
			CHECK(world_inbox(&s.w, NULL) == 0);
		} else {
			CHECK(s.a.messages == 0);
			CHECK(world_inbox(&s.w, &s.text) == 1);
			CHECK(world_has(&s.text, "Status: 5.6.3\r\n"));
		}
		end(&s);
	}
	buf_release(&large);
}

/* ---- RFC 4865 */

static void
test_held(void)
{
	struct scene s;
	struct queue_entry e;
	int64_t trace;

	begin(&s, "alice@e.test");
	s.to[1] = (struct delivery_target){.account = s.w.bob,
	    .address = STR("bob@d.test"),
	    .notify = DSN_NOTIFY_SUCCESS,
	    .original_recipient = STR("rfc822;bob@d.test")};
	s.d.n_targets = 2;
	s.d.hold_until_ms = clock_wall_ms(&s.w.clock) + 3600000;
	trace = world_deliver(&s.w, &s.d, MESSAGE);
	run(&s);
	CHECK(s.a.connections == 0 && world_inbox(&s.w, NULL) == 0);
	CHECK(world_queued(&s.w) == 2);
	if (world_entry(&s.w, "bob@d.test", &e)) {
		CHECK(e.next_ms == s.d.hold_until_ms);
		CHECK(e.hold_until_ms == s.d.hold_until_ms && e.tries == 0);
		CHECK(e.expires_ms - e.next_ms == s.w.conf->relay_expire);
		queue_entry_release(&e);
	}
	s.w.ahead_ms = 3600000;
	world_wait_idle(&s.w);
	CHECK(s.a.messages == 1 && world_queued(&s.w) == 0);
	/* the message, and that it has arrived */
	CHECK(world_inbox(&s.w, &s.text) == 2);
	CHECK(world_has(&s.text, "Action: delivered\r\nStatus: 2.1.5\r\n"));
	CHECK(world_has(&s.text, "Original-Recipient: rfc822; bob@d.test\r\n"));
	world_journey(&s.w, trace, &s.text);
	CHECK(world_has(&s.text, "queued bob@d.test  0 held until "));
	CHECK(world_has(&s.text, "delivered bob@d.test  0 INBOX\n"));
	end(&s);
}

static int
fill_up(struct db *db, void *arg, struct fail *f)
{
	(void)arg;
	return account_set_quota(db, STR("bob@d.test"), 10, f);
}

static int
go_away(struct db *db, void *arg, struct fail *f)
{
	bool over = false;

	(void)arg;
	if (account_remove_begin(db, STR("carol@d.test"), f) == -1)
		return -1;
	while (!over)
		if (account_remove_some(
			db, STR("carol@d.test"), 100, 0, &over, f) == -1)
			return -1;
	return 0;
}

static int
come(struct db *db, void *arg, struct fail *f)
{
	int64_t *id = arg;

	return account_add(db, STR("carol@d.test"), 0, 0, id, f);
}

/* Nobody any more when it is due, or no room until it expires: the sender
 * hears of it. */
static void
test_held_in_vain(void)
{
	for (int gone = 0; gone < 2; gone++) {
		struct scene s;
		int64_t carol = 0;

		begin(&s, "");
		MUST(db_write(s.w.db, come, &carol, &f));
		s.to[0] = (struct delivery_target){
		    .account = gone ? carol : s.w.bob,
		    .address = gone ? STR("carol@d.test") : STR("bob@d.test")};
		s.d.sender = STR("far@e.test");
		s.d.hold_until_ms = clock_wall_ms(&s.w.clock) + 3600000;
		world_deliver(&s.w, &s.d, MESSAGE);
		if (gone)
			MUST(db_write(s.w.db, go_away, NULL, &f));
		else
			MUST(db_write(s.w.db, fill_up, NULL, &f));
		s.w.ahead_ms = 3600000;
		run(&s);
		CHECK(world_queued(&s.w) == !gone);
		if (!gone) {
			CHECK(s.a.messages == 0);
			s.w.ahead_ms += s.w.conf->relay_expire;
			world_wait_idle(&s.w);
		}
		CHECK(world_queued(&s.w) == 0 && world_inbox(&s.w, NULL) == 0);
		CHECK(s.a.messages == 1); /* the DSN */
		CHECK(world_has(&s.a.last,
		    gone ? "Status: 5.1.1\r\n" : "4.2.2 the mailbox is full"));
		end(&s);
	}
}

/* A local recipient at once: the report is there when maild starts. */
static void
test_delivered(void)
{
	struct scene s;

	begin(&s, "bob@d.test");
	s.to[0].account = s.w.bob;
	ask_for_all(&s);
	world_deliver(&s.w, &s.d, MESSAGE);
	run(&s);
	CHECK(world_inbox(&s.w, &s.text) == 2);
	CHECK(world_has(&s.text, "Action: delivered\r\n"));
	world_wait_idle(&s.w);
	CHECK(world_inbox(&s.w, NULL) == 2); /* once */
	end(&s);
}

/* s5.2.7.3: a list is told of as a list; its members' failures still count. */
static void
test_expanded(void)
{
	struct scene s;

	begin(&s, "alice@e.test");
	ask_for_all(&s);
	s.to[0].original = STR("list@d.test");
	s.to[1] = s.to[0];
	s.to[1].address = STR("bob@d.test");
	s.to[1].account = s.w.bob;
	s.d.n_targets = 2;
	s.a.offers = "250-DSN\r\n";
	world_deliver(&s.w, &s.d, MESSAGE);
	run(&s);
	CHECK(world_has(&s.a.rcpts, " NOTIFY=FAILURE ORCPT="));
	CHECK(world_inbox(&s.w, &s.text) == 2);
	CHECK(world_has(&s.text, "Final-Recipient: rfc822; list@d.test\r\n"
				 "Action: expanded\r\n"));
	end(&s);
}

static int
add_list(struct db *db, void *arg, struct fail *f)
{
	(void)arg;
	if (alias_add(db, STR("list@d.test"), STR("bob@d.test"), f) == -1)
		return -1;
	return alias_add(db, STR("list@d.test"), STR("alice@e.test"), f);
}

/* The same of one that waited for its time (RFC 4865). */
static void
test_expanded_later(void)
{
	struct scene s;

	begin(&s, "list@d.test");
	MUST(db_write(s.w.db, add_list, NULL, &f));
	ask_for_all(&s);
	s.d.hold_until_ms = clock_wall_ms(&s.w.clock) + 3600000;
	s.a.offers = "250-DSN\r\n";
	world_deliver(&s.w, &s.d, MESSAGE);
	run(&s);
	CHECK(world_inbox(&s.w, NULL) == 0 && world_queued(&s.w) == 1);
	s.w.ahead_ms = 3600000;
	world_wait_idle(&s.w);
	world_wait_idle(&s.w); /* what leads elsewhere has its own turn */
	CHECK(s.a.messages == 1 && world_queued(&s.w) == 0);
	CHECK(world_has(&s.a.rcpts, " NOTIFY=FAILURE ORCPT="));
	CHECK(world_inbox(&s.w, &s.text) == 2);
	CHECK(world_has(&s.text, "Final-Recipient: rfc822; list@d.test\r\n"));
	CHECK(world_has(&s.text, "Action: expanded\r\n"));
	CHECK(count(&s.text, "\r\nAction: ") == 1);
	end(&s);
}

int
main(void)
{
	test_passed_on();
	test_relayed_dsn();
	test_never();
	test_one_of_two();
	test_full();
	test_relay_sender();
	test_delay();
	test_delay_of_many();
	test_requiretls();
	test_requiretls_broken();
	test_requiretls_no_tls();
	test_requiretls_report();
	test_binary();
	test_held();
	test_held_in_vain();
	test_delivered();
	test_expanded();
	test_expanded_later();
	return TEST_EXIT();
}
