/* SPDX-License-Identifier: MIT */
/* "pattern NUL text": the matcher says what the definition of the wildcards
 * says, worked out by a table. */
#include <assert.h>
#include <stdlib.h>

#include "common/util/glob.h"
#include "common/util/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* at[i]: the first i octets of the text are what was looked at so far. */
static bool
by_definition(struct str pattern, struct str text)
{
	bool *at = mem_new(text.len + 1, sizeof(*at)), match;

	at[0] = true;
	for (size_t k = 0; k < pattern.len; k++) {
		char c = str_lower(pattern.at[k]);

		if (c == '*') {
			for (size_t i = 0; i < text.len; i++)
				at[i + 1] |= at[i];
			continue;
		}
		for (size_t i = text.len; i > 0; i--)
			at[i] = at[i - 1] &&
			        (c == '?' || c == str_lower(text.at[i - 1]));
		at[0] = false;
	}
	match = at[text.len];
	free(at);
	return match;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = {(const char *)data, size};
	struct str pattern = str_cut(&text, '\0');

	if (size > 2000)
		return 0;
	assert(glob_match(pattern, text) == by_definition(pattern, text));
	if (!glob_is_open(pattern))
		assert(
		    glob_match(pattern, text) == str_eq_nocase(pattern, text));
	return 0;
}
