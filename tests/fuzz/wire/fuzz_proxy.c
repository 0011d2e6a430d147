/* SPDX-License-Identifier: MIT */
/* A PROXY header is the same however much of it and of what follows is there;
 * what is bad stays bad. */
#include <assert.h>
#include <string.h>

#include "common/wire/proxy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str all = {(const char *)data, size};
	enum proxy_result before = PROXY_MORE;
	struct proxy_header first = {0};
	size_t taken = 0;

	for (size_t n = 0; n <= size && n <= PROXY_V2_MAX + 1; n++) {
		struct str in = str_first(all, n);
		struct proxy_header h;
		enum proxy_result r = proxy_take(&in, &h);

		assert(before == PROXY_MORE || r == before);
		assert(r == PROXY_READY || in.len == n);
		assert(r != PROXY_MORE || n < PROXY_V2_MAX);
		if (r == PROXY_READY && before == PROXY_MORE) {
			first = h;
			taken = n - in.len;
			assert(in.len == 0 || n == 0);
			assert(h.local ? h.ip_len == 0
				       : h.ip_len == 4 || h.ip_len == 16);
		} else if (r == PROXY_READY) {
			assert(taken == n - in.len && h.port == first.port);
			assert(h.local == first.local);
			assert(h.ip_len == first.ip_len);
			assert(memcmp(h.source, first.source, 16) == 0);
		}
		before = r;
	}
	return 0;
}
