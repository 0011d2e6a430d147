/* SPDX-License-Identifier: MIT */
/* The streaming parser against a slow one that has all lines in memory and
 * recurses as the grammar of RFC 2046 s5.1.1 does, over random lines. */
#include <assert.h>
#include <stdlib.h>

#include "common/mime/parts.h"
#include "common/mime/structure.h"
#include "tests/test.h"

#define LINES_MAX 60

struct slow {
	const char *lines[LINES_MAX]; /* without CRLF */
	size_t at[LINES_MAX + 1];
	size_t n;
	char boundaries[LINES_MAX][8];
	size_t n_boundaries;
	struct part parts[LINES_MAX * 2];
	size_t n_parts;
	size_t empty_at; /* the last part of which there is nothing at all: the
	                  * line end before it is its own boundary's */
};

/* Which boundary a line is, the innermost first. */
static bool
match(const struct slow *s, size_t i, size_t *level)
{
	if (i == s->n || strncmp(s->lines[i], "--", 2) != 0)
		return false;
	for (*level = s->n_boundaries; (*level)-- > 0;)
		if (strncmp(s->lines[i] + 2, s->boundaries[*level], 2) == 0)
			return true;
	return false;
}

/* Where a body that is ended by line i ends. */
static size_t
end_of(const struct slow *s, size_t i)
{
	return i == s->n || i == s->empty_at ? s->at[i] : s->at[i] - 2;
}

static size_t read_part(struct slow *s, size_t i, unsigned depth);

static size_t
read_multipart(struct slow *s, size_t i, unsigned depth, const char *boundary)
{
	size_t mine = s->n_boundaries++, level = 0;

	memcpy(s->boundaries[mine], boundary, 3);
	while (i < s->n) {
		if (!match(s, i, &level)) {
			i++;
		} else if (level < mine) {
			break;
		} else if (strcmp(s->lines[i] + 4, "--") == 0) {
			/* an epilogue: up to a boundary around this */
			s->n_boundaries = mine;
			for (i++; i < s->n && !match(s, i, &level); i++)
				continue;
			return i;
		} else if (i + 1 == s->n && s->at[i + 1] == s->at[i]) {
			i++;
		} else {
			size_t next = read_part(s, i + 1, depth + 1);

			if (next == i + 1)
				s->empty_at = next;
			i = next;
		}
	}
	s->n_boundaries = mine;
	return i;
}

/* Is the line the boundary that a multipart of this type has? */
static bool
begins(const char *line, const char *type)
{
	return type != NULL && strncmp(type, "multipart", 9) == 0 &&
	       strncmp(line + 2, strchr(type, '=') + 1, 2) == 0;
}

/* A part whose header begins at line i; where it is ended. */
static size_t
read_part(struct slow *s, size_t i, unsigned depth)
{
	size_t start = i, number = s->n_parts++, level, body;
	struct part *p = &s->parts[number];
	const char *type = NULL;
	bool blank = false;

	p->depth = depth;
	while (i < s->n && !match(s, i, &level) && !blank) {
		if (strncmp(s->lines[i], "Content-Type: ", 14) == 0 &&
		    type == NULL)
			type = s->lines[i] + 14;
		blank = s->lines[i++][0] == '\0';
	}
	body = i;
	p->body_at = blank || i == start ? s->at[i] : end_of(s, i);
	if (blank && match(s, i, &level) && !begins(s->lines[i], type))
		p->body_at = s->at[i] - 2; /* there is no body */
	if (type != NULL && strncmp(type, "message", 7) == 0) {
		size_t inner = s->n_parts;

		if (blank) {
			i = read_part(s, i, depth + 1);
		} else {
			s->parts[s->n_parts++].depth = depth + 1;
		}
		if (i == body) /* nor a message in it */
			s->parts[inner].body_at = p->body_at;
	} else if (type != NULL && strncmp(type, "multipart", 9) == 0 &&
		   blank) {
		i = read_multipart(s, i, depth, strchr(type, '=') + 1);
	} else if (blank) {
		while (i < s->n && !match(s, i, &level))
			i++;
	}
	p->body_len = i == start ? 0 : end_of(s, i) - p->body_at;
	return i;
}

static uint32_t
next_random(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 16;
}

static void
check(uint32_t seed)
{
	static const char *const soup[] = {"", "", "", "text", "--b0", "--b1",
	    "--b2", "--b0--", "--b1--", "--b2--", "--",
	    "Content-Type: multipart/mixed; boundary=b0",
	    "Content-Type: multipart/mixed; boundary=b1",
	    "Content-Type: multipart/mixed; boundary=b2",
	    "Content-Type: message/rfc822", "Content-Type: text/plain"};
	struct slow *slow = MEM_NEW(struct slow);
	struct structure *s = structure_new();
	struct buf text;
	struct part p;
	struct str packed;
	size_t n = 0;

	buf_init(&text, 64 * KB);
	slow->n = 1 + next_random(&seed) % (LINES_MAX - 1);
	for (size_t i = 0; i < slow->n; i++) {
		slow->at[i] = text.len;
		slow->lines[i] = soup[next_random(&seed) % 16];
		buf_addf(&text, "%s\r\n", slow->lines[i]);
	}
	slow->at[slow->n] = text.len;
	read_part(slow, 0, 0);
	structure_feed(s, str_first(buf_str(&text), seed % 97));
	structure_feed(s, str_after(buf_str(&text), seed % 97));
	packed = structure_finish(s)->parts;
	for (;
	     test_failures == 0 && n < slow->n_parts && parts_next(&packed, &p);
	     n++) {
		CHECK(p.depth == slow->parts[n].depth);
		CHECK(p.body_at == slow->parts[n].body_at);
		CHECK(p.body_len == slow->parts[n].body_len);
	}
	CHECK(test_failures > 0 || (n == slow->n_parts && packed.len == 0));
	if (test_failures > 0) {
		fprintf(stderr, "part %zu: %llu+%llu, slow %llu+%llu\n%s", n,
		    (unsigned long long)p.body_at,
		    (unsigned long long)p.body_len,
		    (unsigned long long)slow->parts[n - 1].body_at,
		    (unsigned long long)slow->parts[n - 1].body_len, text.data);
		exit(1);
	}
	buf_release(&text);
	structure_free(s);
	free(slow);
}

int
main(void)
{
	for (uint32_t seed = 0; seed < 5000; seed++)
		check(seed * 2654435761U);
	return TEST_EXIT();
}
