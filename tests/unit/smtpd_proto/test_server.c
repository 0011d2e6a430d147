/* SPDX-License-Identifier: MIT */
/* What conversations cannot show: requests, bodies octet by octet, the
 * output's bound, progress, the words of Received, the end from outside. */
#include "smtpd/proto/smtp_server.h"

#include "common/util/mem.h"
#include "smtpd/proto/smtp_extension.h"
#include "tests/test.h"

static const struct smtp_server_options port25 = {
    .hostname = "mx.d.test",
    .offers_tls = true,
    .max_size = 100000,
    .max_recipients = 10,
    .max_errors = 10,
};

struct seen {
	struct buf body, sender, recipients, helo;
	uint64_t size;
	bool utf8, eight_bit;
	size_t messages, resets, bodies;
	struct smtp_request mail, rcpt; /* strings are gone */
	struct buf words; /* envelope ids, original recipients, SCRAM */
	enum smtp_reply why;
	enum smtp_event last;
};

static void
seen_init(struct seen *seen)
{
	*seen = (struct seen){0};
	buf_init(&seen->body, MB);
	buf_init(&seen->sender, KB);
	buf_init(&seen->recipients, KB);
	buf_init(&seen->helo, KB);
	buf_init(&seen->words, KB);
}

static void
seen_release(struct seen *seen)
{
	buf_release(&seen->body);
	buf_release(&seen->sender);
	buf_release(&seen->recipients);
	buf_release(&seen->helo);
	buf_release(&seen->words);
}

static void
note(struct seen *seen, struct str word)
{
	buf_add(&seen->words, word);
	buf_add_char(&seen->words, ' ');
}

static void
serve_scram(
    struct smtp_server *s, const struct smtp_request *req, struct seen *seen)
{
	note(seen, req->scram_first ? STR("first") : STR("final"));
	note(seen, req->scram_plus ? STR("plus") : STR("plain"));
	note(seen, req->scram);
	smtp_server_scram(s,
	    req->scram_first ? SMTP_SCRAM_CHALLENGE : SMTP_SCRAM_GOOD,
	    STR("x"));
}

static void
serve(struct smtp_server *s, enum smtp_event ev, const struct smtp_request *req,
    struct seen *seen)
{
	seen->last = ev;
	switch (ev) {
	case SMTP_MAIL:
		buf_add(&seen->sender, req->path.spec);
		buf_add(&seen->helo, smtp_server_helo(s));
		seen->size = req->size;
		seen->utf8 = req->utf8;
		seen->eight_bit = req->eight_bit;
		seen->mail = *req;
		note(seen, req->envelope_id);
		smtp_server_sender(s, REPLY_SENDER_OK);
		break;
	case SMTP_RCPT:
		buf_add(&seen->recipients, req->path.spec);
		buf_add_char(&seen->recipients, ' ');
		seen->rcpt = *req;
		note(seen, req->original);
		smtp_server_recipient(s, REPLY_RECIPIENT_OK);
		break;
	case SMTP_DATA:
		CHECK(!smtp_server_in_data(s));
		smtp_server_data(s, REPLY_OK);
		CHECK(smtp_server_in_data(s));
		break;
	case SMTP_BODY:
		buf_add(&seen->body, req->body);
		CHECK(smtp_server_in_data(s));
		seen->bodies++;
		break;
	case SMTP_MESSAGE:
		seen->messages++;
		smtp_server_accept(s, "id");
		break;
	case SMTP_STARTTLS:
		smtp_server_tls_started(s);
		break;
	case SMTP_RESET:
		seen->resets++;
		seen->why = req->why;
		break;
	case SMTP_SCRAM:
		serve_scram(s, req, seen);
		break;
	case SMTP_AUTH:
		smtp_server_authenticated(s, SMTP_AUTH_GOOD);
		break;
	case SMTP_CLOSE:
	case SMTP_NONE:
		break;
	}
}

/* Feed text in pieces of `chunk'; output is dropped. */
static void
feed(struct smtp_server *s, struct str text, size_t chunk, struct seen *seen)
{
	while (text.len > 0 && seen->last != SMTP_CLOSE) {
		struct str in = str_first(text, chunk);
		struct smtp_request req;
		enum smtp_event ev;

		text = str_after(text, in.len);
		do {
			ev = smtp_server_step(s, &in, &req);
			serve(s, ev, &req, seen);
			buf_release(smtp_server_output(s));
		} while (ev != SMTP_CLOSE && (ev != SMTP_NONE || in.len > 0));
	}
}

