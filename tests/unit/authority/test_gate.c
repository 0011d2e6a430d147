/* SPDX-License-Identifier: MIT */
/* Who is talked to while somebody guesses passwords. */
#include <fcntl.h>
#include <unistd.h>

#include "common/authority/gate.h"
#include "tests/test.h"

static const struct login_answer good = {
    .result = LOGIN_GOOD, .reason = "good", .account = 1, .login = "a@d.test"};
static const struct login_answer wrong = {
    .result = LOGIN_WRONG, .reason = "bad"};
static const struct login_answer busy = {
    .result = LOGIN_LATER, .reason = "busy"};
static const struct login_answer throttled = {
    .result = LOGIN_LATER, .reason = "throttled"};
static const struct login_answer shut = {
    .result = LOGIN_LATER, .reason = "throttled", .shut = true};

static bool
admits(struct gate *g, const char *ip, int64_t now_ms)
{
	struct address peer;

	CHECK(address_from_ip(str_of(ip), 4711, &peer));
	return gate_admits(g, &peer, now_ms);
}

static void
learn_often(struct gate *g, const char *ip, const struct login_answer *a,
    int64_t now_ms, size_t n)
{
	for (size_t i = 0; i < n; i++)
		gate_learn(g, ip, a, now_ms);
}

/* How many of n from 10.a.b.1, each of a network of its own. */
static size_t
count_networks(struct gate *g, int64_t now_ms, int first, int n)
{
	size_t in = 0;

	for (int i = first; i < first + n; i++) {
		char ip[ADDRESS_TEXT_MAX];

		snprintf(ip, sizeof(ip), "10.%d.%d.1", i / 250, i % 250);
		in += admits(g, ip, now_ms);
	}
	return in;
}

static size_t
count_of(struct gate *g, const char *ip, int64_t now_ms, size_t n)
{
	size_t in = 0;

	for (size_t i = 0; i < n; i++)
		in += admits(g, ip, now_ms);
	return in;
}

static void
test_peace(const struct log *log)
{
	struct gate *g = gate_new(log);

	CHECK(count_of(g, "192.0.2.1", 0, 1000) == 1000);
	learn_often(g, "192.0.2.1", &wrong, 0, 1000);
	learn_often(g, "192.0.2.1", &throttled, 0, 1000);
	CHECK(count_of(g, "192.0.2.1", 0, 1000) == 1000);
	gate_free(g);
	gate_free(NULL);
}

static void
test_shut(const struct log *log)
{
	struct gate *g = gate_new(log);
	int64_t now = 5;

	learn_often(g, "192.0.2.1", &shut, now, GATE_SHUT_AFTER - 1);
	CHECK(admits(g, "192.0.2.1", now));
	/* too long ago to count */
	now += GATE_SHUT_MS;
	learn_often(g, "192.0.2.1", &shut, now, GATE_SHUT_AFTER - 1);
	CHECK(admits(g, "192.0.2.1", now));
	gate_learn(g, "192.0.2.1", &shut, now);
	CHECK(!admits(g, "192.0.2.1", now));
	CHECK(admits(g, "192.0.2.2", now)); /* its neighbour */
	CHECK(!admits(g, "192.0.2.1", now + GATE_SHUT_MS - 1));
	now += GATE_SHUT_MS;
	CHECK(admits(g, "192.0.2.1", now));
	/* once more is enough now */
	gate_learn(g, "192.0.2.1", &shut, now);
	CHECK(!admits(g, "192.0.2.1", now));
	/* but not when it was quiet */
	now += 3 * GATE_SHUT_MS;
	gate_learn(g, "192.0.2.1", &shut, now);
	CHECK(admits(g, "192.0.2.1", now));

	/* all of a /64, and it alone */
	learn_often(g, "2001:db8:1:2::1", &shut, now, GATE_SHUT_AFTER);
	CHECK(!admits(g, "2001:db8:1:2:ffff::9", now));
	CHECK(admits(g, "2001:db8:1:3::1", now));
	gate_free(g);
}

/* Whoever is known at an address is never kept out, whatever others do. */
static void
test_known(const struct log *log)
{
	struct gate *g = gate_new(log);

	learn_often(g, "192.0.2.1", &shut, 0, GATE_SHUT_AFTER);
	gate_learn(g, "192.0.2.1", &good, 0);
	gate_learn(g, "198.51.100.1", &busy, 0);
	CHECK(count_of(g, "192.0.2.1", 0, 1000) == 1000);
	CHECK(admits(g, "192.0.2.1", GATE_GOOD_MS - 1));
	gate_free(g);
}

static void
test_siege(const struct log *log)
{
	struct gate *g = gate_new(log);
	int64_t now = 1000;

	gate_learn(g, "192.0.2.1", &busy, now);
	/* one network, then all of them; more come with time */
	CHECK(count_of(g, "192.0.2.1", now, 100) == GATE_BURST);
	CHECK(count_of(g, "192.0.2.200", now, 100) == 0);
	CHECK(count_networks(g, now, 0, 1000) == GATE_RATE * GATE_BURST - 3);
	CHECK(count_networks(g, now + 1000, 1000, 1000) == GATE_RATE);
	/* it lasts as long as somebody is kept out */
	for (int i = 2; i < 60; i++)
		CHECK(count_networks(g, now + i * 1000, 0, 100) == GATE_RATE);
	/* but not for that alone */
	CHECK(count_networks(g, now + GATE_SIEGE_MOST_MS, 0, 1000) == 1000);
	gate_learn(g, "192.0.2.1", &busy, now + GATE_SIEGE_MOST_MS);
	CHECK(count_networks(g, now + GATE_SIEGE_MOST_MS, 1000, 1000) < 100);
	now += GATE_SIEGE_MOST_MS + GATE_SIEGE_MS;
	CHECK(count_networks(g, now - 1, 0, 1000) < 100);
	gate_free(g);

	/* nor without a sign */
	g = gate_new(log);
	gate_learn(g, "192.0.2.1", &busy, 0);
	CHECK(count_networks(g, GATE_SIEGE_MS, 0, 1000) == 1000);
	gate_free(g);
}

