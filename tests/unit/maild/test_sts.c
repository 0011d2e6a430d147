/* SPDX-License-Identifier: MIT */
#include "maild/relay/sts.h"

#include "common/net/https.h"
#include "common/store/sql.h"
#include "common/store/sts_policy.h"
#include "maild/relay/sts_tidy.h"
#include "tests/unit/maild/web_actor.h"
#include "tests/unit/maild/world.h"

#define MINUTE_MS (INT64_C(60) * 1000)
#define DAY_MS    (24 * 60 * MINUTE_MS)

#define HEAD      "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n"
#define POLICY(mode, mx, age)                                                  \
	"version: STSv1\nmode: " mode "\nmx: " mx "\nmax_age: " age "\n"
#define ENFORCE HEAD POLICY("enforce", "mx1.e.test", "604800")
#define OTHER   HEAD POLICY("testing", "mx2.e.test", "86400")

#define TXT     "_mta-sts.e.test", DNS_TXT
#define HOST                                                                   \
	{                                                                      \
		"mta-sts.e.test", DNS_A, "127.0.0.1"                           \
	}

static const struct zone_row one[] = {
    {TXT, "v=STSv1; id=1;"},
    HOST
};
static const struct zone_row two[] = {
    {TXT, "v=STSv1; id=2;"},
    HOST
};
static const struct zone_row three[] = {
    {TXT, "v=STSv1; id=3;"},
    HOST
};
static const struct zone_row none[] = {HOST};
static const struct zone_row dead[] = {
    {TXT, "FAIL"},
    HOST
};
static const struct zone_row lost[] = {
    {TXT, "v=STSv1; id=1;"}
};
static const struct zone_row numb[] = {
    {TXT,    "v=STSv1; id=1;"},
    { "mta-sts.e.test", DNS_A,           "FAIL"}
};

struct question {
	struct sts_question *q;
	int answers;
	bool policy, unknown;
	enum mtasts_mode mode;
	char mx[100], text[300], why[300], kind[60];
};

struct rig {
	struct world w;
	struct web_actor web;
	struct relay_deps deps;
	struct sts *sts;
	struct question questions[4];
	const int *wait_for;
};

static void
set_zone(struct rig *r, const struct zone_row *zone, size_t n)
{
	r->w.zone = zone;
	r->w.n_zone = n;
}
#define ZONE(r, z) set_zone(r, z, sizeof(z) / sizeof((z)[0]))

static void
open_sts(struct rig *r)
{
	struct fail f = {0};

	r->deps.https = https_new(r->w.loop, r->web.ca, &f);
	CHECK_STR(f.text, "");
	r->deps.sts = r->sts = sts_new(&r->deps);
}

/* With the store's last jobs done. */
static void
close_sts(struct rig *r)
{
	sts_stop(r->sts);
	store_close(r->w.store);
	sts_free(r->sts);
	https_free(r->deps.https);
	r->w.store = NULL;
}

static void
rig_open(struct rig *r)
{
	*r = (struct rig){0};
	world_init(&r->w, NULL, 0);
	web_actor_open(&r->web, r->w.loop, "mta-sts.e.test");
	world_start(&r->w);
	r->w.conf->test_https_port = r->web.port;
	r->deps = (struct relay_deps){
	    .loop = r->w.loop,
	    .store = r->w.store,
	    .resolver = r->w.resolver,
	    .conf = r->w.conf,
	    .log = &r->w.log,
	    .clock = &r->w.clock,
	};
	ZONE(r, one);
	r->web.answer = ENFORCE;
	open_sts(r);
}

struct look {
	struct rig *rig;
	const char *id;
	struct sts_policy row;
	struct buf text;
	int found;
};

static int
look(struct db *db, void *arg, struct fail *f)
{
	struct look *l = arg;

	/* whether it has expired or not */
	l->found = sts_policy_find(db, STR("e.test"), 0, &l->row, &l->text, f);
	return l->found == -1 ? -1 : 0;
}

static bool
is_saved(void *arg)
{
	struct look *l = arg;

	MUST(db_read(l->rig->w.db, look, l, &f));
	return l->found == 1 && str_eq(l->row.id, str_of(l->id));
}

