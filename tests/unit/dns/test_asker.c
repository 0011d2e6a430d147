/* SPDX-License-Identifier: MIT */
/* The asker over a resolver that answers what a test says. */
#include "common/dns/asker.h"

#include <stdlib.h>

#include "common/dns/message.h"
#include "common/util/mem.h"
#include "common/util/rand.h"
#include "tests/test.h"

#define PATIENCE_MS (60 * 1000)

static int64_t now_ms;

static int64_t
test_time(void *arg)
{
	(void)arg;
	return now_ms;
}

static const struct clock test_clock = {test_time, test_time, NULL};

struct world {
	struct loop *loop;
	struct resolver *resolver;
	struct asker *asker;
	struct timer *patience;
	struct dns_answer answer; /* to every question ... */
	bool silent;              /* ... or to none */
	unsigned asked;           /* of the resolver */
	char last[300];
	struct resolver_query *open;
};

static void
on_question(
    void *arg, struct resolver_query *q, struct str name, enum dns_type type)
{
	struct world *w = arg;

	w->asked++;
	w->open = q;
	snprintf(w->last, sizeof(w->last), "%.*s %d", STR_FMT(name), (int)type);
	if (!w->silent)
		resolver_inject(q, &w->answer);
}

static void
out_of_patience(void *arg)
{
	fputs("nothing happens\n", stderr);
	test_failures++;
	loop_stop(((struct world *)arg)->loop);
}

static void
world_init(struct world *w)
{
	*w = (struct world){.loop = loop_new()};
	w->resolver = resolver_new_fake(w->loop, on_question, w);
	w->asker = asker_new(w->loop, w->resolver, &test_clock);
	w->patience = timer_new(w->loop, out_of_patience, w);
	timer_set(w->patience, PATIENCE_MS);
}

static void
world_release(struct world *w)
{
	asker_free(w->asker);
	resolver_free(w->resolver);
	timer_free(w->patience);
	loop_free(w->loop);
}

/* One who asks. */
struct client {
	struct world *w;
	struct facts *facts;
	struct inquiry *inquiry;
	unsigned resumed;
	bool stops;          /* the loop, when it is resumed */
	struct client *ends; /* is ended then */
};

static void
client_free(struct client *c)
{
	inquiry_free(c->inquiry);
	facts_free(c->facts);
	c->inquiry = NULL;
	c->facts = NULL;
}

static void
on_resume(void *arg)
{
	struct client *c = arg;

	c->resumed++;
	if (c->ends != NULL) {
		client_free(c->ends);
		c->ends = NULL;
	}
	if (c->stops)
		loop_stop(c->w->loop);
}

static void
client_init(struct client *c, struct world *w)
{
	*c = (struct client){.w = w, .facts = facts_new(), .stops = true};
	c->inquiry = inquiry_new(w->asker, c->facts, on_resume, c);
}

/* Ask one question, wait for the answer. */
static const struct fact *
ask(struct client *c, const char *name, enum fact_type type)
{
	unsigned before = c->resumed;

	if (facts_ask(c->facts, str_of(name), type) == NULL &&
	    !inquiry_ask(c->inquiry)) {
		CHECK(c->resumed == before); /* never from within */
		loop_run(c->w->loop);
		CHECK(c->resumed == before + 1);
	}
	return facts_ask(c->facts, str_of(name), type);
}

/* ---- what answers become ---- */

static const struct conversion {
	enum fact_type type;
	struct str rdata;
	const char *text; /* in hexadecimal or plain; NULL: no record */
	size_t len;
} conversions[] = {
    {FACT_A,    STR("\x7f\0\0\1"),          "\x7f\0\0\1",       4 },
    {FACT_A,    STR("\x7f\0\0"),            NULL,               0 },
    {FACT_AAAA, STR("0123456789abcdef"),    "0123456789abcdef", 16},
    {FACT_AAAA, STR("0123"),                NULL,               0 },
    {FACT_TXT,  STR("\5hello\6 world"),     "hello world",      11},
    {FACT_TXT,  STR("\0"),                  "",                 0 },
    {FACT_TXT,  STR("\5hell"),              NULL,               0 },
    {FACT_MX,   STR("\1\2\2mx\1d\4test\0"), "\1\2mx.d.test",    11},
    {FACT_MX,   STR("\0\0\0"),              "\0\0",             2 },
    {FACT_MX,   STR("\0\1\2mx"),            NULL,               0 },
    {FACT_MX,   STR(""),                    NULL,               0 },
    {FACT_PTR,  STR("\2MX\1d\4test\0"),     "mx.d.test",        9 },
    {FACT_PTR,  STR("\3a b\1d\0"),          "a\\032b.d",        8 },
    {FACT_PTR,  STR("\2mx\1d\4test\0x"),    NULL,               0 },
    {FACT_PTR,  STR("\0"),                  NULL,               0 },
};

