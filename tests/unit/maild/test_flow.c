/* SPDX-License-Identifier: MIT */
/* How many connections at once, as a table of events. */
#include "maild/relay/flow.h"

#include "tests/test.h"

#define HOLD FLOW_HOLD_MS

struct event {
	int64_t at_ms;
	enum pace_news news;
	size_t now; /* connections as it comes */
	int times;
	size_t window; /* afterwards */
};

static void
run(const char *what, size_t most, const struct event *events, size_t n)
{
	struct flow f;

	flow_init(&f, most);
	for (size_t i = 0; i < n; i++) {
		const struct event *e = &events[i];

		for (int k = 0; k < e->times; k++) {
			flow_news(&f, e->news, e->now, e->at_ms);
			CHECK(flow_window(&f) >= 1 && flow_window(&f) <= most);
		}
		if (flow_window(&f) != e->window) {
			fprintf(stderr, "%s, event %zu: %zu\n", what, i,
			    flow_window(&f));
			test_failures++;
		}
	}
}

#define RUN(what, most, ...)                                                   \
	do {                                                                   \
		static const struct event events[] = {__VA_ARGS__};            \
		run(what, most, events, sizeof(events) / sizeof(events[0]));   \
	} while (0)

int
main(void)
{
	struct flow f;

	flow_init(&f, 5);
	CHECK(flow_window(&f) == FLOW_FIRST);
	flow_init(&f, 1);
	CHECK(flow_window(&f) == 1);
	RUN("one more for each window of messages", 5, {0, PACE_GOOD, 2, 2, 2},
	    {0, PACE_GOOD, 2, 1, 3}, {0, PACE_GOOD, 3, 2, 3},
	    {0, PACE_GOOD, 3, 1, 4}, {0, PACE_GOOD, 4, 5, 5},
	    {0, PACE_GOOD, 5, 1000, 5});
	RUN("half, once for a while", 8, {0, PACE_GOOD, 8, 100, 8},
	    {1, PACE_BUSY, 8, 1, 4}, {2, PACE_BUSY, 7, 6, 4},
	    {2, PACE_REFUSED, 4, 1, 4}, {3, PACE_GOOD, 4, 1000, 4},
	    {HOLD, PACE_BUSY, 4, 1, 4}, {HOLD + 1, PACE_REFUSED, 4, 1, 2},
	    {2 * HOLD + 1, PACE_BUSY, 2, 1, 1},
	    {3 * HOLD + 1, PACE_BUSY, 1, 1, 1},
	    {4 * HOLD, PACE_GOOD, 1, 1000, 1},
	    {4 * HOLD + 1, PACE_GOOD, 1, 1, 2},
	    {4 * HOLD + 1, PACE_GOOD, 1, 1000, 8});
	RUN("half of what there was", 20, {0, PACE_GOOD, 4, 1000, 20},
	    {1, PACE_BUSY, 4, 1, 2});
	RUN("never less than one", 1, {0, PACE_GOOD, 1, 9, 1},
	    {1, PACE_REFUSED, 0, 1, 1}, {HOLD + 1, PACE_GOOD, 0, 9, 1});
	return TEST_EXIT();
}
