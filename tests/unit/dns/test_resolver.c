/* SPDX-License-Identifier: MIT */
/* The resolver against a stub server: what it says, and that it survives. */
#include "common/dns/resolver.h"

#include <signal.h>

#include "common/dns/message.h"
#include "common/util/clock.h"
#include "common/util/mem.h"
#include "tests/test.h"
#include "tests/unit/dns/stub.h"

static const char *const statuses[] = {"OK", "NODATA", "NXDOMAIN", "TEMPFAIL"};

struct expect {
	const char *name;
	enum dns_type type;
	enum dns_status status;
	size_t n;
	struct str first; /* of the records in order, or nothing to compare */
};

static const struct expect expects[] = {
    {"mx.d.test",							       DNS_A,     DNS_OK,       1,   STR("\x7f\0\0\3")           },
    {"MX.D.TEST",							       DNS_A,     DNS_OK,       1,   STR("\x7f\0\0\3")           },
    {"mx.d.test",							       DNS_AAAA,  DNS_OK,       1,
     STR("\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1")											},
    {"d.test",								  DNS_MX,    DNS_OK,       1,   STR("\0\x0a\2mx\1d\4test\0")},
    {"d.test",								  DNS_TXT,   DNS_OK,       1,   STR("\5hello\5world")       },
    {"3.0.0.127.in-addr.arpa",						  DNS_PTR,   DNS_OK,       1,   STR("\2mx\1d\4test\0")      },
    {"_25._tcp.mx.d.test",						      DNS_TLSA,  DNS_OK,       1,   STR("\3\1\1\xab\xcd")       },
    {"localhost",							       DNS_A,     DNS_OK,       1,   STR("\x7f\0\0\x09")         },
 /* nothing there */
    {"d.test",								  DNS_A,     DNS_NODATA,   0,   {0}                         },
    {"test",								    DNS_A,     DNS_NODATA,   0,   {0}                         },
    {"no.d.test",							       DNS_A,     DNS_NXDOMAIN, 0,   {0}                         },
    {"nx.test",								 DNS_A,     DNS_NXDOMAIN, 0,   {0}                         },
 /* aliases */
    {"alias.test",							      DNS_A,     DNS_OK,       1,   STR("\x7f\0\0\3")           },
    {"alias.test",							      DNS_MX,    DNS_NODATA,   0,   {0}                         },
    {"alias.test",							      DNS_CNAME, DNS_OK,       1,   STR("\2mx\1d\4test\0")      },
    {"alias2.test",							     DNS_A,     DNS_OK,       1,   STR("\x7f\0\0\3")           },
    {"dangling.test",							   DNS_A,     DNS_NXDOMAIN, 0,   {0}                         },
    {"ring1.test",							      DNS_A,     DNS_TEMPFAIL, 0,   {0}                         },
 /* servers that fail */
    {"servfail.test",							   DNS_A,     DNS_TEMPFAIL, 0,   {0}                         },
    {"refused.test",							    DNS_A,     DNS_TEMPFAIL, 0,   {0}                         },
    {"drop.test",							       DNS_A,     DNS_TEMPFAIL, 0,   {0}                         },
    {"garbage.test",							    DNS_A,     DNS_TEMPFAIL, 0,   {0}                         },
    {"wrong-id.test",							   DNS_A,     DNS_TEMPFAIL, 0,   {0}                         },
    {"wrong-question.test",						     DNS_A,     DNS_TEMPFAIL, 0,   {0}                         },
    {"wrong-port.test",							 DNS_A,     DNS_TEMPFAIL, 0,   {0}                         },
    {"short.test",							      DNS_A,     DNS_TEMPFAIL, 0,   {0}                         },
 /* in time, and over TCP */
    {"slow.test",							       DNS_A,     DNS_OK,       1,   STR("\1\2\3\4")             },
    {"truncated.test",							  DNS_A,     DNS_OK,       1,   STR("\1\2\3\5")             },
    {"many.test",							       DNS_MX,    DNS_OK,       100, {0}                         },
 /* what is no name is not asked for */
    {"",									DNS_A,     DNS_NXDOMAIN, 0,   {0}                         },
    {"a..test",								 DNS_A,     DNS_NXDOMAIN, 0,   {0}                         },
    {".test",								   DNS_A,     DNS_NXDOMAIN, 0,   {0}                         },
    {"a b.test",								DNS_A,     DNS_NXDOMAIN, 0,   {0}                         },
    {"a\\046.test",							     DNS_A,     DNS_NXDOMAIN, 0,   {0}                         },
    {"\xc3\xa4.test",							   DNS_A,     DNS_NXDOMAIN, 0,   {0}                         },
    {"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx.test",
     DNS_A,										DNS_NXDOMAIN, 0,   {0}                         },
};

