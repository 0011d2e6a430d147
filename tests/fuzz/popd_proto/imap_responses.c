/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/popd_proto/imap_responses.h"

#include <assert.h>

/* "{5}" or "~{5}", CRLF and the octets: *s is where the digits begin.  False
 * if these are words in braces. */
static bool
skip_literal(struct str *s)
{
	struct str rest = *s, digits = str_cut(&rest, '}');
	size_t n;

	if (!str_to_size(digits, (size_t)-1, &n) ||
	    !str_starts(rest, STR("\r\n")))
		return false;
	assert(n <= rest.len - 2);
	*s = str_after(rest, 2 + n);
	return true;
}

static void
skip_quoted(struct str *s)
{
	for (;;) {
		assert(s->len > 0 && s->at[0] != '\r' && s->at[0] != '\n');
		assert(s->at[0] != '\0');
		if (str_take(s, '"'))
			return;
		str_take(s, '\\');
		*s = str_after(*s, 1);
	}
}

/* The text behind OK, NO, BAD, BYE and PREAUTH is for people: quotes and
 * parentheses mean nothing in it. */
static bool
is_for_people(struct str line)
{
	static const struct str words[] = {
	    STR("OK "), STR("NO "), STR("BAD "), STR("BYE "), STR("PREAUTH ")};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (str_starts(line, words[i]))
			return true;
	return false;
}

static void
skip_people(struct str *s)
{
	struct str line = str_cut(s, '\n');

	assert(line.len > 0 && line.at[line.len - 1] == '\r');
	for (size_t i = 0; i + 1 < line.len; i++)
		assert(line.at[i] != '\0' && line.at[i] != '\r');
}

static void
skip_data(struct str *s)
{
	size_t depth = 0;

	for (;;) {
		char c;

		assert(s->len > 0);
		c = s->at[0];
		*s = str_after(*s, 1);
		assert(c != '\0' && c != '\n');
		if (c == '\r') {
			assert(str_take(s, '\n') && depth == 0);
			return;
		}
		if (c == '(') {
			depth++;
		} else if (c == ')') {
			assert(depth > 0);
			depth--;
		} else if (c == '"') {
			skip_quoted(s);
		} else if (c == '{') {
			skip_literal(s);
		}
	}
}

size_t
imap_responses_check(struct str said)
{
	size_t tagged = 0;

	while (said.len > 0) {
		struct str tag;
		size_t space;

		if (str_starts(said, STR("+ "))) {
			skip_people(&said);
			continue;
		}
		assert(str_find(said, ' ', &space) && space > 0);
		tag = str_first(said, space);
		tagged += !str_eq(tag, STR("*"));
		said = str_after(said, space + 1);
		if (is_for_people(said))
			skip_people(&said);
		else
			skip_data(&said);
	}
	return tagged;
}
