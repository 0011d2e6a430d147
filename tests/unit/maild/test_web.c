/* SPDX-License-Identifier: MIT */
/* What DNS may make us connect to. */
#include "maild/relay/web.h"

#include <string.h>

#include "tests/unit/maild/web_actor.h"
#include "tests/unit/maild/world.h"

#define HOST "mta-sts.e.test"
#define TEN  10

struct rig {
	struct world w;
	struct web_actor web;
	struct relay_deps deps;
	struct web_question *question;
	enum https_result result;
	char why[200];
	bool done;
};

static void
on_answer(void *arg, const struct https_answer *a)
{
	struct rig *r = arg;

	r->question = NULL;
	r->result = a->result;
	snprintf(
	    r->why, sizeof(r->why), "%s", a->why != NULL ? a->why : "good");
	r->done = true;
}

static bool
is_done(void *arg)
{
	return ((struct rig *)arg)->done;
}

static void
rig_open(struct rig *r, bool inside)
{
	struct fail f = {0};

	*r = (struct rig){0};
	world_init(&r->w, NULL, 0);
	web_actor_open(&r->web, r->w.loop, HOST);
	r->web.answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
	r->w.conf->relay_local_addresses = inside;
	world_start(&r->w);
	r->deps = (struct relay_deps){
	    .resolver = r->w.resolver,
	    .https = https_new(r->w.loop, r->web.ca, &f),
	    .conf = r->w.conf,
	};
	CHECK_STR(f.text, "");
}

static void
rig_close(struct rig *r)
{
	web_cancel(r->question);
	https_free(r->deps.https);
	web_actor_close(&r->web);
	world_release(&r->w);
}

static void
ask(struct rig *r, const char *address)
{
	const struct zone_row zone[] = {
	    {HOST, DNS_A, address}
        };
	const struct https_ask q = {
	    .host = STR(HOST),
	    .port = r->web.port,
	    .path = STR("/"),
	    .limit = TEN,
	    .time_ms = TEN * 1000,
	};

	r->w.zone = zone;
	r->w.n_zone = 1;
	r->done = false;
	r->question = web_ask(&r->deps, &q, on_answer, r);
	CHECK(!r->done);
	world_wait(&r->w, is_done, r);
	r->w.n_zone = 0;
}

/* Of this machine or the network it stands in: nobody is connected to. */
static void
test_inside(void)
{
	static const char *const addresses[] = {"127.0.0.1", "127.9.9.9",
	    "0.0.0.0", "0.0.0.1", "10.0.0.1", "172.16.0.1", "172.31.255.255",
	    "192.168.1.1", "169.254.169.254", "100.64.0.1"};

	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
		struct rig r;
		char why[200];

		rig_open(&r, false);
		ask(&r, addresses[i]);
		snprintf(why, sizeof(why),
		    "the address of " HOST ", %s, is not one of the Internet",
		    addresses[i]);
		CHECK(r.result == HTTPS_UNREACHABLE);
		CHECK_STR(r.why, why);
		CHECK(r.web.requests == 0);
		rig_close(&r);
	}
}

/* For tests. */
static void
test_allowed(void)
{
	struct rig r;

	rig_open(&r, true);
	ask(&r, "127.0.0.1");
	CHECK_STR(r.why, "good");
	CHECK(r.result == HTTPS_GOOD && r.web.requests == 1);
	rig_close(&r);
}

static void
test_no_address(void)
{
	struct rig r;

	rig_open(&r, false);
	ask(&r, "FAIL");
	CHECK(r.result == HTTPS_UNREACHABLE);
	CHECK(strstr(r.why, "DNS does not tell the address of " HOST) != NULL);
	rig_close(&r);
}

int
main(void)
{
	test_inside();
	test_allowed();
	test_no_address();
	return TEST_EXIT();
}