#define N_EXPECTS (sizeof(expects) / sizeof(expects[0]))

static const char zone_head[] =
    "{\"records\": ["
    "[\"mx.d.test\", \"A\", \"127.0.0.3\"],"
    "[\"mx.d.test\", \"AAAA\", \"2001:db8::1\"],"
    "[\"d.test\", \"MX\", \"10 mx.d.test.\"],"
    "[\"d.test\", \"TXT\", \"hello world\"],"
    "[\"3.0.0.127.in-addr.arpa\", \"PTR\", \"mx.d.test.\"],"
    "[\"_25._tcp.mx.d.test\", \"TLSA\", \"hex:030101abcd\"],"
    "[\"localhost\", \"A\", \"127.0.0.9\"],"
    "[\"alias.test\", \"CNAME\", \"mx.d.test.\"],"
    "[\"alias2.test\", \"CNAME\", \"alias.test.\"],"
    "[\"dangling.test\", \"CNAME\", \"none.test.\"],"
    "[\"ring1.test\", \"CNAME\", \"ring2.test.\"],"
    "[\"ring2.test\", \"CNAME\", \"ring1.test.\"],"
    "[\"slow.test\", \"A\", \"1.2.3.4\"],"
    "[\"later.test\", \"A\", \"1.2.3.4\"],"
    "[\"truncated.test\", \"A\", \"1.2.3.5\"],"
    "[\"wrong-id.test\", \"A\", \"6.6.6.6\"],"
    "[\"wrong-question.test\", \"A\", \"6.6.6.6\"],"
    "[\"wrong-port.test\", \"A\", \"6.6.6.6\"],"
    "[\"short.test\", \"A\", \"6.6.6.6\"],"
    "[\"bad0.test\", \"MX\", \"hex:\"],"
    "[\"bad2.test\", \"MX\", \"hex:000a\"],"
    "[\"badloop.test\", \"MX\", \"hex:000ac00c\"]";

static const char zone_tail[] =
    "], \"behaviours\": {"
    "\"servfail.test\": \"servfail\", \"refused.test\": \"refused\","
    "\"nx.test\": \"nxdomain\", \"drop.test\": \"drop\", \"drop2.test\": "
    "\"drop\", \"drop3.test\": \"drop\","
    "\"garbage.test\": \"garbage\", \"wrong-id.test\": \"wrong_id\","
    "\"wrong-question.test\": \"wrong_question\","
    "\"wrong-port.test\": \"wrong_port\", \"short.test\": \"short\","
    "\"truncated.test\": \"truncated\","
    "\"slow.test\": {\"delay\": 0.2}, \"later.test\": {\"delay\": 1.5}}}";

/* 150 MX records: more than are given, more than fit a datagram. */
static struct stub
start_stub(void)
{
	struct buf zone;
	struct stub s;

	buf_init(&zone, MB);
	buf_add(&zone, STR(zone_head));
	for (int i = 0; i < 150; i++)
		buf_addf(&zone,
		    ", [\"many.test\", \"MX\", \"10 mx%d.many.test.\"]", i);
	buf_add(&zone, STR(zone_tail));
	s = stub_start(zone.data);
	CHECK(s.address[0] != '\0');
	buf_release(&zone);
	return s;
}

