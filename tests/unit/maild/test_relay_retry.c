/* SPDX-License-Identifier: MIT */
/* The schedule of retries, as numbers. */
#include "maild/relay/relay_retry.h"

#include "tests/test.h"

#define MINUTE  INT64_C(60000)
#define FOREVER INT64_C(1000000000000)

int
main(void)
{
	static const int64_t minutes[] = {5, 10, 20, 40, 80, 160, 240, 240};
	const struct relay_retry r = {5 * MINUTE, 240 * MINUTE};
	const struct relay_retry none = {0, 0}, odd = {100, 10};
	int64_t least = FOREVER, most = 0;

	for (int i = 0; i < 8; i++)
		for (uint64_t random = 0; random < 5000000; random += 9973) {
			int64_t wait = relay_retry_at(
					   &r, i, 1000, FOREVER, random) -
			               1000;
			int64_t want = minutes[i] * MINUTE;

			CHECK(wait >= want - want / 20);
			CHECK(wait <= want + want / 20);
			if (i == 0 && wait < least)
				least = wait;
			if (i == 0 && wait > most)
				most = wait;
		}
	CHECK(most - least > MINUTE / 4); /* they are spread */
	CHECK(relay_retry_at(&r, 1000000, 0, FOREVER, 0) == 228 * MINUTE);
	/* the last attempt is at expiry, and after expiry there is a next one
	 * still, should anybody ask */
	CHECK(relay_retry_at(&r, 0, 1000, 2000, 7) == 2000);
	CHECK(relay_retry_at(&r, 0, 3000, 2000, 0) > 3000);
	CHECK(relay_retry_at(&none, 3, 1000, FOREVER, 1) > 1000);
	CHECK(relay_retry_at(&odd, 3, 1000, FOREVER, 1) > 1000);
	return TEST_EXIT();
}
