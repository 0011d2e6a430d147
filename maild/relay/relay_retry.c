/* SPDX-License-Identifier: MIT */
#include "maild/relay/relay_retry.h"

int64_t
relay_retry_at(const struct relay_retry *r, int tries, int64_t now_ms,
    int64_t expires_ms, uint64_t random)
{
	int64_t wait = r->first_ms > 0 ? r->first_ms : 1;
	int64_t spread;

	for (int i = 0; i < tries && wait < r->most_ms; i++)
		wait *= 2;
	if (wait > r->most_ms && r->most_ms > 0)
		wait = r->most_ms;
	spread = wait / 10;
	wait += (int64_t)(random % (uint64_t)(spread + 1)) - spread / 2;
	if (expires_ms > now_ms && now_ms + wait > expires_ms)
		return expires_ms;
	return now_ms + wait;
}
