/* SPDX-License-Identifier: MIT */
/* imap_match against its definition, tried out backtracking. */
#include <stdlib.h>

#include "common/util/mem.h"
#include "popd/proto/imap_match.h"
#include "tests/test.h"

static bool
matches(const char *reference, const char *pattern, const char *name)
{
	struct imap_match *m = imap_match_new();
	bool found;

	CHECK(imap_match_add(m, str_of(reference), str_of(pattern)));
	found = imap_match_name(m, str_of(name));
	CHECK(imap_match_name(m, str_of(name)) == found); /* again */
	imap_match_free(m);
	return found;
}

static void
test_vectors(void)
{
	static const struct {
		const char *reference, *pattern, *name;
		bool match;
	} vectors[] = {
	    {"",   "*",         "INBOX",             true },
	    {"",   "*",         "a/b/c",             true },
	    {"",   "%",         "a",                 true },
	    {"",   "%",         "a/b",               false},
	    {"",   "%/%",       "a/b",               true },
	    {"",   "%/%",       "a/b/c",             false},
	    {"",   "%/",        "a",                 false},
	    {"",   "a/%",       "a",                 false},
	    {"",   "a/%",       "a/b",               true },
	    {"",   "a*",        "a/b/c",             true },
	    {"",   "a*c",       "a/b/c",             true },
	    {"",   "a%c",       "a/b/c",             false},
	    {"",   "*b%",       "a/b/c",             false},
	    {"",   "*b%",       "a/xbx",             true },
	    {"",   "*/%b%*",    "x/y/abz/q",         true },
	    {"",   "%*",        "a/b",               true },
	    {"",   "*%",        "a/b",               true },
	    {"",   "%%%",       "a",                 true },
	    {"",   "%%%",       "a/b",               false},
	    {"",   "a",         "a",                 true },
	    {"",   "a",         "ab",                false},
	    {"",   "ab",        "a",                 false},
	    {"",   "A",         "a",                 false},
	    {"",   "",          "",                  true },
	    {"",   "",          "a",                 false},
	    {"",   "inbox",     "INBOX",             true },
	    {"",   "iNb*",      "INBOX",             true },
	    {"",   "inbox/%",   "INBOX/a",           true },
	    {"",   "INBOX/A",   "INBOX/a",           false},
	    {"",   "inboxes",   "INBOXES",           false},
	    {"",   "x/inbox",   "x/INBOX",           false},
	    {"",   "%BOX",      "INBOX",             true },
	    {"a/", "%",         "a/b",               true },
	    {"a/", "%",         "a/b/c",             false},
	    {"a",  "%",         "ab",                true },
	    {"%",  "x",         "yx",                false}, /* a reference has no wildcards */
	    {"%",  "x",         "%x",                true },
	    {"",   "\xc3\xa9%", "\xc3\xa9t\xc3\xa9", true },
	};

	for (size_t i = 0; i < sizeof(vectors) / sizeof(*vectors); i++) {
		bool match = matches(
		    vectors[i].reference, vectors[i].pattern, vectors[i].name);

		if (match != vectors[i].match)
			fprintf(stderr, "\"%s\" \"%s\" on \"%s\":\n",
			    vectors[i].reference, vectors[i].pattern,
			    vectors[i].name);
		CHECK(match == vectors[i].match);
	}
}

/* The definition: exponential, so short texts only. */
static bool
by_definition(const char *pattern, const char *name)
{
	if (*pattern == '\0')
		return *name == '\0';
	if (*pattern == '*' || *pattern == '%') {
		if (by_definition(pattern + 1, name))
			return true;
		return *name != '\0' && (*pattern == '*' || *name != '/') &&
		       by_definition(pattern, name + 1);
	}
	return *pattern == *name && by_definition(pattern + 1, name + 1);
}

/* The n-th text of at most 6 of these letters. */
static void
spell(unsigned n, const char *letters, char out[8])
{
	size_t base = strlen(letters), len = 0;

	for (; n > 0; n = (n - 1) / (unsigned)base)
		out[len++] = letters[(n - 1) % base];
	out[len] = '\0';
}

static void
test_all_short(void)
{
	for (unsigned i = 0; i < 5461; i++) { /* all up to 6 of 4 letters */
		struct imap_match *m = imap_match_new();
		char pattern[8], name[8];

		spell(i, "*%a/", pattern);
		imap_match_add(m, STR(""), str_of(pattern));
		for (unsigned j = 0; j < 364; j++) { /* up to 5 of 3 */
			bool match;

			spell(j, "a/b", name);
			match = imap_match_name(m, str_of(name));
			if (match != by_definition(pattern, name))
				fprintf(stderr, "%s on %s\n", pattern, name);
			CHECK(match == by_definition(pattern, name));
		}
		imap_match_free(m);
	}
}

static void
test_several(void)
{
	struct imap_match *m = imap_match_new();

	CHECK(!imap_match_name(m, STR("a")));
	CHECK(imap_match_add(m, STR(""), STR("INBOX")));
	CHECK(!imap_match_has_percent(m));
	CHECK(imap_match_add(m, STR("x/"), STR("%")));
	CHECK(imap_match_has_percent(m));
	CHECK(imap_match_name(m, STR("INBOX")));
	CHECK(imap_match_name(m, STR("x/y")));
	CHECK(!imap_match_name(m, STR("x/y/z")));
	CHECK(!imap_match_name(m, STR("INBOX/y")));
	imap_match_free(m);
}

/* States over several words, and the limits. */
static void
test_long(void)
{
	struct imap_match *m = imap_match_new();
	char text[2 * IMAP_MATCH_NAME + 2], name[IMAP_MATCH_NAME + 2];
	size_t n = 0;

	for (size_t i = 0; i < IMAP_MATCH_NAME; i++) {
		text[2 * i] = '%';
		text[2 * i + 1] = name[i] = (char)('a' + i % 26);
	}
	CHECK(imap_match_add(
	    m, STR(""), (struct str){text, 2 * IMAP_MATCH_NAME}));
	CHECK(imap_match_name(m, (struct str){name, IMAP_MATCH_NAME}));
	CHECK(!imap_match_name(m, (struct str){name, IMAP_MATCH_NAME - 1}));
	name[500] = '/';
	CHECK(!imap_match_name(m, (struct str){name, IMAP_MATCH_NAME}));

	/* what is too long for any name is taken, and matches nothing */
	memset(text, 'x', sizeof(text));
	CHECK(imap_match_add(m, STR(""), (struct str){text, sizeof(text)}));
	CHECK(!imap_match_name(m, (struct str){text, sizeof(text)}));

	while (imap_match_add(m, STR(""), STR("abc")))
		n++;
	CHECK(n > 100 && n < IMAP_MATCH_STATES);
	CHECK(imap_match_name(m, STR("abc")));
	imap_match_free(m);
}

int
main(void)
{
	test_vectors();
	test_all_short();
	test_several();
	test_long();
	return TEST_EXIT();
}
