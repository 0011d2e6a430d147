/* SPDX-License-Identifier: MIT */
/* What conversations cannot show: requests, bodies octet by octet, the
 * output's bound, progress, the words of Received, the end from outside. */
#include "smtpd/proto/smtp_server.h"

#include "common/util/mem.h"
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
	size_t messages, resets;
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
}

static void
seen_release(struct seen *seen)
{
	buf_release(&seen->body);
	buf_release(&seen->sender);
	buf_release(&seen->recipients);
	buf_release(&seen->helo);
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
		smtp_server_sender(s, REPLY_SENDER_OK);
		break;
	case SMTP_RCPT:
		buf_add(&seen->recipients, req->path.spec);
		buf_add_char(&seen->recipients, ' ');
		smtp_server_recipient(s, REPLY_RECIPIENT_OK);
		break;
	case SMTP_DATA:
		CHECK(!smtp_server_in_data(s));
		smtp_server_data(s, REPLY_OK);
		CHECK(smtp_server_in_data(s));
		break;
	case SMTP_BODY:
		buf_add(&seen->body, req->body);
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

int
main(void)
{
	test_body_at_every_split();
	test_resets();
	test_output_is_bounded();
	test_progress();
	test_greeting_is_remembered();
	test_end();
	return TEST_EXIT();
}