/* ---- what it says ---- */

struct world {
	struct loop *loop;
	struct resolver *resolver;
	size_t waiting;
};

struct question {
	struct world *world;
	const struct expect *expect;
	bool asked, answered;
};

static void
on_expected(void *arg, const struct dns_answer *a)
{
	struct question *q = arg;
	const struct expect *e = q->expect;

	CHECK(q->asked && !q->answered);
	q->answered = true;
	if (a->status != e->status || a->n != e->n) {
		fprintf(stderr, "%s %d: %s with %zu, want %s with %zu (%s)\n",
		    e->name, e->type, statuses[a->status], a->n,
		    statuses[e->status], e->n, a->why ? a->why : "");
		test_failures++;
	} else if (e->first.len > 0) {
		CHECK(str_eq(a->records[0].data, e->first));
	}
	CHECK((a->status == DNS_TEMPFAIL) == (a->why != NULL));
	CHECK(!a->secure);
	CHECK(a->status != DNS_OK || (a->ttl_s > 0 && a->ttl_s <= 60));
	if (--q->world->waiting == 0)
		loop_stop(q->world->loop);
}

static void
test_answers(struct world *w)
{
	struct question questions[N_EXPECTS];
	int64_t start = clock_mono_ms(&clock_system);

	for (size_t i = 0; i < N_EXPECTS; i++) {
		questions[i] = (struct question){w, &expects[i], false, false};
		w->waiting++;
		resolver_ask(w->resolver, str_of(expects[i].name),
		    expects[i].type, on_expected, &questions[i]);
		questions[i].asked = true;
	}
	loop_run(w->loop);
	CHECK(w->waiting == 0);
	/* all at once: those that wait for 10 s would need a minute */
	CHECK(clock_mono_ms(&clock_system) - start < 30000);
}

/* Wrong rdata is refused by somebody before it could be a host to ask. */
static void
on_malformed(void *arg, const struct dns_answer *a)
{
	struct world *w = arg;
	char host[DNS_NAME_TEXT_MAX];
	uint16_t preference;

	for (size_t i = 0; i < a->n; i++)
		CHECK(!dns_mx_parse(a->records[i].data, &preference, host) ||
		      strcmp(host, "badloop.test") == 0);
	if (--w->waiting == 0)
		loop_stop(w->loop);
}

static void
test_malformed(struct world *w)
{
	w->waiting = 3;
	resolver_ask(w->resolver, STR("bad0.test"), DNS_MX, on_malformed, w);
	resolver_ask(w->resolver, STR("bad2.test"), DNS_MX, on_malformed, w);
	resolver_ask(w->resolver, STR("badloop.test"), DNS_MX, on_malformed, w);
	loop_run(w->loop);
	CHECK(w->waiting == 0);
}

/* ---- one question at a time ---- */

struct one {
	struct world *world;
	enum dns_status status;
	char why[256];
	int calls;
	struct resolver_query *victim; /* cancelled from within */
	bool free_resolver;
};

static void
on_one(void *arg, const struct dns_answer *a)
{
	struct one *o = arg;

	o->status = a->status;
	snprintf(o->why, sizeof(o->why), "%s", a->why ? a->why : "");
	o->calls++;
	if (o->victim != NULL)
		resolver_cancel(o->victim);
	if (o->free_resolver) {
		resolver_free(o->world->resolver);
		o->world->resolver = NULL;
	}
	loop_stop(o->world->loop);
}

static struct resolver_query *
ask_one(struct one *o, const char *name)
{
	return resolver_ask(o->world->resolver, str_of(name), DNS_A, on_one, o);
}

static void
on_time(void *arg)
{
	loop_stop(arg);
}

static void
run_for(struct loop *l, int64_t ms)
{
	struct timer *t = timer_new(l, on_time, l);

	timer_set(t, ms);
	loop_run(l);
	timer_free(t);
}

