/* SPDX-License-Identifier: MIT */
/* Which TLSA records hold for a server: RFC 7672 s2.2. */
#include "maild/relay/dane.h"

#include "tests/unit/maild/secure_zone.h"

#define AT(host) "_25._tcp." host

static const struct answer_row zone[] = {
    {AT("one.test"),       DNS_TLSA, DNS_OK,       true,  NULL,              "311"                 },
    {AT("some.test"),      DNS_TLSA, DNS_OK,       true,  NULL,              "011,311!,311,411,201"},
    {AT("by-cname.test"),  DNS_TLSA, DNS_OK,       true,  "tlsa.other.test", "201"                 },
    {AT("unusable.test"),  DNS_TLSA, DNS_OK,       true,  NULL,              "111,311!"            },
    {AT("insecure.test"),  DNS_TLSA, DNS_OK,       false, NULL,              "311"                 },
    {AT("nodata.test"),    DNS_TLSA, DNS_NODATA,   true,  NULL,              ""                    },
    {AT("unsigned.test"),  DNS_TLSA, DNS_NXDOMAIN, false, NULL,              ""                    },
    {AT("storm.test"),     DNS_TLSA, DNS_TEMPFAIL, false, NULL,              ""                    },
    {"_465._tcp.one.test", DNS_TLSA, DNS_OK,       true,  NULL,              "301,301,301"         },
};

struct row {
	const char *host, *canonical;
	uint16_t port;
	enum dane_result result;
	size_t n;
	const char *base, *asked, *why;
};

static const struct row rows[] = {
    {"one.test",      NULL,            25,  DANE_USABLE,   1, "one.test",
     "TLSA _25._tcp.one.test ",									      NULL                          },
    {"one.test",      NULL,            465, DANE_USABLE,   3, "one.test",
     "TLSA _465._tcp.one.test ",									     NULL                          },
    {"some.test",     NULL,            25,  DANE_USABLE,   2, "some.test",
     "TLSA _25._tcp.some.test ",									     NULL                          },
    {"by-cname.test", NULL,            25,  DANE_USABLE,   1, "by-cname.test",
     "TLSA _25._tcp.by-cname.test ",									 NULL                          },
    {"unusable.test", NULL,            25,  DANE_UNUSABLE, 2, "unusable.test",
     "TLSA _25._tcp.unusable.test ",									 NULL                          },
    {"insecure.test", NULL,            25,  DANE_NONE,     0, NULL,
     "TLSA _25._tcp.insecure.test ",									 NULL                          },
    {"nodata.test",   NULL,            25,  DANE_NONE,     0, NULL,            "TLSA _25._tcp.nodata.test ",
     NULL																  },
    {"unsigned.test", NULL,            25,  DANE_NONE,     0, NULL,
     "TLSA _25._tcp.unsigned.test ",									 NULL                          },
    {"none.test",     NULL,            25,  DANE_NONE,     0, NULL,            "TLSA _25._tcp.none.test ",
     NULL																  },
    {"storm.test",    NULL,            25,  DANE_UNKNOWN,  0, NULL,            "TLSA _25._tcp.storm.test ",
     "_25._tcp.storm.test: a storm"													},
 /* aliases: where they lead first, and no more if it has some */
    {"none.test",     "one.test",      25,  DANE_USABLE,   1, "one.test",
     "TLSA _25._tcp.one.test ",									      NULL                          },
    {"one.test",      "some.test",     25,  DANE_USABLE,   2, "some.test",
     "TLSA _25._tcp.some.test ",									     NULL                          },
    {"one.test",      "unusable.test", 25,  DANE_UNUSABLE, 2, "unusable.test",
     "TLSA _25._tcp.unusable.test ",									 NULL                          },
    {"one.test",      "insecure.test", 25,  DANE_USABLE,   1, "one.test",
     "TLSA _25._tcp.insecure.test TLSA _25._tcp.one.test ",                                                  NULL                          },
    {"one.test",      "nodata.test",   25,  DANE_USABLE,   1, "one.test",
     "TLSA _25._tcp.nodata.test TLSA _25._tcp.one.test ",                                                    NULL                          },
    {"none.test",     "nodata.test",   25,  DANE_NONE,     0, NULL,
     "TLSA _25._tcp.nodata.test TLSA _25._tcp.none.test ",                                                   NULL                          },
    {"one.test",      "storm.test",    25,  DANE_UNKNOWN,  0, NULL,
     "TLSA _25._tcp.storm.test ",									    "_25._tcp.storm.test: a storm"},
    {"storm.test",    "nodata.test",   25,  DANE_UNKNOWN,  0, NULL,
     "TLSA _25._tcp.nodata.test TLSA _25._tcp.storm.test ",						  "_25._tcp.storm.test: a storm"},
    {"One.test",      "one.test",      25,  DANE_NONE,     0, NULL,            "TLSA _25._tcp.One.test ",
     NULL																  },
    {"one.test",      "",              25,  DANE_USABLE,   1, "one.test",      "TLSA _25._tcp.one.test ",
     NULL																  },
};