/* Networks that failed do not use up what is for the others. */
static void
test_bad_networks(const struct log *log)
{
	struct gate *g = gate_new(log);
	char ip[ADDRESS_TEXT_MAX];

	for (int i = 0; i < 500; i++) {
		snprintf(ip, sizeof(ip), "10.%d.%d.99", i / 250, i % 250);
		gate_learn(g, ip, &wrong, 0);
	}
	gate_learn(g, "10.0.7.3", &good, 0); /* of one of them */
	gate_learn(g, "192.0.2.1", &busy, 0);
	CHECK(count_networks(g, 0, 10, 490) == GATE_BAD_RATE * GATE_BURST);
	CHECK(admits(g, "203.0.113.1", 0));
	CHECK(count_of(g, "10.0.7.9", 0, 100) == GATE_GOOD_RATE * GATE_BURST);
	CHECK(!admits(g, "10.0.8.9", 0));
	/* forgiven */
	gate_learn(g, "192.0.2.1", &busy, GATE_BAD_MS);
	CHECK(admits(g, "10.0.8.9", GATE_BAD_MS));
	gate_free(g);
}

/* More addresses than are remembered. */
static void
test_bound(const struct log *log)
{
	struct gate *g = gate_new(log);
	char ip[ADDRESS_TEXT_MAX];

	learn_often(g, "192.0.2.1", &shut, 0, GATE_SHUT_AFTER);
	learn_often(g, "192.0.2.2", &shut, 0, GATE_SHUT_AFTER);
	for (int i = 0; i < GATE_KEYS - 1; i++) {
		snprintf(ip, sizeof(ip), "10.%d.%d.1", i / 250, i % 250);
		gate_learn(g, ip, &shut, 0);
	}
	CHECK(admits(g, "192.0.2.1", 0)); /* forgotten */
	CHECK(!admits(g, "192.0.2.2", 0));
	gate_free(g);
}

/* Who was good is not forgotten for others, however many. */
static void
test_good_stay(const struct log *log)
{
	struct gate *g = gate_new(log);
	char ip[ADDRESS_TEXT_MAX];

	gate_learn(g, "192.0.2.1", &good, 0);
	gate_learn(g, "192.0.2.1", &shut, 0); /* and stays good */
	for (int i = 0; i < GATE_KEYS + 1; i++) {
		snprintf(ip, sizeof(ip), "10.%d.%d.1", i / 250, i % 250);
		gate_learn(g, ip, &shut, 0);
	}
	gate_learn(g, "10.0.0.1", &busy, 0);
	CHECK(count_of(g, "192.0.2.1", 0, 1000) == 1000);
	CHECK(count_of(g, "192.0.2.9", 0, 100) == GATE_GOOD_RATE * GATE_BURST);

	/* as many good ones, though */
	for (int i = 0; i < GATE_KEYS; i++) {
		snprintf(ip, sizeof(ip), "10.%d.%d.1", i / 250, i % 250);
		gate_learn(g, ip, &good, 0);
	}
	CHECK(count_of(g, "192.0.2.1", 0, 1000) == GATE_BURST);
	CHECK(count_of(g, "10.0.0.1", 0, 1000) == 1000);

	/* a week later it is one like any other, and may be good again */
	learn_often(g, "10.0.0.1", &shut, GATE_GOOD_MS, GATE_SHUT_AFTER);
	CHECK(!admits(g, "10.0.0.1", GATE_GOOD_MS));
	gate_learn(g, "10.0.0.1", &good, GATE_GOOD_MS);
	CHECK(admits(g, "10.0.0.1", GATE_GOOD_MS));
	gate_free(g);
}

/* Networks that are kept out do not make others be forgotten. */
static void
test_knocking(const struct log *log)
{
	struct gate *g = gate_new(log);
	char ip[ADDRESS_TEXT_MAX];
	int all_bad = GATE_BAD_RATE * GATE_BURST;

	for (int i = 0; i < all_bad; i++) {
		snprintf(ip, sizeof(ip), "10.0.%d.99", i);
		gate_learn(g, ip, &wrong, 0);
	}
	gate_learn(g, "203.0.113.1", &wrong, 0);
	gate_learn(g, "192.0.2.1", &busy, 0);
	CHECK(count_networks(g, 0, 0, all_bad) == (size_t)all_bad);
	CHECK(count_networks(g, 0, all_bad, GATE_KEYS + 1000) ==
	      GATE_RATE * GATE_BURST);
	/* one more of the others, none of those that failed */
	CHECK(!admits(g, "203.0.113.9", 1000 / GATE_RATE));
	CHECK(admits(g, "198.51.100.1", 1000 / GATE_RATE));
	gate_free(g);
}

int
main(void)
{
	struct log log = log_to_stderr("test");

	log.fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	test_peace(&log);
	test_shut(&log);
	test_known(&log);
	test_siege(&log);
	test_bad_networks(&log);
	test_bound(&log);
	test_good_stay(&log);
	test_knocking(&log);
	close(log.fd);
	return TEST_EXIT();
}
