/* SPDX-License-Identifier: MIT */
#include "common/net/crowd.h"

#include <unistd.h>

#include "tests/test.h"

static const struct crowd_limits limits = {
    .all = 6, .of_address = 2, .of_account = 3};

struct guest {
	struct crowd_member member;
	bool stays; /* says goodbye later */
	int goodbyes, aborts;
};

static void
goodbye(struct crowd_member *m)
{
	struct guest *g = (struct guest *)m;

	g->goodbyes++;
	if (!g->stays)
		crowd_leave(m);
}

static void
abort_now(struct crowd_member *m)
{
	((struct guest *)m)->aborts++;
	crowd_leave(m);
}

static const struct crowd_manners manners = {goodbye, abort_now};

static void
on_empty(void *arg)
{
	++*(int *)arg;
}

static bool
enter(struct crowd *c, struct guest *g, const char *ip)
{
	struct address peer;

	*g = (struct guest){.member.manners = &manners};
	CHECK(address_from_ip(str_of(ip), 1234, &peer));
	return crowd_enter(c, &g->member, &peer);
}

static void
test_limits(void)
{
	struct crowd c;
	struct guest g[8];
	int empty = 0;

	crowd_init(&c, &limits, on_empty, &empty);
	CHECK(enter(&c, &g[0], "192.0.2.1"));
	CHECK(enter(&c, &g[1], "192.0.2.1"));
	CHECK(!enter(&c, &g[2], "192.0.2.1")); /* two strangers are enough */
	CHECK(enter(&c, &g[2], "192.0.2.2"));
	CHECK(crowd_admit(&g[0].member, 7)); /* no stranger any more */
	CHECK(enter(&c, &g[3], "192.0.2.1"));
	CHECK(crowd_admit(&g[1].member, 7) && crowd_admit(&g[2].member, 7));
	CHECK(!crowd_admit(&g[3].member, 7)); /* three of an account are */
	CHECK(crowd_admit(&g[0].member, 8));  /* somebody else after all */
	CHECK(crowd_admit(&g[3].member, 7));
	CHECK(
	    enter(&c, &g[4], "2001:db8::1") && enter(&c, &g[5], "2001:db8::2"));
	CHECK(!enter(&c, &g[6], "2001:db8::3")); /* the same /64 */
	CHECK(!enter(&c, &g[6], "192.0.2.3"));   /* six are enough at all */
	crowd_leave(&g[3].member);
	CHECK(enter(&c, &g[6], "192.0.2.3"));
	CHECK(crowd_admit(&g[6].member, 7));
	CHECK(c.n == 6 && empty == 0);
	crowd_abort(&c);
	CHECK(g[4].aborts == 1 && g[6].aborts == 1 && g[3].aborts == 0);
	CHECK(c.n == 0 && empty == 0); /* it was not stopped */
	CHECK(c.addresses.n == 0 && c.accounts.n == 0);
	crowd_release(&c);
}

static void
test_stop(void)
{
	struct crowd c;
	struct guest g[3];
	int empty = 0;

	crowd_init(&c, &limits, on_empty, &empty);
	for (int i = 0; i < 2; i++)
		CHECK(enter(&c, &g[i], "192.0.2.1"));
	g[1].stays = true;
	crowd_stop(&c);
	CHECK(g[0].goodbyes == 1 && g[1].goodbyes == 1);
	CHECK(c.n == 1 && empty == 0);
	CHECK(!enter(&c, &g[2], "192.0.2.2")); /* nobody comes in any more */
	crowd_leave(&g[1].member);
	CHECK(empty == 1);
	crowd_release(&c);

	crowd_init(&c, &limits, on_empty, &empty);
	crowd_stop(&c); /* nobody was there */
	CHECK(empty == 2);
	crowd_release(&c);
}

/* A proxy's connections count for nobody until it says for whom. */
static void
test_unnamed(void)
{
	struct crowd c;
	struct guest g[7];
	struct address peer;
	int empty = 0;

	crowd_init(&c, &limits, on_empty, &empty);
	CHECK(address_from_ip(STR("192.0.2.1"), 1234, &peer));
	for (int i = 0; i < 7; i++) {
		g[i] = (struct guest){.member.manners = &manners};
		CHECK(crowd_enter_unnamed(&c, &g[i].member) == (i < 6));
	}
	CHECK(c.addresses.n == 0);
	CHECK(crowd_name(&g[0].member, &peer));
	CHECK(crowd_name(&g[1].member, &peer));
	CHECK(!crowd_name(&g[2].member, &peer)); /* two of it are here */
	crowd_leave(&g[0].member);
	CHECK(crowd_name(&g[2].member, &peer));
	CHECK(crowd_admit(&g[3].member, 7)); /* one may also log in */
	crowd_abort(&c);
	CHECK(c.n == 0 && c.addresses.n == 0 && c.accounts.n == 0);
	crowd_release(&c);
}

static void
test_turn_away(void)
{
	char got[32] = "";
	int fds[2];

	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
	crowd_turn_away(fds[0], STR("421 no\r\n"));
	CHECK(read(fds[1], got, sizeof(got) - 1) == 8);
	CHECK_STR(got, "421 no\r\n");
	CHECK(read(fds[1], got, sizeof(got)) == 0);
	close(fds[1]);

	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
	crowd_turn_away(fds[0], STR(""));
	CHECK(read(fds[1], got, sizeof(got)) == 0);
	close(fds[1]);
}

int
main(void)
{
	test_limits();
	test_stop();
	test_unnamed();
	test_turn_away();
	return TEST_EXIT();
}