static void
test_body_at_every_split(void)
{
	static const char text[] =
	    "EHLO c.test\r\n"
	    "MAIL FROM:<a@remote.test> SIZE=42 BODY=8BITMIME SMTPUTF8\r\n"
	    "RCPT TO:<@x.test:alice@d.test>\r\nRCPT TO:<bob@d.test>\r\nDATA\r\n"
	    "Subject: s\r\n\r\n..\r\n...\r\n....\r\n..x\r\n\r\n\xff\r\n..\r\n"
	    ".\r\n"
	    "QUIT\r\n";
	static const char want[] = "Subject: s\r\n\r\n.\r\n..\r\n...\r\n.x\r\n"
				   "\r\n\xff\r\n.\r\n";

	for (size_t chunk = 1; chunk < sizeof(text); chunk++) {
		struct smtp_server *s = smtp_server_new(&port25);
		struct seen seen;

		seen_init(&seen);
		feed(s, str_of(text), chunk, &seen);
		CHECK(seen.messages == 1 && seen.last == SMTP_CLOSE);
		CHECK_STR(seen.body.data, want);
		CHECK_STR(seen.sender.data, "a@remote.test");
		CHECK_STR(seen.recipients.data, "alice@d.test bob@d.test ");
		CHECK_STR(seen.helo.data, "c.test");
		CHECK(seen.size == 42 && seen.utf8 && seen.eight_bit);
		seen_release(&seen);
		smtp_server_free(s);
	}
}

/* The host is told exactly when there is something to forget. */
static void
test_resets(void)
{
	struct smtp_server *s = smtp_server_new(&port25);
	struct seen seen;

	seen_init(&seen);
	feed(s, STR("RSET\r\nEHLO c\r\nRSET\r\n"), 100, &seen);
	CHECK(seen.resets == 0);
	feed(s, STR("MAIL FROM:<a@b>\r\nRSET\r\n"), 100, &seen);
	CHECK(seen.resets == 1);
	feed(s, STR("MAIL FROM:<a@b>\r\nEHLO c\r\n"), 100, &seen);
	CHECK(seen.resets == 2);
	feed(s, STR("MAIL FROM:<a@b>\r\nHELO c\r\n"), 100, &seen);
	CHECK(seen.resets == 3 && seen.why == REPLY_OK);
	feed(s,
	    STR("MAIL FROM:<a@b>\r\nRCPT TO:<a@b>\r\nDATA\r\na\nb\r\n.\r\n"),
	    100, &seen);
	CHECK(seen.resets == 4 && seen.messages == 0);
	CHECK(seen.why == REPLY_BARE_NEWLINE);
	seen_release(&seen);
	smtp_server_free(s);
}

/* However much is pipelined, output waits for the host. */
static void
test_output_is_bounded(void)
{
	struct smtp_server *s = smtp_server_new(&port25);
	struct smtp_request req;
	struct buf flood;
	struct str in;
	size_t rounds = 0, longest = 0;
	enum smtp_event ev;

	buf_init(&flood, MB);
	for (int i = 0; i < 90; i++)
		buf_add(&flood, STR("EHLO c\r\n"));
	in = buf_str(&flood);
	do {
		ev = smtp_server_step(s, &in, &req);
		if (smtp_server_output(s)->len > longest)
			longest = smtp_server_output(s)->len;
		CHECK(!smtp_server_output(s)->overrun);
		buf_release(smtp_server_output(s));
		rounds++;
	} while (ev == SMTP_NONE && in.len > 0);
	CHECK(ev == SMTP_NONE && rounds > 2);
	CHECK(longest < SMTP_OUTPUT_HIGH + 512);
	buf_release(&flood);
	smtp_server_free(s);
}