/* As another maild finds it: nothing in memory. */
static void
start_again(struct rig *r, const char *id)
{
	struct look l = {.rig = r, .id = id};

	buf_init(&l.text, MB);
	world_wait(&r->w, is_saved, &l);
	buf_release(&l.text);
	sts_stop(r->sts);
	sts_free(r->sts);
	https_free(r->deps.https);
	open_sts(r);
}

static void
rig_close(struct rig *r)
{
	close_sts(r);
	web_actor_close(&r->web);
	world_release(&r->w);
}

static void
found(void *arg, const struct sts_answer *a)
{
	struct question *q = arg;

	q->answers++;
	q->q = NULL;
	q->policy = a->policy != NULL;
	CHECK((a->policy != NULL) == (a->text != NULL));
	q->unknown = a->unknown;
	CHECK((a->why != NULL) == (a->kind != NULL || a->unknown));
	CHECK(!(a->unknown && (a->policy != NULL || a->kind != NULL)));
	if (q->policy) {
		q->mode = a->policy->mode;
		snprintf(
		    q->mx, sizeof(q->mx), "%.*s", STR_FMT(a->policy->mx[0]));
	}
	snprintf(q->text, sizeof(q->text), "%s", q->policy ? a->text : "");
	snprintf(q->why, sizeof(q->why), "%s", a->why != NULL ? a->why : "");
	snprintf(
	    q->kind, sizeof(q->kind), "%s", a->kind != NULL ? a->kind : "");
}

static bool
is_answered(void *arg)
{
	return ((struct question *)arg)->answers > 0;
}

static struct question
ask_of(struct rig *r, const char *domain)
{
	struct question q = {0};

	q.q = sts_ask(r->sts, str_of(domain), found, &q);
	CHECK(q.answers == 0);
	world_wait(&r->w, is_answered, &q);
	CHECK(q.answers == 1);
	return q;
}

static struct question
ask(struct rig *r)
{
	return ask_of(r, "e.test");
}

#define IS_POLICY(q, the_mode, the_mx)                                         \
	do {                                                                   \
		CHECK((q).policy && (q).mode == (the_mode));                   \
		CHECK_STR((q).mx, the_mx);                                     \
	} while (0)

static void
test_cache(void)
{
	struct question q;
	struct rig r;

	rig_open(&r);
	q = ask(&r);
	IS_POLICY(q, MTASTS_ENFORCE, "mx1.e.test");
	CHECK_STR(q.text, POLICY("enforce", "mx1.e.test", "604800"));
	CHECK_STR(q.why, "");
	CHECK(r.web.requests == 1);
	CHECK(str_starts(
	    buf_str(&r.web.got), STR("GET /.well-known/mta-sts.txt HTTP/1.1\r\n"
				     "Host: mta-sts.e.test")));
	/* the id is as it was */
	r.web.answer = OTHER;
	q = ask(&r);
	IS_POLICY(q, MTASTS_ENFORCE, "mx1.e.test");
	CHECK(r.web.requests == 1);
	/* it is another */
	ZONE(&r, two);
	q = ask(&r);
	IS_POLICY(q, MTASTS_TESTING, "mx2.e.test");
	CHECK(r.web.requests == 2);
	/* another domain is another matter */
	q = ask_of(&r, "x.e.test");
	CHECK(!q.policy && q.why[0] == '\0');
	CHECK(r.web.requests == 2);
	rig_close(&r);
}

static void
test_failed_fetches(void)
{
	struct question q;
	struct rig r;

	rig_open(&r);
	ask(&r);
	/* a failure: what was there counts, and five minutes nobody is asked */
	ZONE(&r, two);
	r.web.answer = "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n";
	for (int i = 0; i < 3; i++) {
		q = ask(&r);
		IS_POLICY(q, MTASTS_ENFORCE, "mx1.e.test");
		CHECK_STR(q.kind, "sts-policy-fetch-error");
		CHECK_STR(q.why, "mta-sts.e.test answered with status 404");
		CHECK(r.web.requests == 2);
	}
	/* of another id neither: whoever is in the way could make new ones */
	ZONE(&r, three);
	q = ask(&r);
	IS_POLICY(q, MTASTS_ENFORCE, "mx1.e.test");
	CHECK(r.web.requests == 2);
	r.w.ahead_ms += 5 * MINUTE_MS;
	r.web.answer = OTHER;
	q = ask(&r);
	IS_POLICY(q, MTASTS_TESTING, "mx2.e.test");
	CHECK_STR(q.kind, "");
	CHECK(r.web.requests == 3);
	rig_close(&r);
}

