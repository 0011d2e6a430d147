/* SPDX-License-Identifier: MIT */
/* What is a list at all is one again when it is written from its tags. */
#include <assert.h>

#include "common/policy/tags.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = {(const char *)data, size}, value;
	struct tags t, again;
	struct buf out;

	if (!tags_parse(text, &t))
		return 0;
	assert(t.n > 0 && t.n <= TAGS_MAX);
	buf_init(&out, 2 * size + 1);
	for (size_t i = 0; i < t.n; i++)
		buf_addf(&out, "%s%.*s=%.*s", i > 0 ? ";" : "",
		    STR_FMT(t.at[i].name), STR_FMT(t.at[i].value));
	assert(!out.overrun);
	assert(tags_parse(buf_str(&out), &again) && again.n == t.n);
	for (size_t i = 0; i < t.n; i++) {
		char name[32];

		assert(str_eq(t.at[i].name, again.at[i].name));
		assert(str_eq(t.at[i].value, again.at[i].value));
		if (t.at[i].name.len >= sizeof(name))
			continue;
		snprintf(name, sizeof(name), "%.*s", STR_FMT(t.at[i].name));
		assert(tags_find(&t, name, &value));
		assert(str_eq(value, t.at[i].value));
		buf_clear(&out);
		tags_squeeze(value, &out);
		assert(out.len <= value.len);
	}
	buf_release(&out);
	return 0;
}