static void
test_progress(void)
{
	struct smtp_server *s = smtp_server_new(&port25);
	struct seen seen;
	uint64_t before;

	seen_init(&seen);
	feed(s, STR("EHL"), 1, &seen);
	CHECK(smtp_server_progress(s) == 0 && smtp_server_in_middle(s));
	feed(s, STR("O c\r\n"), 1, &seen);
	CHECK(smtp_server_progress(s) == 1 && !smtp_server_in_middle(s));
	feed(s, STR("MAIL FROM:<a@b>\r\nRCPT TO:<a@b>\r\nDATA\r\n"), 1, &seen);
	CHECK(smtp_server_progress(s) == 4 && smtp_server_in_middle(s));
	before = smtp_server_progress(s);
	for (int i = 0; i < 4095; i++)
		feed(s, STR("x"), 1, &seen);
	CHECK(smtp_server_progress(s) == before);
	feed(s, STR("x"), 1, &seen);
	CHECK(smtp_server_progress(s) == before + 1);
	seen_release(&seen);
	smtp_server_free(s);
}

/* What Received is made of; STARTTLS forgets it. */
static void
test_greeting_is_remembered(void)
{
	struct smtp_server *s = smtp_server_new(&port25);
	struct seen seen;

	seen_init(&seen);
	CHECK(smtp_server_helo(s).len == 0 && !smtp_server_extended(s));
	feed(s, STR("EHLO a.test\r\n"), 1, &seen);
	CHECK(str_eq(smtp_server_helo(s), STR("a.test")));
	CHECK(smtp_server_extended(s));
	feed(s, STR("HELO b.test\r\nHELO (\r\n"), 1, &seen);
	CHECK(str_eq(smtp_server_helo(s), STR("b.test")));
	CHECK(!smtp_server_extended(s));
	feed(s, STR("EHLO c.test\r\nSTARTTLS\r\n"), 1, &seen);
	CHECK(smtp_server_helo(s).len == 0 && !smtp_server_extended(s));
	seen_release(&seen);
	smtp_server_free(s);
}

/* Ended from outside while an answer is owed: said once, and then nothing. */
static void
test_end(void)
{
	struct smtp_server *s = smtp_server_new(&port25);
	struct str in = STR("HELO c\r\nMAIL FROM:<a@b>\r\nQUIT\r\n");
	struct smtp_request req;

	CHECK(smtp_server_step(s, &in, &req) == SMTP_MAIL);
	buf_release(smtp_server_output(s));
	smtp_server_end(s, REPLY_SHUTDOWN);
	smtp_server_end(s, REPLY_TIMEOUT);
	CHECK_STR(smtp_server_output(s)->data,
	    "421 4.3.2 mx.d.test is shutting down, try again later\r\n");
	CHECK(smtp_server_step(s, &in, &req) == SMTP_CLOSE);
	CHECK(req.why == REPLY_SHUTDOWN);
	CHECK(str_eq(in, STR("QUIT\r\n")));
	smtp_server_free(s);
	smtp_server_free(NULL);
}

/* Chunks are as many octets as they say, wherever the pieces are cut. */
static void
test_chunks_at_every_split(void)
{
	static const char text[] =
	    "EHLO c.test\r\n"
	    "BDAT 6 LAST\r\nQUIT\r\n"
	    "MAIL FROM:<a@remote.test> BODY=BINARYMIME\r\n"
	    "RCPT TO:<alice@d.test>\r\n"
	    "BDAT 8\r\na: b\r\n\r\nBDAT 0\r\n"
	    "BDAT 6\r\n.\r\nQUI"
	    "BDAT 3 LAST\r\nT\r\n"
	    "MAIL FROM:<a@remote.test>\r\nRCPT TO:<bob@d.test>\r\n"
	    "BDAT 4\r\n.\r\n\r"
	    "BDAT 2 LAST\r\n\n."
	    "QUIT\r\n";

	for (size_t chunk = 1; chunk < sizeof(text); chunk++) {
		struct smtp_server *s = smtp_server_new(&port25);
		struct seen seen;

		seen_init(&seen);
		feed(s, str_of(text), chunk, &seen);
		CHECK(seen.messages == 2 && seen.last == SMTP_CLOSE);
		CHECK(seen.resets == 0 && seen.bodies >= 5);
		CHECK_STR(
		    seen.body.data, "a: b\r\n\r\n.\r\nQUIT\r\n.\r\n\r\n.");
		seen_release(&seen);
		smtp_server_free(s);
	}
}

