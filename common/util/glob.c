/* SPDX-License-Identifier: MIT */
#include "common/util/glob.h"

/* Only the last star seen can still have to take more: whatever an earlier one
 * could take besides, this one can take too. */
bool
glob_match(struct str pattern, struct str text)
{
	size_t p = 0, t = 0, star = 0, taken = 0;
	bool starred = false;

	while (t < text.len) {
		if (p < pattern.len && pattern.at[p] == '*') {
			starred = true;
			star = ++p;
			taken = t;
		} else if (p < pattern.len && (pattern.at[p] == '?' ||
						  str_lower(pattern.at[p]) ==
						      str_lower(text.at[t]))) {
			p++;
			t++;
		} else if (starred) {
			p = star;
			t = ++taken;
		} else {
			return false;
		}
	}
	while (p < pattern.len && pattern.at[p] == '*')
		p++;
	return p == pattern.len;
}

bool
glob_is_open(struct str pattern)
{
	size_t at;

	return str_find(pattern, '*', &at) || str_find(pattern, '?', &at);
}
