/* SPDX-License-Identifier: MIT */
/*
 * "reference NUL pattern NUL name": the automaton says what the definition of
 * the wildcards says, worked out by a table.
 */
#include <assert.h>
#include <stdlib.h>

#include "common/util/mem.h"
#include "popd/proto/imap_match.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Is this octet of a name what the pattern has?  INBOX in any case. */
static bool
same(char pattern, struct str name, size_t i)
{
	size_t level = name.len;

	if (pattern == name.at[i])
		return true;
	str_find(name, '/', &level);
	return i < 5 && str_eq_nocase(str_first(name, level), STR("INBOX")) &&
	       str_lower(pattern) == str_lower(name.at[i]);
}

/* at[i]: the first i octets of the name match what was looked at so far. */
static bool
by_definition(struct str reference, struct str pattern, struct str name)
{
	bool *at = mem_new(name.len + 1, sizeof(*at)), match;

	at[0] = true;
	for (size_t k = 0; k < reference.len + pattern.len; k++) {
		bool literal = k < reference.len;
		char c = literal ? reference.at[k]
		                 : pattern.at[k - reference.len];

		if (!literal && (c == '*' || c == '%')) {
			for (size_t i = 0; i < name.len; i++)
				at[i + 1] |= at[i] &&
				             (c == '*' || name.at[i] != '/');
			continue;
		}
		for (size_t i = name.len; i > 0; i--)
			at[i] = at[i - 1] && same(c, name, i - 1);
		at[0] = false;
	}
	match = at[name.len];
	free(at);
	return match;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct str rest = {(const char *)data, len};
	struct str reference = str_cut(&rest, '\0');
	struct str pattern = str_cut(&rest, '\0');
	struct str name = str_first(rest, IMAP_MATCH_NAME);
	struct imap_match *m;

	if (reference.len + pattern.len > IMAP_MATCH_NAME)
		return 0;
	m = imap_match_new();
	assert(imap_match_add(m, STR(""), STR("%/other")));
	assert(imap_match_add(m, reference, pattern));
	assert(imap_match_name(m, name) ==
	       (by_definition(reference, pattern, name) ||
		   by_definition(STR(""), STR("%/other"), name)));
	imap_match_free(m);
	return 0;
}
