/* SPDX-License-Identifier: MIT */
#include "common/policy/facts.h"

#include <stdlib.h>

#include "common/util/mem.h"
#include "tests/policy/zone.h"
#include "tests/test.h"

static void
test_ask_and_answer(void)
{
	struct facts *f = facts_new();
	struct facts_question q;
	const struct str records[] = {
	    STR("one"), {NULL, 0},
             STR("\0\1\2")
        };
	struct fact answer = {
	    .status = FACT_OK, .secure = true, .n = 3, .records = records};

	CHECK(!facts_wanted(f, &q));
	CHECK(facts_ask(f, STR("A.Example."), FACT_TXT) == NULL);
	CHECK(facts_ask(f, STR("a.example"), FACT_TXT) == NULL);
	CHECK(facts_ask(f, STR("a.example"), FACT_A) == NULL);
	CHECK(facts_wanted(f, &q));
	CHECK(str_eq(q.name, STR("a.example")) && q.type == FACT_TXT);
	CHECK(facts_open(f) == 1);
	facts_answer(f, q.id, &answer);
	CHECK(facts_wanted(f, &q));
	CHECK(q.type == FACT_A);
	CHECK(!facts_wanted(f, &q));
	CHECK(facts_open(f) == 1);
	CHECK(facts_ask(f, STR("a.example"), FACT_A) == NULL);
	facts_answer(f, q.id, &(struct fact){.status = FACT_NXDOMAIN});
	CHECK(facts_open(f) == 0);

	const struct fact *got = facts_ask(f, STR("A.EXAMPLE"), FACT_TXT);
	CHECK(got != NULL && got->status == FACT_OK && got->secure);
	CHECK(got->n == 3 && got->records != records);
	CHECK(str_eq(got->records[0], STR("one")));
	CHECK(got->records[1].len == 0);
	CHECK(str_eq(got->records[2], STR("\0\1\2")));
	got = facts_ask(f, STR("a.example"), FACT_A);
	CHECK(got != NULL && got->status == FACT_NXDOMAIN && !got->secure);
	facts_free(f);
}

static void
test_impossible(void)
{
	char long_name[400], label[70];
	const struct str names[] = {STR(""), STR("."), STR("a..b"), STR(".a"),
	    STR("a.."), STR("a\0b.example")};
	struct facts *f = facts_new();

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const struct fact *got = facts_ask(f, names[i], FACT_A);

		CHECK(got != NULL && got->status == FACT_IMPOSSIBLE);
	}
	memset(label, 'x', sizeof(label));
	CHECK(facts_ask(f, (struct str){label, 63}, FACT_A) == NULL);
	CHECK(facts_ask(f, (struct str){label, 64}, FACT_A) != NULL);
	for (size_t i = 0; i < sizeof(long_name); i++)
		long_name[i] = i % 2 == 0 ? 'a' : '.';
	CHECK(facts_ask(f, (struct str){long_name, 253}, FACT_A) == NULL);
	CHECK(facts_ask(f, (struct str){long_name, 254}, FACT_A) == NULL);
	CHECK(facts_ask(f, (struct str){long_name, 255}, FACT_A)->status ==
	      FACT_IMPOSSIBLE);
	facts_free(f);
}

static void
test_too_many_questions(void)
{
	struct facts *f = facts_new();
	struct facts_question q;
	char name[40];
	size_t n = 0;

	for (int i = 0; i < FACTS_MAX + 5; i++) {
		snprintf(name, sizeof(name), "n%d.example", i);
		const struct fact *got = facts_ask(f, str_of(name), FACT_A);
		CHECK((got == NULL) == (i < FACTS_MAX));
		CHECK(got == NULL || got->status == FACT_TEMPFAIL);
	}
	while (facts_wanted(f, &q))
		n++;
	CHECK(n == FACTS_MAX);
	facts_free(f); /* with all of them open */
}

static void
test_too_much(void)
{
	static char big[FACTS_BYTES];
	struct str many[FACTS_RECORDS_MAX + 1] = {{0}};
	struct str one = {big, sizeof(big)};
	struct facts *f = facts_new();
	struct facts_question q;

	facts_ask(f, STR("a"), FACT_TXT);
	facts_ask(f, STR("b"), FACT_TXT);
	facts_ask(f, STR("c"), FACT_TXT);
	facts_ask(f, STR("d"), FACT_TXT);
	CHECK(facts_wanted(f, &q));
	facts_answer(f, q.id,
	    &(struct fact){.n = FACTS_RECORDS_MAX + 1, .records = many});
	CHECK(facts_wanted(f, &q));
	facts_answer(f, q.id, &(struct fact){.n = 1, .records = &one});
	CHECK(facts_wanted(f, &q));
	one.len = 1;
	facts_answer(f, q.id, &(struct fact){.n = 1, .records = &one});
	CHECK(facts_wanted(f, &q));
	facts_answer(f, q.id, &(struct fact){.status = FACT_OK});
	CHECK(facts_ask(f, STR("a"), FACT_TXT)->status == FACT_TEMPFAIL);
	CHECK(facts_ask(f, STR("b"), FACT_TXT)->status == FACT_OK);
	CHECK(facts_ask(f, STR("c"), FACT_TXT)->status == FACT_TEMPFAIL);
	CHECK(facts_ask(f, STR("d"), FACT_TXT)->status == FACT_NODATA);
	facts_free(f);
}