/* From the first BDAT on it is the message's time that runs. */
static void
test_chunks_are_data(void)
{
	struct smtp_server *s = smtp_server_new(&port25);
	struct seen seen;
	uint64_t before;

	seen_init(&seen);
	feed(s, STR("EHLO c\r\nBDAT 2\r\nx"), 100, &seen);
	CHECK(!smtp_server_in_data(s) && smtp_server_in_middle(s));
	feed(s, STR("x"), 100, &seen);
	CHECK(!smtp_server_in_middle(s));
	feed(s, STR("MAIL FROM:<a@b>\r\nRCPT TO:<a@b>\r\n"), 100, &seen);
	CHECK(!smtp_server_in_data(s));
	feed(s, STR("BDAT 5000\r\n"), 100, &seen);
	CHECK(smtp_server_in_data(s) && smtp_server_in_middle(s));
	before = smtp_server_progress(s);
	for (int i = 0; i < 4096; i++)
		feed(s, STR("x"), 1, &seen);
	CHECK(smtp_server_progress(s) == before + 1);
	for (int i = 4096; i < 5000; i++)
		feed(s, STR("x"), 1, &seen);
	CHECK(smtp_server_in_data(s));
	feed(s, STR("RSET\r\n"), 1, &seen);
	CHECK(seen.resets == 1 && seen.why == REPLY_OK);
	CHECK(!smtp_server_in_data(s));
	seen_release(&seen);
	smtp_server_free(s);
}

/* However many there are, nothing is kept of those that went by (A022). */
static void
test_many_chunks(void)
{
	struct smtp_server *s = smtp_server_new(&port25);
	struct seen seen;

	seen_init(&seen);
	feed(s, STR("HELO c\r\nMAIL FROM:<a@b>\r\nRCPT TO:<a@b>\r\n"), 100,
	    &seen);
	for (uint64_t i = 1; i < port25.max_size; i++)
		feed(s, STR("BDAT 1\r\na"), 100, &seen);
	CHECK(seen.body.len == port25.max_size - 1);
	feed(s, STR("BDAT 1 LAST\r\na"), 100, &seen);
	CHECK(seen.messages == 1 && seen.body.len == port25.max_size);
	seen_release(&seen);
	smtp_server_free(s);
}

/* Why a message in chunks is no more is told as early as it is known. */
static void
test_chunks_refused(void)
{
	static const struct {
		const char *chunks;
		enum smtp_reply why;
		size_t octets;
	} table[] = {
	    {"BDAT 100001\r\n",                 REPLY_TOO_BIG,      0},
	    {"BDAT 1\r\nxBDAT 100000 LAST\r\n", REPLY_TOO_BIG,      1},
	    {"BDAT 3 LAST\r\na\nb",             REPLY_BARE_NEWLINE, 3},
	    {"BDAT 1\r\n\rBDAT 1 LAST\r\nx",    REPLY_BARE_NEWLINE, 2},
	    {"BDAT 1 LAST\r\n\r",               REPLY_BARE_NEWLINE, 1},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct smtp_server *s = smtp_server_new(&port25);
		struct seen seen;

		seen_init(&seen);
		feed(s, STR("HELO c\r\nMAIL FROM:<a@b>\r\nRCPT TO:<a@b>\r\n"),
		    7, &seen);
		feed(s, str_of(table[i].chunks), 7, &seen);
		CHECK(seen.resets == 1 && seen.why == table[i].why);
		CHECK(seen.messages == 0);
		CHECK(seen.body.len == table[i].octets);
		seen_release(&seen);
		smtp_server_free(s);
	}
}

