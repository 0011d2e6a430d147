/* SPDX-License-Identifier: MIT */
/*
 * What conversation files (tests/conv/smtp_client) cannot say of the engine:
 * replies that come too early, time-outs, a host that gives up, large bodies.
 */
#include "maild/proto/smtp_client.h"

#include "tests/test.h"

static const struct str to[] = {STR("a@e.test"), STR("b@e.test")};
static const struct smtp_message message = {
    .sender = STR("s@d.test"), .recipients = to, .n = 2, .size = 10};

static struct smtp_client *
new_client(void)
{
	return smtp_client_new(
	    &(struct smtp_client_options){.hostname = "mx.d.test",
		.tls = SMTP_TLS_MAY,
		.timeout_ms = 300000});
}

/* Feed, and take what is said; the last event. */
static enum smtp_client_event
feed(struct smtp_client *c, const char *bytes)
{
	struct str in = str_of(bytes);
	enum smtp_client_event ev, last = SMTP_CLIENT_NONE;

	while ((ev = smtp_client_step(c, &in)) != SMTP_CLIENT_NONE)
		last = ev;
	buf_clear(smtp_client_output(c));
	return last;
}

static struct smtp_client *
ready_client(const char *offers)
{
	struct smtp_client *c = new_client();

	feed(c, "220 hi\r\n");
	CHECK(feed(c, offers) == SMTP_CLIENT_READY);
	return c;
}

static void
check_all(const struct smtp_client *c, enum smtp_result result, bool elsewhere,
    bool unsure)
{
	for (size_t i = 0; i < 2; i++) {
		const struct smtp_outcome *o = smtp_client_outcome(c, i);

		CHECK(o->result == result);
		CHECK(o->elsewhere == elsewhere && o->unsure == unsure);
	}
}

/* A reply in the same flight as the one before answers nothing we asked:
 * ATTACKS A168. */
static void
test_early_replies(void)
{
	struct smtp_client *c = new_client();

	CHECK(feed(c, "220 hi\r\n250 SIZE 1\r\n") == SMTP_CLIENT_CLOSED);
	smtp_client_free(c);

	c = ready_client("250 hi\r\n");
	smtp_client_send(c, &message);
	CHECK(smtp_client_output(c)->len > 0);
	/* MAIL was not even handed over */
	CHECK(feed(c, "250 ok\r\n") == SMTP_CLIENT_CLOSED);
	check_all(c, SMTP_TEMP, true, false);
	smtp_client_free(c);

	c = ready_client("250 hi\r\n");
	smtp_client_send(c, &message);
	buf_clear(smtp_client_output(c));
	CHECK(feed(c, "250 ok\r\n250 ok\r\n") == SMTP_CLIENT_CLOSED);
	check_all(c, SMTP_TEMP, true, false);
	smtp_client_free(c);
}

static struct smtp_client *
client_in_body(void)
{
	struct smtp_client *c = ready_client("250-hi\r\n250 PIPELINING\r\n");

	smtp_client_send(c, &message);
	buf_clear(smtp_client_output(c));
	CHECK(feed(c, "250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n") ==
	      SMTP_CLIENT_BODY);
	CHECK(smtp_client_wants_body(c));
	return c;
}

static void
test_replies_in_the_body(void)
{
	struct smtp_client *c = client_in_body();

	CHECK(feed(c, "250 2.0.0 queued\r\n") == SMTP_CLIENT_CLOSED);
	check_all(c, SMTP_TEMP, true, false);
	smtp_client_free(c);

	c = client_in_body();
	CHECK(feed(c, "552 5.3.4 too large\r\n") == SMTP_CLIENT_CLOSED);
	CHECK(!smtp_client_wants_body(c));
	check_all(c, SMTP_PERM, false, false);
	smtp_client_free(c);

	/* half of a reply before the dot, the rest after it */
	c = client_in_body();
	CHECK(feed(c, "250 2.0") == SMTP_CLIENT_NONE);
	smtp_client_body(c, STR("x\r\n"));
	smtp_client_body_end(c);
	CHECK(smtp_client_output(c)->len == 0); /* no dot is sent */
	CHECK(feed(c, ".0 queued\r\n") == SMTP_CLIENT_CLOSED);
	check_all(c, SMTP_TEMP, true, false);
	smtp_client_free(c);

	/* 250 handed in together with the end, before the dot was taken */
	c = client_in_body();
	smtp_client_body_end(c);
	CHECK(feed(c, "250 ok\r\n") == SMTP_CLIENT_CLOSED);
	check_all(c, SMTP_TEMP, false, true);
	smtp_client_free(c);
}