/* Without a policy from before a failure is none (s3.3). */
static void
test_first_failures(void)
{
	static const struct {
		const char *answer, *kind, *why;
	} rows[] = {
	    {"HTTP/1.1 301 No\r\nLocation: https://mta-sts.e.test/x\r\n\r\n",
             "sts-policy-fetch-error",						      "mta-sts.e.test answered with status 301"},
	    {"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" POLICY(
		 "enforce",				      "mx1.e.test", "1"),
             "sts-policy-invalid", "the answer of mta-sts.e.test is not of type text/plain"},
	    {HEAD POLICY("enforced",       "mx1.e.test",                   "1"),                                       "sts-policy-invalid",
             "it is malformed: "
		"its mode is none of enforce, testing and none"},
	    {HEAD "",							   "sts-policy-invalid",
             "it is malformed: it does not say its version"								      },
	};
	struct question q;
	struct rig r;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		rig_open(&r);
		r.web.answer = rows[i].answer;
		q = ask(&r);
		CHECK(!q.policy);
		CHECK_STR(q.kind, rows[i].kind);
		CHECK_STR(q.why, rows[i].why);
		rig_close(&r);
	}
	/* somebody else's certificate */
	rig_open(&r);
	set_zone(&r,
	    (const struct zone_row[]){
		{"_mta-sts.f.test", DNS_TXT, "v=STSv1; id=1;"},
		{"mta-sts.f.test",  DNS_A,   "127.0.0.1"     }
        },
	    2);
	q = ask_of(&r, "f.test");
	CHECK(!q.policy);
	CHECK_STR(q.kind, "sts-webpki-invalid");
	CHECK_STR(
	    q.why, "the certificate of mta-sts.f.test is for another name");
	/* no address, and DNS that does not say */
	ZONE(&r, lost);
	q = ask(&r);
	CHECK_STR(q.kind, "sts-policy-fetch-error");
	CHECK_STR(q.why, "mta-sts.e.test has no address");
	r.w.ahead_ms += 5 * MINUTE_MS;
	ZONE(&r, numb);
	q = ask(&r);
	CHECK_STR(q.kind, "sts-policy-fetch-error");
	CHECK_STR(q.why, "DNS does not tell the address of mta-sts.e.test: "
			 "the test says so");
	CHECK(r.web.requests == 0);
	rig_close(&r);
}

static void
test_no_policy(void)
{
	static const char *const others[] = {"[192.0.2.1]", "",
	    "a234567890.a234567890.a234567890.a234567890.a234567890."
	    "a234567890.a234567890.a234567890.a234567890.a234567890."
	    "a234567890.a234567890.a234567890.a234567890.a234567890."
	    "a234567890.a234567890.a234567890.a234567890.a234567890."
	    "a234567890.a234567890.a23456789012.test"};
	struct question q;
	struct rig r;

	rig_open(&r);
	ZONE(&r, none);
	q = ask(&r);
	CHECK(!q.policy && q.why[0] == '\0');
	ZONE(&r, dead);
	q = ask(&r);
	CHECK(!q.policy && q.why[0] == '\0');
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		q = ask_of(&r, others[i]);
		CHECK(!q.policy);
	}
	CHECK(r.web.requests == 0);
	/* "none" is as if there were none */
	ZONE(&r, one);
	r.web.answer = HEAD "version: STSv1\nmode: none\nmax_age: 86400\n";
	q = ask(&r);
	CHECK(!q.policy && q.why[0] == '\0');
	q = ask(&r);
	CHECK(!q.policy && r.web.requests == 1);
	/* one that is over at once */
	ZONE(&r, two);
	r.web.answer = HEAD POLICY("enforce", "mx1.e.test", "0");
	q = ask(&r);
	CHECK(!q.policy && q.why[0] == '\0');
	rig_close(&r);
}

