/* SPDX-License-Identifier: MIT */
/* Replies: good and bad ones, whole and at every split. */
#include "maild/proto/smtp_reply_parse.h"

#include "tests/test.h"

static const struct good {
	const char *bytes;
	int code;
	const char *enhanced, *text, *line;
} goods[] = {
    {"250 ok\r\n",			      250, "",          "ok",                 "250 ok"         },
    {"250\r\n",				 250, "",          "",                   "250"            },
    {"250 \r\n",				250, "",          "",                   "250"            },
    {"220-a\r\n220-\r\n220 c\r\n",              220, "",          "a\n\nc",             "220 a  c"       },
    {"250 2.0.0 Ok: queued as 0d1q\r\n",        250, "2.0.0",     "Ok: queued as 0d1q",
     "250 2.0.0 Ok: queued as 0d1q"								      },
    {"550 5.7.2\r\n",			   550, "5.7.2",     "",                   "550 5.7.2"      },
    {"550 5.123.456 x\r\n",                     550, "5.123.456", "x",                  "550 5.123.456 x"},
    {"550 5.1234.4 x\r\n",                      550, "",          "5.1234.4 x",         "550 5.1234.4 x" },
    {"250 2.\r\n",			      250, "",          "2.",                 "250 2."         },
    {"250 2x0.0 a\r\n",			 250, "",          "2x0.0 a",            "250 2x0.0 a"    },
    {"250 2..0 a\r\n",			  250, "",          "2..0 a",             "250 2..0 a"     },
    {"250 2.0 a\r\n",			   250, "",          "2.0 a",              "250 2.0 a"      },
    {"250 2.0. a\r\n",			  250, "",          "2.0. a",             "250 2.0. a"     },
    {"250 2.0.: a\r\n",			 250, "",          "2.0.: a",            "250 2.0.: a"    },
    {"250 2.0.0x\r\n",			  250, "",          "2.0.0x",             "250 2.0.0x"     },
    {"550 2.1.1 x\r\n",			 550, "",          "2.1.1 x",            "550 2.1.1 x"    },
    {"354 3.0.0 x\r\n",			 354, "",          "3.0.0 x",            "354 3.0.0 x"    },
    {"559 x\r\n",			       559, "",          "x",                  "559 x"          },
    {"550-5.1.1 a\r\n550-5.1.1 b\r\n550 c\r\n", 550, "5.1.1",     "a\nb\nc",
     "550 5.1.1 a b c"										   },
    {"550-5.1.1\r\n550 5.1.2 b\r\n",            550, "5.1.1",     "\n5.1.2 b",
     "550 5.1.1  5.1.2 b"										},
    {"550 a\tb\x1b\xff\x7f\r\n",                550, "",          "a\tb\x1b\xff\x7f",   "550 a b???"     },
};

static const struct str bads[] = {
    STR("\r\n"),
    STR("25\r\n"),
    STR("999 x\r\n"),
    STR("199 x\r\n"),
    STR("260 x\r\n"),
    STR("2a0 x\r\n"),
    STR("2/0 x\r\n"),
    STR("25/ x\r\n"),
    STR("25a x\r\n"),
    STR("/50 x\r\n"),
    STR("250x\r\n"),
    STR("2500 x\r\n"),
    STR("hello\r\n"),
    STR("250 ok\n"),
    STR("250 ok\rx\r\n"),
    STR("250 ok\r\r\n"),
    STR("250 o\0k\r\n"),
    STR("250-x\r\n550 y\r\n"),
    STR("250-x\r\n251 y\r\n"),
    STR("250-x\r\n\r\n"),
};

static enum smtp_reply_result
feed(struct smtp_reply_parse *p, struct str bytes, size_t chunk,
    struct smtp_reply *out)
{
	enum smtp_reply_result r = SMTP_REPLY_MORE;

	while (bytes.len > 0 && r == SMTP_REPLY_MORE) {
		struct str piece = str_first(bytes, chunk);

		bytes = str_after(bytes, piece.len);
		r = smtp_reply_take(p, &piece, out);
		CHECK(r != SMTP_REPLY_MORE || piece.len == 0);
	}
	return r;
}

