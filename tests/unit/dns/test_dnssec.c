/* SPDX-License-Identifier: MIT */
/* The resolver against a stub that signs: what is secure, what is not, and what
 * is forged. */
#include "common/dns/resolver.h"
#include "common/util/mem.h"
#include "tests/test.h"
#include "tests/unit/dns/stub.h"

static const char zone[] =
    "{\"records\": ["
    "[\"d.test\", \"MX\", \"10 mx.d.test.\"],"
    "[\"mx.d.test\", \"A\", \"127.0.0.3\"],"
    "[\"_25._tcp.mx.d.test\", \"TLSA\", \"hex:030101abcd\"],"
    "[\"alias.test\", \"CNAME\", \"Mx.D.test.\"],"
    "[\"twice.test\", \"CNAME\", \"alias.test.\"],"
    "[\"leaves.test\", \"CNAME\", \"mx.plain.test.\"],"
    "[\"mx.plain.test\", \"A\", \"127.0.0.4\"],"
    "[\"enters.plain.test\", \"CNAME\", \"mx.d.test.\"],"
    "[\"nowhere.test\", \"CNAME\", \"none.test.\"],"
    "[\"bogus.test\", \"A\", \"127.0.0.5\"],"
    "[\"stripped.test\", \"A\", \"127.0.0.6\"],"
    "[\"servfail.test\", \"A\", \"127.0.0.7\"],"
    "[\"to-bogus.test\", \"CNAME\", \"bogus.test.\"],"
    "[\"deep.island.example\", \"A\", \"127.0.0.8\"],"
    "[\"out.example\", \"A\", \"127.0.0.9\"]],"
    "\"behaviours\": {\"bogus.test\": \"bogus\","
    "\"stripped.test\": \"stripped\", \"servfail.test\": \"servfail\","
    "\"A forged.d.test\": \"bogus\", \"gone.d.test\": \"stripped\"},"
    "\"signed\": [\"test\", \"d.test\", \"island.example\"],"
    "\"unsigned\": [\"plain.test\"]}";

struct row {
	const char *name;
	enum dns_type type;
	enum dns_status status;
	bool secure;
	const char *canonical; /* or NULL */
};

static const struct row rows[] = {
    {"d.test",              DNS_MX,    DNS_OK,       true,  NULL           },
    {"mx.d.test",           DNS_A,     DNS_OK,       true,  NULL           },
    {"MX.d.test",           DNS_A,     DNS_OK,       true,  NULL           },
    {"_25._tcp.mx.d.test",  DNS_TLSA,  DNS_OK,       true,  NULL           },
    {"deep.island.example", DNS_A,     DNS_OK,       true,  NULL           },
 /* proved not to be there */
    {"mx.d.test",           DNS_AAAA,  DNS_NODATA,   true,  NULL           },
    {"_tcp.mx.d.test",      DNS_TLSA,  DNS_NODATA,   true,  NULL           },
    {"d.test",              DNS_A,     DNS_NODATA,   true,  NULL           },
    {"no.d.test",           DNS_A,     DNS_NXDOMAIN, true,  NULL           },
    {"a.b.no.test",         DNS_A,     DNS_NXDOMAIN, true,  NULL           },
 /* aliases: secure if all of them are (RFC 7672 s2.1.3) */
    {"alias.test",          DNS_A,     DNS_OK,       true,  "mx.d.test"    },
    {"twice.test",          DNS_A,     DNS_OK,       true,  "mx.d.test"    },
    {"leaves.test",         DNS_A,     DNS_OK,       false, "mx.plain.test"},
    {"leaves.test",         DNS_CNAME, DNS_OK,       true,  NULL           },
    {"enters.plain.test",   DNS_A,     DNS_OK,       false, "mx.d.test"    },
    {"nowhere.test",        DNS_A,     DNS_NXDOMAIN, true,  "none.test"    },
 /* zones that are not signed */
    {"mx.plain.test",       DNS_A,     DNS_OK,       false, NULL           },
    {"mx.plain.test",       DNS_AAAA,  DNS_NODATA,   false, NULL           },
    {"no.plain.test",       DNS_A,     DNS_NXDOMAIN, false, NULL           },
    {"out.example",         DNS_A,     DNS_OK,       false, NULL           },
 /* nothing is known */
    {"bogus.test",          DNS_A,     DNS_TEMPFAIL, false, NULL           },
    {"to-bogus.test",       DNS_A,     DNS_TEMPFAIL, false, NULL           },
    {"stripped.test",       DNS_A,     DNS_TEMPFAIL, false, NULL           },
    {"forged.d.test",       DNS_A,     DNS_TEMPFAIL, false, NULL           },
    {"gone.d.test",         DNS_A,     DNS_TEMPFAIL, false, NULL           },
    {"servfail.test",       DNS_A,     DNS_TEMPFAIL, false, NULL           },
};

