/* SPDX-License-Identifier: MIT */
#include "common/wire/line.h"

#include <stdlib.h>

#include "common/util/mem.h"
#include "tests/test.h"

/* What a stream of bytes should give: letters R B T for each line, and the
 * lines that were READY, each followed by '|'. */
struct outcome {
	struct buf results, lines;
};

static void
outcome_init(struct outcome *o)
{
	buf_init(&o->results, 1 * MB);
	buf_init(&o->lines, 1 * MB);
}

static void
outcome_release(struct outcome *o)
{
	buf_release(&o->results);
	buf_release(&o->lines);
}

/* By definition: lines are what stands before each CRLF. */
static void
define(struct str in, size_t max, struct outcome *o)
{
	size_t crlf, at;

	while (str_find_str(in, STR("\r\n"), &crlf)) {
		struct str line = str_first(in, crlf);

		in = str_after(in, crlf + 2);
		if (line.len > max) {
			buf_add_char(&o->results, 'T');
		} else if (str_find(line, '\r', &at) ||
			   str_find(line, '\n', &at) ||
			   str_find(line, '\0', &at)) {
			buf_add_char(&o->results, 'B');
		} else {
			buf_add_char(&o->results, 'R');
			buf_add(&o->lines, line);
			buf_add_char(&o->lines, '|');
		}
	}
}

/* The same from line_take(), fed in pieces of this size. */
static void
run(struct str in, size_t max, size_t size, struct outcome *o)
{
	static const char letters[] = {
	    [LINE_READY] = 'R',
	    [LINE_BAD] = 'B',
	    [LINE_TOO_LONG] = 'T',
	};
	struct line l;

	line_init(&l, max);
	while (in.len > 0) {
		/* a copy of its own, so that a step outside is seen */
		struct str part = str_first(in, size), line;
		char *copy = mem_dup(part);
		enum line_result r;

		in = str_after(in, part.len);
		part.at = copy;
		while ((r = line_take(&l, &part, &line)) != LINE_MORE) {
			buf_add_char(&o->results, letters[r]);
			if (r != LINE_READY)
				continue;
			buf_add(&o->lines, line);
			buf_add_char(&o->lines, '|');
		}
		CHECK(part.len == 0);
		CHECK(l.held.room <= max + 3);
		free(copy);
	}
	line_release(&l);
}

static void
check_all_sizes(struct str in, size_t max)
{
	struct outcome want, got;

	outcome_init(&want);
	define(in, max, &want);
	for (size_t size = 1; size <= in.len; size++) {
		outcome_init(&got);
		run(in, max, size, &got);
		CHECK(str_eq(buf_str(&got.results), buf_str(&want.results)));
		CHECK(str_eq(buf_str(&got.lines), buf_str(&want.lines)));
		outcome_release(&got);
	}
	outcome_release(&want);
}

/* Every string of up to n octets over the octets that matter. */
static void
check_all_strings(size_t n)
{
	static const char octets[] = {'\r', '\n', '\0', 'a'};
	char text[8];

	for (size_t len = 1; len <= n; len++)
		for (unsigned code = 0; code < 1u << (2 * len); code++) {
			for (size_t i = 0; i < len; i++)
				text[i] = octets[code >> (2 * i) & 3];
			check_all_sizes((struct str){text, len}, 2);
		}
}

static void
check_vectors(void)
{
	static const struct {
		struct str in;
		const char *results;
	} vectors[] = {
	    {STR("NOOP\r\nQUIT\r\n"),                 "RR"},
	    {STR("\r\n"),			     "R" },
	    {STR("NOOP\nQUIT\r\n"),                   "B" }, /* one line, refused: A026 */
	    {STR("NOOP\rQUIT\r\n"),                   "B" },
	    {STR("NOOP\r\r\n"),                       "B" },
	    {STR("NO\0OP\r\nNOOP\r\n"),               "BR"},
	    {STR("\n\r\n"),                           "B" },
	    {STR("12345678901234567890\r\nNOOP\r\n"), "TR"},
	    {STR("1234567890123456\r\n"),             "R" },
	    {STR("12345678901234567\r\n"),            "T" },
	    {STR("NOOP\r"),                           ""  },
	};

	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		struct outcome got;

		outcome_init(&got);
		run(vectors[i].in, 16, 3, &got);
		buf_add(&got.results, STR(""));
		CHECK_STR(got.results.len > 0 ? got.results.data : "",
		    vectors[i].results);
		outcome_release(&got);
		check_all_sizes(vectors[i].in, 16);
	}
}

/* A line that never ends costs no memory and is counted. */
static void
check_endless(void)
{
	char part[1000];
	struct line l;

	memset(part, 'A', sizeof(part));
	line_init(&l, 2048);
	for (size_t i = 1; i <= 1000; i++) {
		struct str in = {part, sizeof(part)}, line;

		CHECK(line_take(&l, &in, &line) == LINE_MORE);
		CHECK(line_seen(&l) == i * sizeof(part));
		CHECK(l.held.room <= 2048 + 3);
	}
	struct str end = STR("\r\nNOOP\r\n"), line;
	CHECK(line_take(&l, &end, &line) == LINE_TOO_LONG);
	CHECK(line_seen(&l) == 0);
	CHECK(line_take(&l, &end, &line) == LINE_READY);
	CHECK(str_eq(line, STR("NOOP")));
	line_release(&l);
}

/* Nothing is held between lines, and the limit may change there. */
static void
check_between_lines(void)
{
	struct line l;
	struct str line, a = STR("AU"), b = STR("TH\r\n"), none = STR("");
	struct str c = STR("0123456789\r\n");

	line_init(&l, 4);
	CHECK(line_take(&l, &a, &line) == LINE_MORE);
	CHECK(l.held.data != NULL);
	CHECK(line_take(&l, &b, &line) == LINE_READY);
	CHECK(str_eq(line, STR("AUTH")));
	CHECK(line_take(&l, &none, &line) == LINE_MORE);
	CHECK(l.held.data == NULL);
	l.max = 10;
	CHECK(line_take(&l, &c, &line) == LINE_READY);
	CHECK(str_eq(line, STR("0123456789")));
	line_release(&l);
}

int
main(void)
{
	check_vectors();
	check_all_strings(6);
	check_endless();
	check_between_lines();
	return TEST_EXIT();
}
