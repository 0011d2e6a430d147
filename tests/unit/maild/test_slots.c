/* SPDX-License-Identifier: MIT */
/* Who may have a place. */
#include "maild/relay/slots.h"

#include "tests/test.h"

struct step {
	const char *sender;
	bool tried;
	int wanted, got;
};

static int
take(struct slots *s, struct slot slot, int wanted)
{
	int got = 0;

	for (; got < wanted && slots_may(s, slot); got++)
		slots_take(s, slot);
	return got;
}

static void
run(size_t most, const struct step *steps, size_t n)
{
	struct slots s;

	slots_init(&s, most, 1);
	for (size_t i = 0; i < n; i++) {
		struct slot slot = slots_for(
		    &s, str_of(steps[i].sender), steps[i].tried);
		int got = take(&s, slot, steps[i].wanted);

		if (got != steps[i].got) {
			fprintf(
			    stderr, "most %zu, step %zu: %d\n", most, i, got);
			test_failures++;
		}
	}
	CHECK(s.n <= most);
}

#define RUN(most, ...)                                                         \
	do {                                                                   \
		static const struct step steps[] = {__VA_ARGS__};              \
		run(most, steps, sizeof(steps) / sizeof(steps[0]));            \
	} while (0)

int
main(void)
{
	struct slots s;
	struct slot one;

	RUN(200, {"#1", false, 1000, 100}, {"a@b.test", false, 1, 1},
	    {"#2", true, 1000, 99}, {"#3", true, 1, 0});
	RUN(200, {"#1", true, 1000, 100}, {"#2", true, 1000, 0},
	    {"#2", false, 1000, 100});
	RUN(200, {"#1", true, 60, 60}, {"#2", true, 60, 40},
	    {"", false, 1000, 100});
	RUN(1, {"#1", true, 5, 1}, {"#2", false, 5, 0});
	RUN(2, {"#1", true, 5, 1}, {"#2", true, 5, 0}, {"#2", false, 5, 1});
	RUN(3, {"#1", false, 5, 1}, {"#2", false, 5, 1}, {"#3", false, 5, 1});

	/* what is given back is there again */
	slots_init(&s, 10, 2);
	one = slots_for(&s, STR("#1"), true);
	for (int i = 0; i < 100; i++) {
		CHECK(take(&s, one, 9) == 5);
		for (int k = 0; k < 5; k++)
			slots_give(&s, one);
	}
	CHECK(s.n == 0 && s.n_tried == 0);
	return TEST_EXIT();
}