struct wait {
	struct secure_zone *zone;
	const struct row *row;
	struct dane *dane;
	int calls;
};

static bool
same(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static void
on_found(void *arg, const struct dane_answer *a)
{
	struct wait *w = arg;
	const struct row *row = w->row;

	w->calls++;
	CHECK(w->dane != NULL); /* never before dane_ask() returned */
	if (a->result != row->result || a->n != row->n ||
	    !same(a->base, row->base) || !same(a->why, row->why)) {
		fprintf(stderr, "%s %s: %d with %zu, base %s, why %s\n",
		    row->host, row->canonical != NULL ? row->canonical : "",
		    a->result, a->n, a->base != NULL ? a->base : "none",
		    a->why != NULL ? a->why : "none");
		test_failures++;
	}
	for (size_t i = 0; i < a->n; i++)
		CHECK(a->result != DANE_USABLE || a->records[i].data.len == 32);
	dane_free(w->dane);
	w->dane = NULL;
	loop_stop(w->zone->loop);
}

static void
test_rows(struct secure_zone *z)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct wait w = {.zone = z, .row = &rows[i]};

		buf_clear(&z->asked);
		w.dane = dane_ask(z->resolver, str_of(rows[i].host),
		    rows[i].canonical, rows[i].port, on_found, &w);
		loop_run(z->loop);
		CHECK(w.calls == 1);
		CHECK_STR(z->asked.data, rows[i].asked);
	}
}

/* Forgotten while the answer is awaited. */
static void
test_free(struct secure_zone *z)
{
	struct wait gone = {.zone = z, .row = &rows[0]};
	struct wait last = gone;

	gone.dane = dane_ask(
	    z->resolver, STR("one.test"), NULL, 25, on_found, &gone);
	dane_free(gone.dane);
	last.dane = dane_ask(
	    z->resolver, STR("one.test"), NULL, 25, on_found, &last);
	loop_run(z->loop);
	CHECK(gone.calls == 0 && last.calls == 1);
	dane_free(NULL);
}

/* However many there are, and a name that leaves no room for more. */
static void
test_limits(void)
{
	char data[40 * 4 + 1] = "", host[254];
	struct answer_row many = {
	    AT("many.test"), DNS_TLSA, DNS_OK, true, NULL, data};
	struct row want = {"many.test", NULL, 25, DANE_USABLE, TLSA_MAX,
	    "many.test", NULL, NULL};
	struct secure_zone z;
	struct wait w = {.zone = &z, .row = &want};

	for (size_t i = 0; i < 40; i++)
		memcpy(data + 4 * i, i < 39 ? "311," : "311", i < 39 ? 4 : 4);
	zone_open(&z, &many, 1);
	w.dane = dane_ask(z.resolver, STR("many.test"), NULL, 25, on_found, &w);
	loop_run(z.loop);
	CHECK(w.calls == 1);

	memset(host, 'x', sizeof(host) - 1);
	host[sizeof(host) - 1] = '\0';
	for (size_t i = 50; i < sizeof(host) - 1; i += 50)
		host[i] = '.';
	want = (struct row){host, NULL, 65535, DANE_NONE, 0, NULL, NULL, NULL};
	w.dane = dane_ask(z.resolver, str_of(host), NULL, 65535, on_found, &w);
	loop_run(z.loop);
	CHECK(w.calls == 2);
	zone_close(&z);
}

int
main(void)
{
	struct secure_zone z;

	zone_open(&z, zone, sizeof(zone) / sizeof(zone[0]));
	test_rows(&z);
	test_free(&z);
	zone_close(&z);
	test_limits();
	return TEST_EXIT();
}