#define N_ROWS (sizeof(rows) / sizeof(rows[0]))

struct world {
	struct loop *loop;
	size_t waiting;
	bool validates;
};

struct question {
	struct world *world;
	struct resolver *resolver;
	const struct row *row;
	int times; /* asked again, if the machine was too slow */
};

static void
check(const struct row *row, const struct dns_answer *a)
{
	bool same = a->canonical == NULL || row->canonical == NULL
	                ? a->canonical == row->canonical
	                : strcmp(a->canonical, row->canonical) == 0;

	if (a->status == row->status && a->secure == row->secure && same)
		return;
	fprintf(stderr, "%s %d: status %d, %s, canonical %s, why %s\n",
	    row->name, row->type, a->status, a->secure ? "secure" : "insecure",
	    a->canonical != NULL ? a->canonical : "none",
	    a->why != NULL ? a->why : "none");
	test_failures++;
}

static void
on_answer(void *arg, const struct dns_answer *a)
{
	struct question *q = arg;
	bool failed = strcmp(q->row->name, "servfail.test") == 0;

	if (a->why != NULL && strstr(a->why, "in time") != NULL &&
	    q->times++ < 10) {
		resolver_ask(q->resolver, str_of(q->row->name), q->row->type,
		    on_answer, q);
		return;
	}
	if (q->world->validates) {
		check(q->row, a);
		if (q->row->status == DNS_TEMPFAIL && a->why != NULL)
			CHECK((strstr(a->why, "DNSSEC") == NULL) == failed);
	} else { /* whatever is signed, and however badly */
		CHECK(!a->secure);
		CHECK((a->status == DNS_TEMPFAIL) == failed);
	}
	if (--q->world->waiting == 0)
		loop_stop(q->world->loop);
}

static void
ask_all(const struct resolver_options *o, bool validates)
{
	struct world w = {.loop = loop_new(), .validates = validates};
	struct question questions[N_ROWS];
	struct fail f = {0};
	struct resolver *r = resolver_new(w.loop, o, &f);

	CHECK_STR(f.text, "");
	for (size_t i = 0; r != NULL && i < N_ROWS; i++) {
		questions[i] = (struct question){&w, r, &rows[i], 0};
		w.waiting++;
		resolver_ask(r, str_of(rows[i].name), rows[i].type, on_answer,
		    &questions[i]);
	}
	if (r != NULL)
		loop_run(w.loop);
	CHECK(w.waiting == 0);
	resolver_free(r);
	loop_free(w.loop);
}

/* A child that is started again validates too. */
static void
test_bad_anchor(const struct stub *stub)
{
	struct resolver_options o = {
	    stub->address, "/nonexistent/anchor", false};
	struct loop *l = loop_new();
	struct fail f = {0};

	CHECK(resolver_new(l, &o, &f) == NULL);
	CHECK(f.kind == FAIL_PERM);
	CHECK_STR(f.text, "dns trust_anchor: /nonexistent/anchor: "
			  "No such file or directory");
	o.anchor = stub->file; /* no anchors in it */
	f = (struct fail){0};
	CHECK(resolver_new(l, &o, &f) == NULL);
	CHECK(strstr(f.text, stub->file) != NULL);
	loop_free(l);
}

int
main(void)
{
	struct stub stub = stub_start(zone);
	struct resolver_options o = {stub.address, stub.anchor, true};

	CHECK(stub.address[0] != '\0');
	ask_all(&o, true);
	o.anchor = NULL;
	ask_all(&o, false);
	o.anchor = "";
	ask_all(&o, false);
	test_bad_anchor(&stub);
	stub_stop(&stub);
	return TEST_EXIT();
}
