/* SPDX-License-Identifier: MIT */
#include "common/store/hop.h"
#include "tests/unit/store/fixture.h"

static int64_t test_now;

static int64_t
test_wall(void *arg)
{
	(void)arg;
	return test_now;
}

static const struct clock test_clock = {test_wall, test_wall, NULL};

static void
traces_rise(void)
{
	struct trace_source t = {.clock = &test_clock};
	struct trace_source other = {.clock = &test_clock};
	int64_t last = 0, in_ms;

	test_now = NOW;
	for (int i = 0; i < 100000; i++) {
		int64_t trace;

		/* now and then the clock moves, also backwards */
		if (i % 1000 == 999)
			test_now += i % 3000 == 2999 ? -50 : 1;
		trace = hop_new_trace(&t);
		CHECK(trace > last);
		last = trace;
	}
	in_ms = last >> 21;
	CHECK(
	    in_ms >= NOW - 1577836800000 && in_ms < NOW - 1577836800000 + 200);
	/* another process starts elsewhere in the same millisecond */
	CHECK(hop_new_trace(&other) !=
	      hop_new_trace(&(struct trace_source){.clock = &test_clock}));
	/* a clock before 2020, and the last one that fits */
	test_now = 0;
	other.last = 0;
	last = hop_new_trace(&other);
	CHECK(last > 0 || (last == 0 && hop_new_trace(&other) > 0));
	test_now = 1577836800000 + (INT64_C(1) << 41) - 1;
	CHECK(hop_new_trace(&other) >> 62 == 0);
}

static void
texts(void)
{
	static const struct {
		const char *text;
		int64_t trace; /* 0: no trace */
	} cases[] = {
	    {"0000000000001",  1                     },
	    {"000000000000z",  31                    },
	    {"0000000000010",  32                    },
	    {"3zzzzzzzzzzzz",  (INT64_C(1) << 62) - 1},
	    {"3ZZZZZZZZZZZZ",  (INT64_C(1) << 62) - 1},
	    {"000000000000l",  1                     },
	    {"OOOOOOOOOOOO1",  1                     },
	    {"00000000000io",  32                    },
	    {"4000000000000",  0                     },
	    {"0000000000000",  0                     },
	    {"000000000000",   0                     },
	    {"00000000000001", 0                     },
	    {"000000000000u",  0                     },
	    {"00000000000 1",  0                     },
	    {"",               0		     },
	};
	char text[TRACE_TEXT_MAX];
	int64_t trace;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		trace = 0;
		CHECK(trace_parse(str_of(cases[i].text), &trace) ==
		      (cases[i].trace != 0));
		CHECK(trace == cases[i].trace);
	}
	CHECK(!trace_parse(
	    (struct str){"\0\0\0\0\0\0\0\0\0\0\0\0\0", 13}, &trace));
	for (int64_t t = 1; t < INT64_C(1) << 61; t = t * 3 + 1) {
		trace_text(t, text);
		CHECK(strlen(text) == 13);
		CHECK(trace_parse(str_of(text), &trace) && trace == t);
	}
	CHECK_STR(trace_text(INT64_C(1) << 61, text), "2000000000000");
	CHECK_STR(hop_kind_word(HOP_RELAYED), "relayed");
	CHECK_STR(hop_kind_word((enum hop_kind)99), "unknown");
	CHECK_STR(hop_daemon_word(HOP_POPD), "popd");
	CHECK_STR(hop_daemon_word((enum hop_daemon)99), "unknown");
}

static int
write_hop(struct db *db, void *arg, struct fail *f)
{
	return hop_write(db, arg, f);
}

static void
see_head(void *arg, const struct journey *j)
{
	buf_addf(arg, "%lld %.*s %.*s %d\n", (long long)j->trace,
	    STR_FMT(j->sender), STR_FMT(j->message_id), (int)j->size);
}

static void
see_hop(void *arg, const struct hop *h)
{
	buf_addf(arg, "%s %s %.*s|%.*s|%d|%.*s\n", hop_daemon_word(h->daemon),
	    hop_kind_word(h->kind), STR_FMT(h->recipient), STR_FMT(h->peer),
	    h->code, STR_FMT(h->detail));
}

static void
journeys(void)
{
	struct fixture x;
	struct delivery_target t;
	struct hop h = {.at_ms = NOW,
	    .daemon = HOP_POPD,
	    .kind = HOP_FETCHED,
	    .peer = STR("client.test"),
	    .code = 250,
	    .detail = STR("POP3S")};
	char detail[1100];
	struct buf b;
	struct fail f;
	int64_t found[3];
	size_t n;

	fixture_init(&x);
	t = (struct delivery_target){
	    x.alice, STR("alice@d.test"), .original = STR("")};
	for (int i = 0; i < 4; i++)
		CHECK(fixture_deliver(&x, STR("x\r\n"), &t, 1, &f) > 0);
	t = (struct delivery_target){
	    0, STR("Other@remote.test"), .original = STR("")};
	CHECK(fixture_deliver(&x, STR("x\r\n"), &t, 1, &f) == 1005);
	h.trace = 1004;
	MUST(db_write(x.db, write_hop, &h, &why));
	/* 999 octets and a character of two: cut before it */
	memset(detail, 'd', sizeof(detail));
	detail[999] = '\xc3';
	detail[1000] = '\xa4';
	h.detail = (struct str){detail, sizeof(detail)};
	MUST(db_write(x.db, write_hop, &h, &why));
	/* nothing is written for a journey that is not there */
	h.trace = 4711;
	MUST(db_write(x.db, write_hop, &h, &why));
	buf_init(&b, 10000);
	CHECK(journey_read(x.db, 1004, see_head, see_hop, &b, &f) == 1);
	CHECK(b.len > 1000);
	CHECK(b.data[b.len - 1] == '\n' && b.data[b.len - 2] == 'd');
	buf_cut(&b, b.len - 999 - strlen("popd fetched |client.test|250|\n"));
	CHECK_STR(b.data, "1004 sender@remote.test <id@remote.test> 3\n"
			  "smtpd delivered alice@d.test||0|INBOX\n"
			  "popd fetched |client.test|250|POP3S\n");
	CHECK(journey_read(x.db, 4711, see_head, see_hop, &b, &f) == 0);
	buf_release(&b);
	MUST(journey_find(x.db, STR("id@remote.test"), found, 3, &n, &why));
	CHECK(n == 3 && found[0] == 1005 && found[2] == 1003);
	MUST(journey_find(x.db, STR("<id@remote.test>"), found, 2, &n, &why));
	CHECK(n == 2 && found[0] == 1005 && found[1] == 1004);
	MUST(journey_find(x.db, STR("OTHER@Remote.test"), found, 3, &n, &why));
	CHECK(n == 1 && found[0] == 1005);
	MUST(journey_find(x.db, STR("sender@remote.test"), found, 3, &n, &why));
	CHECK(n == 3);
	MUST(journey_find(x.db, STR("nobody@d.test"), found, 3, &n, &why));
	CHECK(n == 0);
	CHECK(fixture_is_clean(&x));
	fixture_release(&x);
}

int
main(void)
{
	traces_rise();
	texts();
	journeys();
	return TEST_EXIT();
}
