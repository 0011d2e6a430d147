/* SPDX-License-Identifier: MIT */
/* What is found in a list is an address, and folding it twice is folding it
 * once. */
#include <assert.h>

#include "common/mime/addr.h"
#include "common/util/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
fold(struct str spec)
{
	struct str local, domain;
	struct buf once, twice;

	buf_init(&once, 4 * KB);
	buf_init(&twice, 4 * KB);
	if (addr_fold(spec, &once)) {
		assert(addr_fold(buf_str(&once), &twice));
		assert(str_eq(buf_str(&once), buf_str(&twice)));
		assert(addr_split(buf_str(&once), &local, &domain));
		assert(addr_base(local).len > 0);
	} else
		assert(once.len == 0);
	buf_release(&once);
	buf_release(&twice);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str list = {(const char *)data, size}, local, domain;
	struct addr a;
	int found;

	fold(list);
	while ((found = addr_next(&list, &a)) == 1) {
		struct str spec = str_of(a.spec), again = spec;
		struct addr b;

		assert(addr_split(spec, &local, &domain));
		assert(local.len > 0 && domain.len > 0);
		/* an address alone is a list of itself */
		assert(addr_next(&again, &b) == 1);
		assert(str_eq(str_of(b.spec), spec));
		assert(addr_next(&again, &b) == 0);
		fold(spec);
	}
	assert(list.len == 0);
	return 0;
}
