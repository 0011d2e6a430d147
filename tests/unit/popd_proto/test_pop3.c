/* SPDX-License-Identifier: MIT */
/*
 * What conversations do not show: the bounds on output, when the host answers,
 * and that a message given out is the one asked for, whatever its octets.
 */
#include "popd/proto/pop3.h"

#include <stdlib.h>

#include "common/wire/dot.h"
#include "tests/test.h"

#define MANY 100000

static struct pop3 *
session(struct pop3_maildrop *drop)
{
	struct pop3_options o = {"mx.d.test", true, false, 10};
	struct pop3 *p = pop3_new(&o);
	struct str in = STR("USER a@d.test\r\nPASS b\r\nSTAT\r\n");
	struct pop3_request req;

	CHECK(pop3_step(p, &in, &req) == POP3_LOGIN);
	CHECK(str_eq(req.user, STR("a@d.test")));
	CHECK(str_eq(req.password, STR("b")));
	CHECK(str_eq(in, STR("STAT\r\n"))); /* not taken before the answer */
	CHECK(pop3_lines(p) == 2);
	pop3_logged_in(p, drop);
	CHECK(pop3_step(p, &in, &req) == POP3_NONE);
	buf_drop(pop3_output(p), pop3_output(p)->len);
	return p;
}

static struct pop3_maildrop
maildrop(size_t n)
{
	struct pop3_maildrop d = {mem_new(n, sizeof(*d.messages)), n};

	for (size_t i = 0; i < n; i++)
		d.messages[i] = (struct pop3_message){
		    .octets = i, .uidl = i + 1};
	return d;
}

/* However much is asked in one flight, output stays within its bound. */
static void
test_output_is_bounded(const char *command)
{
	struct pop3_maildrop drop = maildrop(MANY);
	struct pop3 *p = session(&drop);
	struct pop3_request req;
	struct buf flight;
	struct str in;
	enum pop3_event ev;
	size_t most = 0, drains = 0;

	buf_init(&flight, 1 * MB);
	for (int i = 0; i < 1000; i++)
		buf_addf(&flight, "%s\r\n", command);
	buf_cut(&flight, flight.len < 6000 ? flight.len : 6000);
	in = buf_str(&flight);
	while ((ev = pop3_step(p, &in, &req)) == POP3_DRAIN && drains < 500) {
		struct buf *out = pop3_output(p);

		if (out->len > most)
			most = out->len;
		/* nothing more while it is not sent */
		CHECK(pop3_step(p, &in, &req) == POP3_DRAIN);
		CHECK(out->len <= most);
		buf_drop(out, out->len);
		drains++;
	}
	CHECK(drains > 2);
	CHECK(most < POP3_OUTPUT_HIGH + 1 * KB);
	pop3_free(p);
	buf_release(&flight);
	free(drop.messages);
}

/* The message comes out of the dots as it was, fed in pieces of any size. */
static void
test_body_survives(size_t piece)
{
	static const char message[] = "A: b\r\n\r\n.\r\n..\r\n\r\n.\r\n+OK\r\n"
				      "x.\r\n.x\r\n\xff\x80 8-bit\r\n...\r\n";
	struct pop3_maildrop drop = maildrop(1);
	struct pop3 *p = session(&drop);
	struct str in = STR("RETR 1\r\n"), rest = STR(message);
	struct pop3_request req;
	struct dot_reader dots;
	struct buf said, got;

	buf_init(&said, 4 * KB);
	buf_init(&got, 4 * KB);
	CHECK(pop3_step(p, &in, &req) == POP3_BODY && req.index == 0);
	pop3_body_begin(p);
	while (rest.len > 0) {
		buf_add(&said, buf_str(pop3_output(p)));
		buf_clear(pop3_output(p));
		CHECK(pop3_body(p, str_first(rest, piece)));
		rest = str_after(rest, piece);
	}
	CHECK(pop3_body_end(p));
	buf_add(&said, buf_str(pop3_output(p)));
	rest = buf_str(&said);
	CHECK(str_starts(rest, STR("+OK")));
	str_cut(&rest, '\n');
	dot_reader_init(&dots);
	CHECK(dot_read(&dots, &rest, &got) == DOT_END && rest.len == 0);
	CHECK(str_eq(buf_str(&got), STR(message)));
	pop3_free(p);
	buf_release(&said);
	buf_release(&got);
	free(drop.messages);
}