static void
answers_become_facts(void)
{
	for (size_t i = 0; i < sizeof(conversions) / sizeof(*conversions);
	     i++) {
		const struct conversion *v = &conversions[i];
		struct dns_record record = {v->rdata};
		const struct fact *got;
		struct world w;
		struct client c;

		world_init(&w);
		client_init(&c, &w);
		w.answer = (struct dns_answer){.status = DNS_OK,
		    .secure = true,
		    .ttl_s = 60,
		    .n = 1,
		    .records = &record};
		got = ask(&c, "Name.Test", v->type);
		CHECK_STR(str_of(w.last).len > 0 ? "asked" : "", "asked");
		CHECK(got != NULL &&
		      got->status == (v->text != NULL ? FACT_OK : FACT_NODATA));
		CHECK(got->secure);
		if (v->text != NULL) {
			CHECK(got->n == 1);
			CHECK(str_eq(
			    got->records[0], (struct str){v->text, v->len}));
		}
		client_free(&c);
		world_release(&w);
	}
}

/* ---- the cache ---- */

static const struct life {
	struct dns_answer answer;
	int64_t lives_s; /* 0: not kept */
} lives[] = {
    {{.status = DNS_OK, .ttl_s = 60},         60  },
    {{.status = DNS_OK, .ttl_s = 100000},     3600},
    {{.status = DNS_OK, .ttl_s = 0},          0   },
    {{.status = DNS_NODATA, .ttl_s = 100},    100 },
    {{.status = DNS_NXDOMAIN, .ttl_s = 1000}, 300 },
    {{.status = DNS_NXDOMAIN, .ttl_s = 0},    5   },
    {{.status = DNS_TEMPFAIL, .ttl_s = 0},    5   },
    {{.status = DNS_TEMPFAIL, .ttl_s = 1000}, 5   },
};

static void
answers_are_kept(void)
{
	struct dns_record record = {STR("\x7f\0\0\1")};

	for (size_t i = 0; i < sizeof(lives) / sizeof(*lives); i++) {
		struct world w;
		struct client c[4];

		world_init(&w);
		w.answer = lives[i].answer;
		if (w.answer.status == DNS_OK) {
			w.answer.n = 1;
			w.answer.records = &record;
		}
		for (size_t k = 0; k < 4; k++)
			client_init(&c[k], &w);
		ask(&c[0], "a.test", FACT_A);
		CHECK(w.asked == 1);
		if (lives[i].lives_s > 0) {
			now_ms += lives[i].lives_s * 1000 - 1;
			/* at once, and without the loop */
			CHECK(facts_ask(c[1].facts, STR("A.test"), FACT_A) ==
			      NULL);
			CHECK(inquiry_ask(c[1].inquiry));
			CHECK(facts_ask(c[1].facts, STR("a.test"), FACT_A) !=
			      NULL);
			CHECK(w.asked == 1);
			/* another type is another question */
			ask(&c[2], "a.test", FACT_TXT);
			CHECK(w.asked == 2);
			now_ms += 1;
		}
		w.asked = 0;
		ask(&c[3], "a.test", FACT_A);
		CHECK(w.asked == 1);
		for (size_t k = 0; k < 4; k++)
			client_free(&c[k]);
		world_release(&w);
	}
}

/* It holds no more than it may; what was used last stays. */
static void
the_oldest_goes(void)
{
	char octets[200];
	struct dns_record record = {
	    {octets, sizeof(octets)}
        };
	struct world w;
	char name[32];

	memset(octets, 'x', sizeof(octets));
	octets[0] = (char)(sizeof(octets) - 1);
	world_init(&w);
	w.answer = (struct dns_answer){
	    .status = DNS_OK, .ttl_s = 3600, .n = 1, .records = &record};
	for (unsigned i = 0; i <= ASKER_CACHE_MAX; i++) {
		struct client c;

		client_init(&c, &w);
		snprintf(name, sizeof(name), "n%u.test", i);
		ask(&c, name, FACT_TXT);
		client_free(&c);
		if (i % 5000 == 0) { /* this one is in use */
			client_init(&c, &w);
			ask(&c, "n0.test", FACT_TXT);
			client_free(&c);
		}
	}
	CHECK(w.asked == ASKER_CACHE_MAX + 1);
	for (unsigned i = 0; i < 2; i++) {
		struct client c;

		w.asked = 0;
		client_init(&c, &w);
		snprintf(name, sizeof(name), "n%u.test", i);
		ask(&c, name, FACT_TXT);
		CHECK(w.asked == i);
		client_free(&c);
	}
	world_release(&w);
}