/* The host says no to the first chunk: it hears of the end of the message. */
static void
test_first_chunk_refused(void)
{
	struct smtp_server *s = smtp_server_new(&port25);
	struct str in = STR("HELO c\r\nMAIL FROM:<a@b>\r\nRCPT TO:<a@b>\r\n"
			    "BDAT 6\r\nQUIT\r\nNOOP\r\n");
	struct smtp_request req;

	CHECK(smtp_server_step(s, &in, &req) == SMTP_MAIL);
	smtp_server_sender(s, REPLY_SENDER_OK);
	CHECK(smtp_server_step(s, &in, &req) == SMTP_RCPT);
	smtp_server_recipient(s, REPLY_RECIPIENT_OK);
	CHECK(smtp_server_step(s, &in, &req) == SMTP_DATA);
	buf_release(smtp_server_output(s));
	smtp_server_refuse_with(s, REPLY_DEFERRED, STR("Not today"));
	CHECK(smtp_server_output(s)->len == 0);
	CHECK(smtp_server_step(s, &in, &req) == SMTP_RESET);
	CHECK(req.why == REPLY_OK && !smtp_server_in_data(s));
	CHECK(smtp_server_step(s, &in, &req) == SMTP_NONE);
	CHECK_STR(smtp_server_output(s)->data,
	    "451 4.7.0 Not today\r\n250 2.0.0 Ok\r\n");
	smtp_server_free(s);
}

/* Parameters arrive as they are meant, and are gone with the transaction. */
static void
test_requests(void)
{
	struct smtp_server_options o = port25;
	struct smtp_server *s;
	struct seen seen;

	o.submission = o.tls = true;
	o.max_hold_s = 1000;
	o.since_s = 1795341600;
	s = smtp_server_new(&o);
	seen_init(&seen);
	feed(s,
	    STR("EHLO c\r\nAUTH PLAIN AGEAYg==\r\n"
		"MAIL FROM:<a@b> ENVID=i+20d RET=HDRS REQUIRETLS"
		" BODY=BINARYMIME HOLDFOR=1000\r\n"
		"RCPT TO:<a@b> NOTIFY=DELAY ORCPT=rfc822;A+2Bx@b\r\n"),
	    3, &seen);
	CHECK_STR(seen.words.data, "i d rfc822;A+2Bx@b ");
	CHECK(seen.mail.ret == DSN_RET_HDRS && seen.mail.require_tls);
	CHECK(seen.mail.binary && seen.mail.eight_bit);
	CHECK(seen.mail.hold_for_s == 1000 && seen.mail.hold_until_s == 0);
	CHECK(seen.rcpt.notify == DSN_NOTIFY_DELAY);
	buf_clear(&seen.words);
	feed(s,
	    STR("RSET\r\nMAIL FROM:<a@b> HOLDUNTIL=2026-11-22T10:16:40Z\r\n"
		"RCPT TO:<a@b>\r\n"),
	    3, &seen);
	CHECK_STR(seen.words.data, "  ");
	CHECK(seen.mail.ret == DSN_RET_UNSAID && !seen.mail.require_tls);
	CHECK(!seen.mail.binary && seen.rcpt.notify == 0);
	CHECK(seen.mail.hold_for_s == 0);
	CHECK(seen.mail.hold_until_s == 1795342600);
	seen_release(&seen);
	smtp_server_free(s);
}

/* The host sees the messages of SCRAM decoded, and nothing of base64. */
static void
test_scram(void)
{
	static const char text[] = "EHLO c\r\nAUTH SCRAM-SHA-256-PLUS\r\n"
				   "YWJj\r\nZGVm\r\n\r\n"
				   "MAIL FROM:<a@b>\r\n";
	struct smtp_server_options o = port25;

	o.submission = o.tls = o.binding = true;
	o.mechanisms = "SCRAM-SHA-256-PLUS";
	for (size_t chunk = 1; chunk < sizeof(text); chunk++) {
		struct smtp_server *s = smtp_server_new(&o);
		struct seen seen;

		seen_init(&seen);
		feed(s, str_of(text), chunk, &seen);
		CHECK_STR(seen.words.data, "first plus abc final plus def  ");
		CHECK_STR(seen.sender.data, "a@b");
		seen_release(&seen);
		smtp_server_free(s);
	}
}