static void
test_good(const struct good *g)
{
	struct str bytes = str_of(g->bytes);

	for (size_t chunk = 1; chunk <= bytes.len; chunk++) {
		struct smtp_reply_parse p;
		struct smtp_reply r;
		struct buf line;

		smtp_reply_init(&p);
		buf_init(&line, 1 * KB);
		for (int again = 0; again < 2; again++) {
			CHECK(feed(&p, bytes, chunk, &r) == SMTP_REPLY_READY);
			CHECK(r.code == g->code);
			CHECK_STR(r.enhanced, g->enhanced);
			CHECK(str_eq(r.text, str_of(g->text)));
			CHECK(!smtp_reply_begun(&p));
		}
		smtp_reply_one_line(&r, &line);
		CHECK_STR(line.data, g->line);
		buf_release(&line);
		smtp_reply_release(&p);
	}
}

static void
test_bad(struct str bytes)
{
	for (size_t chunk = 1; chunk <= bytes.len; chunk++) {
		struct smtp_reply_parse p;
		struct smtp_reply r;
		struct str good = STR("250 ok\r\n");

		smtp_reply_init(&p);
		CHECK(feed(&p, bytes, chunk, &r) == SMTP_REPLY_BAD);
		CHECK(p.bad != NULL);
		/* and bad it stays */
		CHECK(smtp_reply_take(&p, &good, &r) == SMTP_REPLY_BAD);
		smtp_reply_release(&p);
	}
}

/* Two replies in one piece are two. */
static void
test_leftover(void)
{
	struct smtp_reply_parse p;
	struct smtp_reply r;
	struct str in = STR("250 a\r\n354 b\r\n3");

	smtp_reply_init(&p);
	CHECK(smtp_reply_take(&p, &in, &r) == SMTP_REPLY_READY);
	CHECK(r.code == 250 && in.len == 8);
	CHECK(smtp_reply_take(&p, &in, &r) == SMTP_REPLY_READY);
	CHECK(r.code == 354 && in.len == 1);
	CHECK(smtp_reply_take(&p, &in, &r) == SMTP_REPLY_MORE);
	CHECK(smtp_reply_begun(&p));
	smtp_reply_release(&p);
}

/* However it is made up, no more than 64 KiB are held. */
static void
test_limit(struct str unit, size_t times)
{
	struct smtp_reply_parse p;
	struct smtp_reply r;
	enum smtp_reply_result got = SMTP_REPLY_MORE;
	size_t taken = 0;

	smtp_reply_init(&p);
	for (size_t i = 0; i < times && got == SMTP_REPLY_MORE; i++) {
		struct str in = unit;

		got = smtp_reply_take(&p, &in, &r);
		taken += unit.len - in.len;
		CHECK(p.text.len <= SMTP_REPLY_MAX);
	}
	CHECK(got == SMTP_REPLY_BAD);
	CHECK(taken == SMTP_REPLY_MAX + 1);
	smtp_reply_release(&p);
}

static void
test_endless_line(void)
{
	struct smtp_reply_parse p;
	struct smtp_reply r;
	struct str in = STR("250-");

	smtp_reply_init(&p);
	CHECK(smtp_reply_take(&p, &in, &r) == SMTP_REPLY_MORE);
	for (size_t i = 4; i < SMTP_REPLY_MAX; i++) {
		in = STR("A");
		CHECK(smtp_reply_take(&p, &in, &r) == SMTP_REPLY_MORE);
	}
	in = STR("A");
	CHECK(smtp_reply_take(&p, &in, &r) == SMTP_REPLY_BAD);
	smtp_reply_release(&p);
}

/* A long reply is cut in one line, and still is one line. */
static void
test_cut(void)
{
	struct smtp_reply_parse p;
	struct smtp_reply r;
	struct buf bytes, line;
	struct str in;

	smtp_reply_init(&p);
	buf_init(&bytes, SMTP_REPLY_MAX);
	buf_init(&line, SMTP_REPLY_ONE_MAX);
	for (int i = 0; i < 100; i++)
		buf_add(&bytes, STR("550-words and words and words\r\n"));
	buf_add(&bytes, STR("550 end\r\n"));
	in = buf_str(&bytes);
	CHECK(smtp_reply_take(&p, &in, &r) == SMTP_REPLY_READY);
	smtp_reply_one_line(&r, &line);
	CHECK(!line.overrun && line.len == SMTP_REPLY_ONE_MAX);
	CHECK(str_is_printable(buf_str(&line)));
	buf_release(&line);
	buf_release(&bytes);
	smtp_reply_release(&p);
}

int
main(void)
{
	for (size_t i = 0; i < sizeof(goods) / sizeof(goods[0]); i++)
		test_good(&goods[i]);
	for (size_t i = 0; i < sizeof(bads) / sizeof(bads[0]); i++)
		test_bad(bads[i]);
	test_leftover();
	test_limit(STR("250-a\r\n"), 1000000);
	test_endless_line();
	test_cut();
	return TEST_EXIT();
}