static void
test_talk_while_ready(void)
{
	struct smtp_client *c = ready_client("250 hi\r\n");

	CHECK(feed(c, "421 4.4.2 idle\r\n") == SMTP_CLIENT_CLOSED);
	CHECK(smtp_client_end(c)->code == 421);
	smtp_client_free(c);

	c = ready_client("250 hi\r\n");
	CHECK(feed(c, "250 psst\r\n") == SMTP_CLIENT_CLOSED);
	CHECK(smtp_client_end(c)->code == 0);
	smtp_client_free(c);

	c = ready_client("250 hi\r\n");
	CHECK(feed(c, "25") == SMTP_CLIENT_NONE);
	smtp_client_send(c, &message); /* the reply began before */
	CHECK(feed(c, "0 ok\r\n") == SMTP_CLIENT_CLOSED);
	check_all(c, SMTP_TEMP, true, false);
	smtp_client_free(c);
}

/* ATTACKS A169: what follows 220 in the clear is nobody's. */
static void
test_starttls_injection(void)
{
	struct smtp_client *c = new_client();

	feed(c, "220 hi\r\n");
	feed(c, "250 STARTTLS\r\n");
	smtp_client_free(c);
	c = new_client();
	feed(c, "220 hi\r\n");
	CHECK(feed(c, "250-hi\r\n250 STARTTLS\r\n") == SMTP_CLIENT_NONE);
	CHECK(feed(c, "220 go\r\n250-AUTH PLAIN\r\n250 SIZE 1\r\n") ==
	      SMTP_CLIENT_CLOSED);
	smtp_client_free(c);

	c = new_client();
	feed(c, "220 hi\r\n");
	feed(c, "250-hi\r\n250 STARTTLS\r\n");
	CHECK(feed(c, "220 go\r\n") == SMTP_CLIENT_TLS);
	CHECK(feed(c, "2") == SMTP_CLIENT_CLOSED);
	smtp_client_free(c);
}

