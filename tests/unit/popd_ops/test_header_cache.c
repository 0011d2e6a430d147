/* SPDX-License-Identifier: MIT */
/* What is kept of headers: found by body and name, bounded, never mixed up. */
#include "popd/ops/header_cache.h"

#include "common/util/mem.h"
#include "tests/test.h"

#define BODIES 5000

static struct str
text_of(int64_t body, unsigned name, char out[100])
{
	int n = snprintf(
	    out, 100, "Subject: %lld of %u\r\n\r\n", (long long)body, name);

	return (struct str){out, (size_t)n};
}

/* What it has is what was put there; false: it has nothing. */
static bool
has(struct header_cache *c, int64_t body, unsigned name)
{
	char want[100], label[20];
	struct buf got;
	bool found;

	snprintf(label, sizeof(label), "name %u", name);
	buf_init(&got, HEADER_CACHE_TEXT);
	found = header_cache_get(c, body, str_of(label), &got);
	if (found)
		CHECK(str_eq(buf_str(&got), text_of(body, name, want)));
	else
		CHECK(got.len == 0);
	buf_release(&got);
	return found;
}

static void
put(struct header_cache *c, int64_t body, unsigned name)
{
	char text[100], label[20];

	snprintf(label, sizeof(label), "name %u", name);
	header_cache_put(c, body, str_of(label), text_of(body, name, text));
}

static void
test_by_body_and_name(void)
{
	struct header_cache *c = header_cache_new(1 * MB);

	CHECK(!has(c, 1, 1));
	for (int64_t body = 1; body <= 200; body++)
		for (unsigned name = 0; name < 3; name++)
			put(c, body, name);
	put(c, 7, 1); /* again: it is the same */
	for (int64_t body = 1; body <= 200; body++)
		for (unsigned name = 0; name < 3; name++)
			CHECK(has(c, body, name));
	CHECK(!has(c, 201, 1) && !has(c, 1, 3));
	header_cache_free(c);
	header_cache_free(NULL);
}

/* With little room what is old goes, what is asked for stays. */
static void
test_bounded(void)
{
	struct header_cache *c = header_cache_new(64 * KB);
	size_t kept = 0;

	for (int64_t body = 1; body <= BODIES; body++) {
		put(c, body, 0);
		CHECK(has(c, body, 0));
		CHECK(has(c, 1, 0));
	}
	for (int64_t body = 1; body <= BODIES; body++)
		kept += has(c, body, 0);
	CHECK(kept > 100 && kept < BODIES / 2);
	header_cache_free(c);
}

/* Is the first still there when so many were put in? */
static bool
keeps_first(int64_t n)
{
	struct header_cache *c = header_cache_new(48 * KB);
	bool kept;

	for (int64_t body = 1; body <= n; body++)
		put(c, body, 0);
	kept = has(c, 1, 0);
	header_cache_free(c);
	return kept;
}

/* A table for more than 256, at most half full, is 24 KB by itself: all that a
 * generation may be. */
static void
test_table_counts(void)
{
	CHECK(keeps_first(512));
	CHECK(!keeps_first(513));
}

static void
test_too_long(void)
{
	struct header_cache *c = header_cache_new(64 * KB);
	char *long_text = mem_new(HEADER_CACHE_TEXT + 1, 1);
	struct str text = {long_text, HEADER_CACHE_TEXT + 1};
	struct buf got;

	buf_init(&got, 2 * HEADER_CACHE_TEXT);
	header_cache_put(c, 1, STR("x"), text);
	CHECK(!header_cache_get(c, 1, STR("x"), &got));
	header_cache_put(c, 1, text, STR("y"));
	CHECK(!header_cache_get(c, 1, text, &got));
	header_cache_put(c, 1, STR("x"), str_first(text, HEADER_CACHE_TEXT));
	CHECK(header_cache_get(c, 1, STR("x"), &got) &&
	      got.len == HEADER_CACHE_TEXT);
	header_cache_put(c, 2, STR("x"), STR(""));
	buf_clear(&got);
	CHECK(header_cache_get(c, 2, STR("x"), &got) && got.len == 0);
	buf_release(&got);
	free(long_text);
	header_cache_free(c);
}

/* More names than there is room for: others begin anew. */
static void
test_many_names(void)
{
	struct header_cache *c = header_cache_new(1 * MB);

	for (unsigned name = 0; name < HEADER_CACHE_NAMES; name++)
		put(c, 5, name);
	CHECK(has(c, 5, 0) && has(c, 5, HEADER_CACHE_NAMES - 1));
	put(c, 5, HEADER_CACHE_NAMES);
	CHECK(has(c, 5, HEADER_CACHE_NAMES));
	for (unsigned name = 0; name < HEADER_CACHE_NAMES; name++)
		CHECK(!has(c, 5, name));
	header_cache_free(c);
}

/* What does not fit into all of it is not kept. */
static void
test_tiny(void)
{
	struct header_cache *c = header_cache_new(1);

	put(c, 5, 1);
	CHECK(!has(c, 5, 1));
	header_cache_free(c);
}

int
main(void)
{
	test_by_body_and_name();
	test_bounded();
	test_table_counts();
	test_too_long();
	test_many_names();
	test_tiny();
	return TEST_EXIT();
}