/* What is cached counts without its record and its host, and in the next life,
 * until its end. */
static void
test_restart(void)
{
	static const struct zone_row *const zones[] = {none, dead, lost, numb};
	static const size_t sizes[] = {1, 2, 1, 2};
	struct question q;
	struct rig r;

	rig_open(&r);
	ask(&r);
	for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]); i++) {
		set_zone(&r, zones[i], sizes[i]);
		q = ask(&r);
		IS_POLICY(q, MTASTS_ENFORCE, "mx1.e.test");
		start_again(&r, "1");
		q = ask(&r);
		IS_POLICY(q, MTASTS_ENFORCE, "mx1.e.test");
		CHECK_STR(q.text, POLICY("enforce", "mx1.e.test", "604800"));
	}
	CHECK(r.web.requests == 1);
	ZONE(&r, none);
	r.w.ahead_ms += 7 * DAY_MS;
	q = ask(&r);
	CHECK(!q.policy);
	r.w.ahead_ms -= 7 * DAY_MS;
	ZONE(&r, one);
	q = ask(&r);
	IS_POLICY(q, MTASTS_ENFORCE, "mx1.e.test");
	start_again(&r, "1");
	r.w.ahead_ms += 7 * DAY_MS;
	ZONE(&r, dead);
	q = ask(&r);
	CHECK(!q.policy);
	rig_close(&r);
}

static bool
are_answered(void *arg)
{
	struct rig *r = arg;

	return r->questions[0].answers + r->questions[1].answers +
	           r->questions[2].answers + r->questions[3].answers ==
	       *r->wait_for;
}

static void
test_many(void)
{
	static const int three_answers = 3;
	struct rig r;

	rig_open(&r);
	for (int i = 0; i < 4; i++) {
		struct question *q = &r.questions[i];

		q->q = sts_ask(r.sts, STR("e.test"), found, q);
	}
	sts_cancel(r.questions[1].q);
	r.wait_for = &three_answers;
	world_wait(&r.w, are_answered, &r);
	CHECK(r.questions[1].answers == 0);
	IS_POLICY(r.questions[0], MTASTS_ENFORCE, "mx1.e.test");
	IS_POLICY(r.questions[3], MTASTS_ENFORCE, "mx1.e.test");
	CHECK(r.web.requests == 1);
	/* nobody waits any more */
	sts_cancel(sts_ask(r.sts, STR("e.test"), found, NULL));
	sts_ask(r.sts, STR("e.test"), found, NULL);
	rig_close(&r);
}

struct chain {
	struct rig *rig;
	struct question *other;
	int answers;
};

/* Asks again from within the answer, and cancels another. */
static void
found_and_ask(void *arg, const struct sts_answer *a)
{
	struct chain *c = arg;

	CHECK(a->policy != NULL);
	if (c->other->q != NULL)
		sts_cancel(c->other->q);
	c->other->q = NULL;
	if (++c->answers < 3)
		sts_ask(c->rig->sts, STR("e.test"), found_and_ask, c);
}

static bool
is_third(void *arg)
{
	return ((struct chain *)arg)->answers == 3;
}

static void
test_within(void)
{
	struct question other = {0};
	struct rig r;
	struct chain c = {.rig = &r, .other = &other};

	rig_open(&r);
	/* first come, first told */
	sts_ask(r.sts, STR("e.test"), found_and_ask, &c);
	other.q = sts_ask(r.sts, STR("e.test"), found, &other);
	world_wait(&r.w, is_third, &c);
	CHECK(other.answers == 0);
	/* while a policy is fetched that nobody waits for, the same */
	r.w.ahead_ms += DAY_MS;
	r.web.answer = NULL;
	c.answers = 0;
	sts_ask(r.sts, STR("e.test"), found_and_ask, &c);
	world_wait(&r.w, is_third, &c);
	rig_close(&r);
}