/* Why it is in the clear, and whether that may pass. */
static void
test_why_clear(void)
{
	static const struct {
		enum smtp_tls tls;
		const char *ehlo, *reply, *why;
		bool for_now;
	} rows[] = {
	    {SMTP_TLS_MAY,   "250 hi\r\n",                 NULL,         "STARTTLS is not offered",
             false												       },
	    {SMTP_TLS_MAY,   "250-hi\r\n250 STARTTLS\r\n",
             "454 4.7.0 not now\r\n",				    "STARTTLS was refused: 454 4.7.0 not now", true },
	    {SMTP_TLS_MAY,   "250-hi\r\n250 STARTTLS\r\n", "502 no\r\n",
             "STARTTLS was refused: 502 no",									false},
	    {SMTP_TLS_NEVER, "250-hi\r\n250 STARTTLS\r\n", NULL,         "",                                        false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct smtp_client *c = smtp_client_new(
		    &(struct smtp_client_options){.hostname = "mx.d.test",
			.tls = rows[i].tls,
			.timeout_ms = 300000});

		feed(c, "220 hi\r\n");
		feed(c, rows[i].ehlo);
		if (rows[i].reply != NULL)
			feed(c, rows[i].reply);
		CHECK(smtp_client_is_ready(c));
		CHECK_STR(smtp_client_why_clear(c), rows[i].why);
		CHECK(smtp_client_is_clear_for_now(c) == rows[i].for_now);
		smtp_client_quit(c);
		feed(c, "221 bye\r\n");
		CHECK(!smtp_client_is_tls_broken(c));
		smtp_client_free(c);
	}
}

/* Ended at STARTTLS, by whatever but a refusal; where TLS MUST be that is no
 * reason to do without. */
static void
test_tls_broken(void)
{
	static const struct {
		const char *said; /* NULL: it hangs up */
		bool broken;
	} rows[] = {
	    {NULL,                 true },
            {"nonsense\r\n",       true },
            {"250 ok\r\n",         true },
	    {"220 go\r\nmore\r\n", false},
            {"421 4.3.2 bye\r\n",  false}
        };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (int must = 0; must < 2; must++) {
			struct smtp_client *c = smtp_client_new(&(
			    struct smtp_client_options){.hostname = "mx.d.test",
			    .tls = must ? SMTP_TLS_MUST : SMTP_TLS_MAY,
			    .timeout_ms = 300000});

			feed(c, "220 hi\r\n");
			feed(c, "250-hi\r\n250 STARTTLS\r\n");
			if (rows[i].said == NULL)
				smtp_client_lost(c, "it closed");
			CHECK(
			    feed(c, rows[i].said != NULL ? rows[i].said : "") ==
			    SMTP_CLIENT_CLOSED);
			CHECK(smtp_client_is_tls_broken(c) ==
			      (rows[i].broken && !must));
			smtp_client_free(c);
		}
}

/* RFC 5321 s4.5.3.2, in proportion to the setting. */
static void
test_timeouts(void)
{
	struct smtp_client *c = new_client();
	unsigned turn = smtp_client_turn(c);

	CHECK(smtp_client_timeout_ms(c) == 5 * 60000); /* greeting */
	feed(c, "220-a\r\n");
	CHECK(smtp_client_turn(c) == turn); /* a drip is no progress */
	feed(c, "220 b\r\n");
	CHECK(smtp_client_turn(c) != turn);
	CHECK(smtp_client_timeout_ms(c) == 5 * 60000); /* EHLO */
	feed(c, "250 hi\r\n");
	CHECK(smtp_client_timeout_ms(c) == 0); /* ours to speak */
	smtp_client_send(c, &message);
	buf_clear(smtp_client_output(c));
	CHECK(smtp_client_timeout_ms(c) == 5 * 60000); /* MAIL */
	feed(c, "250 ok\r\n");
	feed(c, "250 ok\r\n");
	CHECK(smtp_client_timeout_ms(c) == 5 * 60000); /* RCPT */
	feed(c, "250 ok\r\n");
	CHECK(smtp_client_timeout_ms(c) == 2 * 60000); /* DATA */
	feed(c, "354 ok\r\n");
	CHECK(smtp_client_timeout_ms(c) == 3 * 60000); /* a block */
	turn = smtp_client_turn(c);
	smtp_client_body(c, STR("x"));
	CHECK(smtp_client_turn(c) != turn);
	smtp_client_body_end(c);
	CHECK(smtp_client_timeout_ms(c) == 10 * 60000);
	buf_clear(smtp_client_output(c));
	feed(c, "250 ok\r\n");
	smtp_client_quit(c);
	CHECK(smtp_client_timeout_ms(c) == 30000);
	smtp_client_free(c);
}

static void
test_lost_in_the_dot(void)
{
	struct smtp_client *c = client_in_body();

	smtp_client_body_end(c);
	buf_clear(smtp_client_output(c));
	smtp_client_lost(c, "timed out");
	CHECK(feed(c, "") == SMTP_CLIENT_CLOSED);
	check_all(c, SMTP_TEMP, false, true);
	CHECK_STR(smtp_client_outcome(c, 0)->text.data,
	    "4.4.2 timed out while waiting for the answer to the final dot");
	smtp_client_lost(c, "again"); /* nothing more happens */
	CHECK(feed(c, "250 ok\r\n") == SMTP_CLIENT_NONE);
	smtp_client_free(c);
}

/* Chunk by chunk, the output never holds more than the host lets it. */
static void
test_large_body(void)
{
	static char chunk[SMTP_CLIENT_CHUNK_MAX];
	struct smtp_client *c = client_in_body();
	size_t most = 0;

	for (size_t i = 0; i < sizeof(chunk); i += 3)
		memcpy(chunk + i, ".\r\n",
		    sizeof(chunk) - i < 3 ? sizeof(chunk) - i : 3);
	for (int i = 0; i < 100; i++) {
		smtp_client_body(c, (struct str){chunk, sizeof(chunk)});
		if (smtp_client_output(c)->len > most)
			most = smtp_client_output(c)->len;
		buf_clear(smtp_client_output(c));
	}
	CHECK(most > sizeof(chunk) && most < 2 * sizeof(chunk));
	smtp_client_body_end(c);
	buf_clear(smtp_client_output(c));
	CHECK(feed(c, "250 ok\r\n") == SMTP_CLIENT_READY);
	check_all(c, SMTP_SENT, false, false);
	smtp_client_free(c);
}

/* What the host is told of a session besides outcomes. */
static void
test_questions(void)
{
	struct smtp_client *c = new_client();

	CHECK(!smtp_client_is_answered(c) && !smtp_client_is_ready(c));
	feed(c, "220 hi\r\n");
	CHECK(!smtp_client_is_answered(c));
	CHECK(feed(c, "250-hi\r\n250 DSN\r\n") == SMTP_CLIENT_READY);
	CHECK(smtp_client_is_answered(c) && smtp_client_is_ready(c));
	CHECK(smtp_client_has_dsn(c) && !smtp_client_wants_body(c));
	smtp_client_send(c, &message);
	CHECK(!smtp_client_is_ready(c));
	buf_clear(smtp_client_output(c));
	feed(c, "550 no\r\n");
	CHECK(smtp_client_is_ready(c));
	CHECK(!smtp_client_is_unsafe(c) && !smtp_client_is_shut_out(c));
	smtp_client_free(c);

	c = ready_client("250 hi\r\n");
	CHECK(!smtp_client_has_dsn(c));
	smtp_client_free(c);

	/* no TLS where it must be */
	c = smtp_client_new(
	    &(struct smtp_client_options){.hostname = "mx.d.test",
		.tls = SMTP_TLS_MUST,
		.timeout_ms = 300000});
	feed(c, "220 hi\r\n");
	CHECK(feed(c, "250 hi\r\n") == SMTP_CLIENT_CLOSED);
	CHECK(smtp_client_is_unsafe(c) && !smtp_client_is_shut_out(c));
	smtp_client_free(c);

	/* a login that is refused */
	c = smtp_client_new(
	    &(struct smtp_client_options){.hostname = "mx.d.test",
		.tls = SMTP_TLS_VERIFY,
		.inside = true,
		.login = "u",
		.password = STR("p"),
		.timeout_ms = 300000});
	CHECK(feed(c, "") == SMTP_CLIENT_TLS);
	smtp_client_tls_done(
	    c, &(struct smtp_client_tls){.what = "TLS", .verified = true});
	feed(c, "220 hi\r\n");
	feed(c, "250-hi\r\n250 AUTH PLAIN\r\n");
	CHECK(feed(c, "535 no\r\n") == SMTP_CLIENT_CLOSED);
	CHECK(smtp_client_is_shut_out(c) && !smtp_client_is_unsafe(c));
	smtp_client_free(c);
	smtp_client_free(NULL);
}

int
main(void)
{
	test_early_replies();
	test_replies_in_the_body();
	test_talk_while_ready();
	test_starttls_injection();
	test_why_clear();
	test_tls_broken();
	test_timeouts();
	test_lost_in_the_dot();
	test_large_body();
	test_questions();
	return TEST_EXIT();
}
