/* SPDX-License-Identifier: MIT */
/* The breaker: which servers are left alone for a while. */
#include "maild/relay/hosts.h"

#include "tests/test.h"

#define SECOND INT64_C(1000)

static struct address
ip(const char *text, uint16_t port)
{
	struct address a;

	CHECK(address_from_ip(str_of(text), port, &a));
	return a;
}

static void
failed(struct hosts *h, const struct address *a, int times, int64_t at_ms)
{
	for (int i = 0; i < times; i++)
		hosts_failed(h, a, at_ms, "no answer");
}

static void
three_in_a_row(void)
{
	struct hosts *h = hosts_new();
	struct address a = ip("192.0.2.1", 25), b = ip("192.0.2.2", 25);
	struct address other_port = ip("192.0.2.1", 26);
	struct address mapped = ip("::ffff:192.0.2.1", 25);

	CHECK(hosts_may(h, &a, 0));
	CHECK_STR(hosts_why(h, &a), "");
	failed(h, &a, 2, 0);
	CHECK(hosts_may(h, &a, 0));
	CHECK_STR(hosts_why(h, &a), "no answer");
	hosts_good(h, &a); /* from the beginning */
	CHECK_STR(hosts_why(h, &a), "");
	failed(h, &a, 2, 0);
	CHECK(hosts_may(h, &a, 0));
	hosts_failed(h, &a, 0, "refused");
	CHECK(!hosts_may(h, &a, 0) && !hosts_may(h, &a, 30 * SECOND - 1));
	CHECK(!hosts_may(h, &mapped, 0));
	CHECK_STR(hosts_why(h, &a), "refused");
	CHECK(hosts_may(h, &b, 0) && hosts_may(h, &other_port, 0));
	hosts_free(h);
	hosts_free(NULL);
}

/* One tries; its outcome decides for all. */
static void
one_tries_whether_it_is_back(void)
{
	static const int64_t waits_s[] = {30, 60, 120, 240, 480, 600, 600};
	struct hosts *h = hosts_new();
	struct address a = ip("2001:db8::1", 25);
	int64_t now = 5 * SECOND;

	failed(h, &a, 3, now);
	for (size_t i = 0; i < sizeof(waits_s) / sizeof(waits_s[0]); i++) {
		int64_t until = now + waits_s[i] * SECOND;

		CHECK(!hosts_may(h, &a, until - 1));
		CHECK(hosts_may(h, &a, until));
		CHECK(!hosts_may(h, &a, until)); /* only one */
		CHECK(!hosts_may(h, &a, until + HOSTS_TRIAL_MS - 1));
		now = until + 7 * SECOND;
		failed(h, &a, 1, now);
		/* those that had begun before tell nothing new */
		failed(h, &a, 5, now);
	}
	now += 600 * SECOND;
	CHECK(hosts_may(h, &a, now));
	hosts_good(h, &a);
	CHECK(hosts_may(h, &a, now) && hosts_may(h, &a, now));
	/* and the waits begin anew */
	failed(h, &a, 3, now);
	CHECK(hosts_may(h, &a, now + 30 * SECOND));
	/* a trial of which nobody tells is not for ever */
	CHECK(hosts_may(h, &a, now + 30 * SECOND + HOSTS_TRIAL_MS));
	CHECK(!hosts_may(h, &a, now + 30 * SECOND + HOSTS_TRIAL_MS));
	hosts_free(h);
}

static void
numbered(struct address *a, unsigned n)
{
	char text[40];

	snprintf(
	    text, sizeof(text), "10.%u.%u.%u", n >> 16, n >> 8 & 255, n & 255);
	*a = ip(text, 25);
}

static void
the_oldest_are_forgotten(void)
{
	struct hosts *h = hosts_new();
	struct address a;
	size_t closed = 0;

	for (unsigned n = 0; n < HOSTS_MAX; n++) {
		numbered(&a, n);
		failed(h, &a, 3, 0);
	}
	numbered(&a, 0);
	failed(h, &a, 1, 0); /* the least recently failed is 1 now */
	for (unsigned n = 0; n < 100; n++) {
		numbered(&a, HOSTS_MAX + n);
		failed(h, &a, 3, 0);
	}
	for (unsigned n = 0; n < HOSTS_MAX + 100; n++) {
		numbered(&a, n);
		if (hosts_may(h, &a, 0)) {
			CHECK(n >= 1 && n <= 100);
			closed++;
		}
	}
	CHECK(closed == 100);
	hosts_free(h);
}

/* It has nothing to do with whether it answers. */
static void
broken_tls(void)
{
	struct hosts *h = hosts_new();
	struct address a = ip("192.0.2.1", 25), b = ip("192.0.2.2", 25);

	CHECK(hosts_why_clear(h, &a, 0) == NULL);
	hosts_tls_broke(h, &a, 5, "it closed");
	CHECK_STR(hosts_why_clear(h, &a, 5), "it closed");
	CHECK(hosts_why_clear(h, &b, 5) == NULL);
	CHECK(hosts_may(h, &a, 5));
	CHECK_STR(hosts_why(h, &a), "");
	failed(h, &a, 3, 6);
	CHECK(!hosts_may(h, &a, 6));
	hosts_good(h, &a);
	CHECK(hosts_may(h, &a, 6));
	CHECK_STR(hosts_why(h, &a), "");
	CHECK_STR(hosts_why_clear(h, &a, HOSTS_CLEAR_MS + 4), "it closed");
	CHECK(hosts_why_clear(h, &a, HOSTS_CLEAR_MS + 5) == NULL);
	hosts_free(h);
}

int
main(void)
{
	three_in_a_row();
	one_tries_whether_it_is_back();
	the_oldest_are_forgotten();
	broken_tls();
	return TEST_EXIT();
}