static void
test_cancel(struct world *w)
{
	struct one gone = {.world = w}, quick = {.world = w};

	/* before it was sent, while it is, and when the answer is there */
	resolver_cancel(ask_one(&gone, "later.test"));
	quick.victim = ask_one(&gone, "later.test");
	ask_one(&quick, "mx.d.test");
	resolver_cancel(ask_one(&gone, "bad name"));
	loop_run(w->loop);
	CHECK(quick.calls == 1 && quick.status == DNS_OK);
	run_for(w->loop, 2000);
	CHECK(gone.calls == 0);
	resolver_cancel(NULL);
}

/* ---- the child dies ---- */

/* The child of a process that is not the stub. */
static pid_t
child_of(pid_t parent, const struct stub *s)
{
	char file[64];
	int pid, found = 0;
	FILE *f;

	snprintf(
	    file, sizeof(file), "/proc/%d/task/%d/children", parent, parent);
	f = fopen(file, "r");
	CHECK(f != NULL);
	if (f == NULL)
		return 0;
	while (fscanf(f, "%d", &pid) == 1)
		if (pid != s->pid) {
			CHECK(found == 0);
			found = pid;
		}
	fclose(f);
	return found;
}

/* The server dies: the nursery starts another one. */
static void
test_server_killed(struct world *w, const struct stub *s)
{
	struct one pending = {.world = w}, next = {.world = w};
	pid_t nursery = child_of(getpid(), s), first = child_of(nursery, s),
	      second;
	int64_t start;

	ask_one(&pending, "drop2.test"); /* not failed before, so asked */
	run_for(w->loop, 100);
	start = clock_mono_ms(&clock_system);
	CHECK(first > 0 && kill(first, SIGKILL) == 0);
	loop_run(w->loop);
	CHECK(pending.calls == 1 && pending.status == DNS_TEMPFAIL);
	CHECK_STR(pending.why, "the resolver died by signal 9");

	/* asked while there is no server: waits for the new one */
	ask_one(&next, "mx.d.test");
	loop_run(w->loop);
	CHECK(next.calls == 1 && next.status == DNS_OK);
	CHECK(clock_mono_ms(&clock_system) - start >= 900);
	second = child_of(nursery, s);
	CHECK(second > 0 && second != first);
	CHECK(child_of(getpid(), s) == nursery);

	/* again at once: the wait is longer, nothing hangs */
	CHECK(kill(second, SIGKILL) == 0);
	next.calls = 0;
	ask_one(&next, "d.test"); /* to a dead server */
	loop_run(w->loop);
	CHECK(next.calls == 1);
	ask_one(&next, "mx.d.test");
	loop_run(w->loop);
	CHECK(next.calls == 2 && next.status == DNS_OK);
	CHECK(clock_mono_ms(&clock_system) - start >= 2900);
}

/* The nursery dies, which looks at nothing: only who is in no sandbox can make
 * another one. */
static void
test_nursery_killed(struct world *w, const struct stub *s)
{
	struct one pending = {.world = w}, next = {.world = w};
	pid_t first = child_of(getpid(), s), second;

	ask_one(&pending, "drop3.test");
	run_for(w->loop, 100);
	CHECK(first > 0 && kill(first, SIGKILL) == 0);
	loop_run(w->loop);
	CHECK(pending.calls == 1 && pending.status == DNS_TEMPFAIL);
	CHECK(strstr(pending.why, "the resolver died") != NULL);
	ask_one(&next, "mx.d.test");
	loop_run(w->loop);
	CHECK(next.calls == 1 && next.status == DNS_OK);
	second = child_of(getpid(), s);
	CHECK(second > 0 && second != first);
}