/* TOP tells whether all of the message went out. */
static void
test_top_is_whole(void)
{
	struct pop3_maildrop drop = maildrop(2);
	struct pop3 *p = session(&drop);
	struct str in = STR("TOP 1 0\r\nTOP 2 5\r\n");
	struct pop3_request req;

	CHECK(pop3_step(p, &in, &req) == POP3_BODY && req.index == 0);
	pop3_body_begin(p);
	CHECK(!pop3_body(p, STR("A: b\r\n\r\nx\r\n")));
	CHECK(!pop3_body_end(p));
	CHECK(pop3_step(p, &in, &req) == POP3_BODY && req.index == 1);
	pop3_body_begin(p);
	CHECK(pop3_body(p, STR("A: b\r\n\r\nx\r\n")));
	CHECK(pop3_body_end(p));
	pop3_free(p);
	free(drop.messages);
}

/* The largest piece of nothing but dots fits behind the fullest output. */
static void
test_worst_piece(void)
{
	struct pop3_maildrop drop = maildrop(1);
	struct pop3 *p = session(&drop);
	struct str in = STR("RETR 1\r\n");
	struct pop3_request req;
	char *piece = mem_new(POP3_CHUNK_MAX, 1);

	for (size_t i = 0; i < POP3_CHUNK_MAX; i++)
		piece[i] = ".\r\n"[i % 3];
	CHECK(pop3_step(p, &in, &req) == POP3_BODY);
	pop3_body_begin(p);
	for (int i = 0; i < 3; i++) {
		CHECK(pop3_body(p, (struct str){piece, POP3_CHUNK_MAX - 1}));
		CHECK(!pop3_output(p)->overrun);
		buf_drop(pop3_output(p), pop3_output(p)->len);
	}
	pop3_body_end(p);
	pop3_free(p);
	free(piece);
	free(drop.messages);
}

/* A goodbye in the middle of a body or a listing says nothing into it. */
static void
test_goodbye_is_silent(void)
{
	struct pop3_maildrop drop = maildrop(MANY);
	struct pop3 *p = session(&drop);
	struct str in = STR("RETR 1\r\nNOOP\r\n");
	struct pop3_request req;
	size_t said;

	CHECK(pop3_step(p, &in, &req) == POP3_BODY);
	pop3_body_begin(p);
	said = pop3_output(p)->len;
	pop3_goodbye(p, POP3_SHUTDOWN);
	pop3_goodbye(p, POP3_IDLE);
	CHECK(pop3_output(p)->len == said);
	CHECK(pop3_step(p, &in, &req) == POP3_CLOSE);
	CHECK(pop3_step(p, &in, &req) == POP3_CLOSE);
	pop3_free(p);

	p = session(&drop);
	in = STR("LIST\r\n");
	CHECK(pop3_step(p, &in, &req) == POP3_DRAIN);
	said = pop3_output(p)->len;
	pop3_goodbye(p, POP3_SHUTDOWN);
	CHECK(pop3_output(p)->len == said);
	pop3_free(p);
	free(drop.messages);
}

/* What QUIT would remove: the marks of DELE, without those RSET took back. */
static void
test_marks(void)
{
	struct pop3_maildrop drop = maildrop(3);
	struct pop3 *p = session(&drop);
	struct str in = STR("DELE 1\r\nDELE 2\r\nRSET\r\nDELE 3\r\nQUIT\r\n");
	struct pop3_request req;

	CHECK(pop3_step(p, &in, &req) == POP3_COMMIT);
	CHECK(!drop.messages[0].deleted && !drop.messages[1].deleted);
	CHECK(drop.messages[2].deleted);
	pop3_committed(p, true);
	CHECK(pop3_step(p, &in, &req) == POP3_CLOSE);
	pop3_free(p);
	free(drop.messages);
}

int
main(void)
{
	test_output_is_bounded("LIST");
	test_output_is_bounded("UIDL");
	test_output_is_bounded("CAPA");
	test_output_is_bounded("LANG");
	for (size_t piece = 1; piece < 70; piece++)
		test_body_survives(piece);
	test_top_is_whole();
	test_worst_piece();
	test_goodbye_is_silent();
	test_marks();
	return TEST_EXIT();
}