/* ---- waiting ---- */

static void
one_question_for_two(void)
{
	struct dns_record record = {STR("\x7f\0\0\1")};
	const struct fact *got;
	struct world w;
	struct client a, b, gone;

	world_init(&w);
	w.silent = true;
	client_init(&a, &w);
	client_init(&b, &w);
	client_init(&gone, &w);
	a.stops = false;
	a.ends = &gone; /* when it is resumed, before its turn */
	facts_ask(a.facts, STR("a.test"), FACT_A);
	facts_ask(b.facts, STR("a.test"), FACT_A);
	facts_ask(gone.facts, STR("a.test"), FACT_A);
	CHECK(!inquiry_ask(a.inquiry));
	CHECK(!inquiry_ask(gone.inquiry));
	CHECK(!inquiry_ask(b.inquiry));
	CHECK(!inquiry_ask(b.inquiry)); /* asked already */
	CHECK(w.asked == 1);
	resolver_inject(w.open,
	    &(struct dns_answer){
		.status = DNS_OK, .ttl_s = 60, .n = 1, .records = &record});
	loop_run(w.loop);
	CHECK(a.resumed == 1 && b.resumed == 1 && gone.resumed == 0);
	got = facts_ask(b.facts, STR("a.test"), FACT_A);
	CHECK(got != NULL && got->status == FACT_OK && got->n == 1);
	client_free(&a);
	client_free(&b);
	world_release(&w);
}

/* Nobody waits any more; the answer is kept all the same. */
static void
one_who_goes_away(void)
{
	struct world w;
	struct client a, b;

	world_init(&w);
	w.silent = true;
	client_init(&a, &w);
	facts_ask(a.facts, STR("a.test"), FACT_A);
	CHECK(!inquiry_ask(a.inquiry));
	client_free(&a);
	client_init(&b, &w);
	facts_ask(b.facts, STR("a.test"), FACT_A);
	CHECK(!inquiry_ask(b.inquiry));
	CHECK(w.asked == 1);
	resolver_inject(
	    w.open, &(struct dns_answer){.status = DNS_NXDOMAIN, .ttl_s = 9});
	loop_run(w.loop);
	CHECK(b.resumed == 1);
	client_free(&b);
	/* and what is never answered is forgotten with the asker */
	client_init(&a, &w);
	facts_ask(a.facts, STR("b.test"), FACT_A);
	CHECK(!inquiry_ask(a.inquiry));
	client_free(&a);
	world_release(&w);
}

static void
time_is_over(void)
{
	const struct fact *got;
	struct world w;
	struct client c;

	world_init(&w);
	w.silent = true;
	client_init(&c, &w);
	inquiry_deadline(c.inquiry, 30);
	facts_ask(c.facts, STR("a.test"), FACT_A);
	facts_ask(c.facts, STR("b.test"), FACT_A);
	CHECK(!inquiry_ask(c.inquiry));
	loop_run(w.loop);
	CHECK(c.resumed == 1);
	got = facts_ask(c.facts, STR("b.test"), FACT_A);
	CHECK(got != NULL && got->status == FACT_TEMPFAIL);
	/* and so is everything else from now on */
	got = facts_ask(c.facts, STR("c.test"), FACT_A);
	CHECK(got != NULL && got->status == FACT_TEMPFAIL);
	CHECK(inquiry_ask(c.inquiry));
	CHECK(w.asked == 2);
	client_free(&c);
	world_release(&w);
}

static void
the_end(void)
{
	const struct fact *got;
	struct world w;
	struct client waits, later;

	world_init(&w);
	w.silent = true;
	client_init(&waits, &w);
	facts_ask(waits.facts, STR("a.test"), FACT_A);
	CHECK(!inquiry_ask(waits.inquiry));
	asker_stop(w.asker);
	CHECK(waits.resumed == 1);
	client_init(&later, &w);
	got = facts_ask(later.facts, STR("b.test"), FACT_A);
	CHECK(got != NULL && got->status == FACT_TEMPFAIL);
	CHECK(inquiry_ask(later.inquiry));
	client_free(&waits);
	client_free(&later);
	world_release(&w);
}

int
main(void)
{
	rand_init();
	answers_become_facts();
	answers_are_kept();
	the_oldest_goes();
	one_question_for_two();
	one_who_goes_away();
	time_is_over();
	the_end();
	return TEST_EXIT();
}