/* Thousands at once are answered, each once. */
static void
test_many(struct world *w)
{
	static struct question questions[5000];
	static const struct expect e = {
	    "mx.d.test", DNS_A, DNS_OK, 1, STR("\x7f\0\0\3")};
	size_t n = sizeof(questions) / sizeof(questions[0]);

	for (size_t i = 0; i < n; i++) {
		questions[i] = (struct question){w, &e, true, false};
		w->waiting++;
		resolver_ask(w->resolver, str_of(e.name), e.type, on_expected,
		    &questions[i]);
	}
	loop_run(w->loop);
	CHECK(w->waiting == 0);
}

static void
test_free_from_within(struct world *w)
{
	struct one pending = {.world = w};
	struct one last = {.world = w, .free_resolver = true};

	ask_one(&pending, "later.test");
	ask_one(&last, "mx.d.test");
	loop_run(w->loop);
	CHECK(last.calls == 1 && pending.calls == 0 && w->resolver == NULL);
}

/* ---- without a network ---- */

struct fake {
	struct world *world;
	struct resolver_query *later;
	int asked;
};

static void
on_fake(
    void *arg, struct resolver_query *q, struct str name, enum dns_type type)
{
	struct fake *f = arg;
	char bytes[] = "\0\0";
	struct dns_record r = {
	    {bytes, 3}
        };

	f->asked++;
	CHECK(type == DNS_A);
	if (str_eq(name, STR("now.test")))
		resolver_inject(q, &(struct dns_answer){.status = DNS_OK,
				       .secure = true,
				       .ttl_s = 5,
				       .n = 1,
				       .records = &r,
				       .canonical = "Other.test"});
	else
		f->later = q;
	bytes[0] = 'x'; /* a copy was taken */
}

static void
on_secure(void *arg, const struct dns_answer *a)
{
	struct one *o = arg;

	CHECK(a->secure && a->ttl_s == 5 && a->n == 1);
	CHECK(str_eq(a->records[0].data, STR("\0\0\0")));
	CHECK_STR(a->canonical, "Other.test");
	on_one(arg, a);
	CHECK(o->calls == 1);
}

static void
test_fake(struct loop *l)
{
	struct world w = {.loop = l};
	struct fake f = {.world = &w};
	struct one now = {.world = &w}, later = {.world = &w};

	w.resolver = resolver_new_fake(l, on_fake, &f);
	resolver_ask(w.resolver, STR("now.test"), DNS_A, on_secure, &now);
	CHECK(now.calls == 0);
	ask_one(&later, "later.test");
	loop_run(l);
	CHECK(now.calls == 1 && later.calls == 0 && f.asked == 2);
	resolver_inject(f.later,
	    &(struct dns_answer){.status = DNS_TEMPFAIL, .why = "a storm"});
	loop_run(l);
	CHECK(later.calls == 1 && later.status == DNS_TEMPFAIL);
	ask_one(&later, "dropped.test");
	resolver_free(w.resolver);
	CHECK(later.calls == 1);
}

static void
test_bad_forward(struct loop *l)
{
	struct resolver_options o = {.forward = "nowhere"};
	struct fail f = {0};

	CHECK(resolver_new(l, &o, &f) == NULL);
	CHECK(f.kind == FAIL_PERM);
	CHECK_STR(f.text, "dns forward: nowhere is not address:port");
	resolver_free(NULL);
}

int
main(void)
{
	struct stub stub = start_stub();
	struct resolver_options o = {.forward = stub.address, .confined = true};
	struct world w = {.loop = loop_new()};
	struct fail f = {0};

	w.resolver = resolver_new(w.loop, &o, &f);
	CHECK_STR(f.text, "");
	if (w.resolver != NULL) {
		test_answers(&w);
		test_malformed(&w);
		test_cancel(&w);
		test_many(&w);
		test_server_killed(&w, &stub);
		test_nursery_killed(&w, &stub);
		test_free_from_within(&w);
	}
	test_fake(w.loop);
	test_bad_forward(w.loop);
	loop_free(w.loop);
	CHECK(child_of(getpid(), &stub) == 0);
	stub_stop(&stub);
	return TEST_EXIT();
}