/* -PLUS comes and goes with TLS and what can be bound to it. */
static void
test_binding(void)
{
	struct smtp_server_options o = port25;
	struct smtp_server *s;
	struct seen seen;

	CHECK(smtp_mechanism_is_known(STR("scram-sha-256-plus")));
	CHECK(!smtp_mechanism_is_known(STR("SCRAM-SHA-1")));
	CHECK(smtp_extension_is_known(STR("chunking")));
	CHECK(smtp_extension_is_known(STR("SMTPUTF8")));
	CHECK(!smtp_extension_is_known(STR("CHUNK")));
	o.submission = true;
	o.mechanisms = "PLAIN SCRAM-SHA-256-PLUS";
	s = smtp_server_new(&o);
	seen_init(&seen);
	CHECK(smtp_server_offers(s, STR("plain")));
	CHECK(!smtp_server_offers(s, STR("LOGIN")));
	smtp_server_binding(s, true);
	CHECK(!smtp_server_offers(s, STR("SCRAM-SHA-256-PLUS")));
	feed(s, STR("EHLO c\r\nSTARTTLS\r\n"), 100, &seen);
	CHECK(smtp_server_offers(s, STR("SCRAM-SHA-256-PLUS")));
	smtp_server_binding(s, false);
	CHECK(!smtp_server_offers(s, STR("SCRAM-SHA-256-PLUS")));
	CHECK(smtp_server_offers(s, STR("PLAIN")));
	seen_release(&seen);
	smtp_server_free(s);
}

/* What one session may get wrong is counted, for the host too. */
static void
test_errors(void)
{
	struct smtp_server *s = smtp_server_new(&port25);
	struct seen seen;

	seen_init(&seen);
	feed(s, STR("EHLO c\r\nNOOP\r\n"), 100, &seen);
	CHECK(smtp_server_errors(s) == 0);
	feed(s, STR("XYZZY\r\nMAIL x\r\n"), 100, &seen);
	CHECK(smtp_server_errors(s) == 2);
	seen_release(&seen);
	smtp_server_free(s);
}

/* What only some listeners have. */
static void
test_extensions(void)
{
	struct smtp_server_options o = port25;
	bool plus = true;

	CHECK(!smtp_mechanism_is_scram(STR("SCRAM-SHA-1"), &plus) && !plus);
	CHECK(smtp_mechanism_is_scram(STR("scram-sha-256-plus"), &plus));
	CHECK(plus);
	CHECK(!smtp_mechanism_is_scram(STR("PLAIN"), &plus) && !plus);
	o.submission = true;
	o.max_hold_s = 60;
	CHECK(!(smtp_extensions(&o) & SMTP_EXT_FUTURERELEASE)); /* no clock */
	o.since_s = 1;
	CHECK(smtp_extensions(&o) & SMTP_EXT_FUTURERELEASE);
	o.max_hold_s = 0;
	CHECK(!(smtp_extensions(&o) & SMTP_EXT_FUTURERELEASE));
}

/* Nothing is said and nothing read before the host wants to. */
static void
test_silence(void)
{
	struct smtp_server_options o = port25;
	struct str in = STR("NOOP\r\n");
	struct smtp_request req;
	struct smtp_server *s;

	o.silent = true;
	s = smtp_server_new(&o);
	CHECK(smtp_server_output(s)->len == 0);
	CHECK(smtp_server_step(s, &in, &req) == SMTP_NONE && in.len == 6);
	smtp_server_greet(s);
	CHECK(smtp_server_step(s, &in, &req) == SMTP_NONE && in.len == 0);
	CHECK_STR(smtp_server_output(s)->data,
	    "220 mx.d.test ESMTP Penny Post\r\n250 2.0.0 Ok\r\n");
	smtp_server_free(s);

	s = smtp_server_new(&o);
	smtp_server_end(s, REPLY_TALKS_EARLY);
	smtp_server_greet(s); /* its timer came too late */
	CHECK_STR(smtp_server_output(s)->data,
	    "554 5.5.1 You talk before the greeting\r\n");
	CHECK(smtp_server_step(s, &in, &req) == SMTP_CLOSE);
	CHECK(req.why == REPLY_TALKS_EARLY);
	smtp_server_free(s);
}

int
main(void)
{
	test_body_at_every_split();
	test_resets();
	test_output_is_bounded();
	test_progress();
	test_greeting_is_remembered();
	test_end();
	test_chunks_at_every_split();
	test_chunks_are_data();
	test_many_chunks();
	test_chunks_refused();
	test_first_chunk_refused();
	test_requests();
	test_scram();
	test_binding();
	test_silence();
	test_errors();
	test_extensions();
	return TEST_EXIT();
}