static bool
has_asked_twice(void *arg)
{
	return ((struct rig *)arg)->web.requests == 2;
}

/* After a day it is fetched anew, and nobody waits for that but who says so. */
static void
test_refresh(void)
{
	struct question q, fresh = {0};
	struct rig r;

	rig_open(&r);
	ask(&r);
	r.w.ahead_ms += DAY_MS - MINUTE_MS;
	ask(&r);
	CHECK(r.web.requests == 1);
	r.w.ahead_ms += MINUTE_MS;
	r.web.answer = NULL; /* it hangs */
	sts_ask(r.sts, STR("e.test"), found, &q);
	q = (struct question){0};
	world_wait(&r.w, has_asked_twice, &r);
	CHECK(q.answers == 1);
	IS_POLICY(q, MTASTS_ENFORCE, "mx1.e.test");
	q = ask(&r);
	IS_POLICY(q, MTASTS_ENFORCE, "mx1.e.test");
	start_again(&r, "1");
	r.web.answer = OTHER;
	fresh.q = sts_refresh(r.sts, STR("e.test"), found, &fresh);
	world_wait(&r.w, is_answered, &fresh);
	IS_POLICY(fresh, MTASTS_TESTING, "mx2.e.test");
	CHECK(r.web.requests == 3);
	rig_close(&r);
}

static bool
is_fetched_anew(void *arg)
{
	struct look *l = arg;

	return is_saved(l) &&
	       str_starts(
		   l->row.text, STR(POLICY("testing", "mx2.e.test", "86400")));
}

static bool
is_gone(void *arg)
{
	struct look *l = arg;

	MUST(db_read(l->rig->w.db, look, l, &f));
	return l->found == 0;
}

static void
test_tidy(void)
{
	struct rig r;
	struct look l = {.rig = &r, .id = "1"};
	struct sts_tidy *t, *later;

	rig_open(&r);
	buf_init(&l.text, MB);
	ask(&r);
	world_wait(&r.w, is_saved, &l);
	r.w.ahead_ms += DAY_MS + 1;
	r.web.answer = OTHER;
	t = sts_tidy_new(&r.deps, 0);
	world_wait(&r.w, is_fetched_anew, &l);
	CHECK(r.web.requests == 2);
	sts_tidy_stop(t);
	/* the end of its life */
	ZONE(&r, none);
	r.w.ahead_ms += 2 * DAY_MS;
	later = sts_tidy_new(&r.deps, 0);
	world_wait(&r.w, is_gone, &l);
	close_sts(&r);
	sts_tidy_free(t);
	sts_tidy_free(later);
	buf_release(&l.text);
	web_actor_close(&r.web);
	world_release(&r.w);
}

/* Behind the store's back. */
static int
run_sql(struct db *db, void *arg, struct fail *f)
{
	return sql_exec(db->sqlite, arg, f);
}

/* What is in the store counts although once it could not be read: whoever is in
 * the way of the record must not gain by that moment. */
static void
test_unreadable(void)
{
	struct question q;
	struct rig r;

	rig_open(&r);
	ask(&r);
	start_again(&r, "1");
	ZONE(&r, none);
	MUST(db_write(r.w.db, run_sql,
	    (void *)(uintptr_t) "ALTER TABLE sts_policy RENAME TO elsewhere",
	    &f));
	for (int i = 0; i < 2; i++) {
		q = ask(&r);
		CHECK(q.unknown && !q.policy);
		CHECK_STR(q.why, "the store cannot be read, where its MTA-STS "
				 "policy would be");
	}
	MUST(db_write(r.w.db, run_sql,
	    (void *)(uintptr_t) "ALTER TABLE elsewhere RENAME TO sts_policy",
	    &f));
	q = ask(&r);
	CHECK(!q.unknown);
	IS_POLICY(q, MTASTS_ENFORCE, "mx1.e.test");
	rig_close(&r);
}

int
main(void)
{
	test_cache();
	test_failed_fetches();
	test_first_failures();
	test_no_policy();
	test_restart();
	test_unreadable();
	test_many();
	test_within();
	test_refresh();
	test_tidy();
	return TEST_EXIT();
}