static void
test_give_up(void)
{
	const struct str record = STR("x");
	struct facts *f = facts_new();
	struct facts_question known, open;

	facts_ask(f, STR("known"), FACT_A);
	facts_ask(f, STR("open"), FACT_A);
	CHECK(facts_wanted(f, &known) && facts_wanted(f, &open));
	facts_ask(f, STR("wanted"), FACT_A);
	facts_answer(f, known.id, &(struct fact){.n = 1, .records = &record});
	facts_give_up(f);
	CHECK(facts_open(f) == 0 && !facts_wanted(f, &open));
	CHECK(facts_ask(f, STR("known"), FACT_A)->status == FACT_OK);
	CHECK(facts_ask(f, STR("open"), FACT_A)->status == FACT_TEMPFAIL);
	CHECK(facts_ask(f, STR("wanted"), FACT_A)->status == FACT_TEMPFAIL);
	CHECK(facts_ask(f, STR("later"), FACT_A)->status == FACT_TEMPFAIL);
	CHECK(!facts_wanted(f, &open));
	facts_answer(f, 1, &(struct fact){.n = 1, .records = &record});
	CHECK(facts_ask(f, STR("open"), FACT_A)->status == FACT_TEMPFAIL);
	facts_free(f);
}

/* The tests' own DNS is believed by all of them. */
static void
test_zone(void)
{
	struct zone *z = zone_of("a.b.example A 192.0.2.1\n"
				 "alias.example CNAME A.B.Example.\n"
				 "loop.example CNAME loop.example\n"
				 "dead.example ANY TIMEOUT\n"
				 "dead.example A 192.0.2.9\n"
				 "# a comment\n"
				 "\n"
				 "odd\\032name.example TXT a\\000b \\\\c\n"
				 "b.example ANY SECURE\n"
				 "mx.example MX 258 Mail.Example.");
	static const struct {
		const char *name;
		enum fact_type type;
		enum fact_status status;
		const char *data;
		size_t len;
	} rows[] = {
	    {"a.b.example",      FACT_A,   FACT_OK,       "\300\0\2\1",       4 },
	    {"a.b.example",      FACT_TXT, FACT_NODATA,   NULL,               0 },
	    {"b.example",        FACT_A,   FACT_NODATA,   NULL,               0 },
	    {"c.example",        FACT_A,   FACT_NXDOMAIN, NULL,               0 },
	    {"ample",            FACT_A,   FACT_NXDOMAIN, NULL,               0 },
	    {"alias.example",    FACT_A,   FACT_OK,       "\300\0\2\1",       4 },
	    {"loop.example",     FACT_A,   FACT_TEMPFAIL, NULL,               0 },
	    {"dead.example",     FACT_TXT, FACT_TEMPFAIL, NULL,               0 },
	    {"dead.example",     FACT_A,   FACT_OK,       "\300\0\2\11",      4 },
	    {"odd name.example", FACT_TXT, FACT_OK,       "a\0b \\\\c",       7 },
	    {"mx.example",       FACT_MX,  FACT_OK,       "\1\2mail.example", 14},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct facts *f = facts_new();
		struct str name = str_of(rows[i].name);

		CHECK(facts_ask(f, name, rows[i].type) == NULL);
		CHECK(zone_answer(z, f) == 1);
		const struct fact *got = facts_ask(f, name, rows[i].type);
		CHECK(got != NULL && got->status == rows[i].status);
		CHECK(got->n == (rows[i].data != NULL));
		CHECK(got->n == 0 ||
		      str_eq(got->records[0],
			  (struct str){rows[i].data, rows[i].len}));
		CHECK(got->secure == (strcmp(rows[i].name, "b.example") == 0));
		facts_free(f);
	}
	CHECK(!zone_add(z, STR("a.example A 1.2.3")));
	CHECK(!zone_add(z, STR("a.example SRV x")));
	CHECK(!zone_add(z, STR("a.example ANY x")));
	zone_free(z);
}

int
main(void)
{
	test_ask_and_answer();
	test_impossible();
	test_too_many_questions();
	test_too_much();
	test_give_up();
	test_zone();
	return TEST_EXIT();
}
