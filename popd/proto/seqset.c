/* SPDX-License-Identifier: MIT */
#include "popd/proto/seqset.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/util/mem.h"

void
seqset_release(struct seqset *s)
{
	free(s->ranges);
	*s = (struct seqset){0};
}

void
seqset_clear(struct seqset *s)
{
	s->n = 0;
	s->saved = false;
}

static void
reserve(struct seqset *s, size_t n)
{
	if (n <= s->room)
		return;
	s->room = n > 2 * s->room ? n : 2 * s->room;
	s->ranges = mem_grow(s->ranges, s->room, sizeof(*s->ranges));
}

/* Place of the first range that ends at n or behind it. */
static size_t
find(const struct seqset *s, uint32_t n)
{
	size_t low = 0, high = s->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (s->ranges[middle].high < n)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Put `by' in place of the ranges from `from' up to `to'. */
static void
replace(struct seqset *s, size_t from, size_t to, const struct seqrange *by,
    size_t n)
{
	size_t tail = s->n - to;

	reserve(s, from + n + tail);
	if (tail > 0)
		memmove(&s->ranges[from + n], &s->ranges[to],
		    tail * sizeof(*s->ranges));
	for (size_t i = 0; i < n; i++)
		s->ranges[from + i] = by[i];
	s->n = from + n + tail;
}

void
seqset_add(struct seqset *s, uint32_t low, uint32_t high)
{
	struct seqrange r = {low, high};
	size_t from, to;

	assert(low > 0 && low <= high);
	from = to = find(s, low - 1); /* the one it joins, or comes before */
	while (to < s->n && s->ranges[to].low - 1 <= high)
		to++;
	if (to > from) {
		if (s->ranges[from].low < r.low)
			r.low = s->ranges[from].low;
		if (s->ranges[to - 1].high > r.high)
			r.high = s->ranges[to - 1].high;
	}
	replace(s, from, to, &r, 1);
}

static int
by_low(const void *a, const void *b)
{
	const struct seqrange *x = a, *y = b;

	return x->low < y->low ? -1 : x->low > y->low;
}

/* Ranges in any order become rising, apart and merged. */
static void
tidy(struct seqset *s)
{
	size_t n = 0;

	if (s->n > 1)
		qsort(s->ranges, s->n, sizeof(*s->ranges), by_low);
	for (size_t i = 0; i < s->n; i++) {
		struct seqrange r = s->ranges[i];

		if (n > 0 && r.low - 1 <= s->ranges[n - 1].high) {
			if (r.high > s->ranges[n - 1].high)
				s->ranges[n - 1].high = r.high;
		} else {
			s->ranges[n++] = r;
		}
	}
	s->n = n;
}

void
seqset_add_all(struct seqset *s, const struct seqset *other)
{
	s->saved |= other->saved;
	if (other->n == 0)
		return;
	reserve(s, s->n + other->n);
	for (size_t i = 0; i < other->n; i++)
		s->ranges[s->n++] = other->ranges[i];
	tidy(s);
}

void
seqset_remove(struct seqset *s, uint32_t low, uint32_t high)
{
	size_t from = find(s, low), to = from, n = 0;
	struct seqrange left[2];

	assert(low > 0 && low <= high);
	while (to < s->n && s->ranges[to].low <= high)
		to++;
	if (to == from)
		return;
	if (s->ranges[from].low < low)
		left[n++] = (struct seqrange){s->ranges[from].low, low - 1};
	if (s->ranges[to - 1].high > high)
		left[n++] = (struct seqrange){high + 1, s->ranges[to - 1].high};
	replace(s, from, to, left, n);
}

/* nz-number, or `*'.  The highest number there is would be taken for `*'; no
 * message has it, so the one below serves as well. */
static bool
take_number(struct str *in, uint32_t *out)
{
	uint64_t n = 0;
	size_t i = 0;

	if (str_take(in, '*')) {
		*out = SEQSET_STAR;
		return true;
	}
	for (; i < in->len && in->at[i] >= '0' && in->at[i] <= '9'; i++) {
		n = n * 10 + (uint64_t)(in->at[i] - '0');
		if (n == 0 || n > UINT32_MAX)
			return false;
	}
	if (i == 0)
		return false;
	*in = str_after(*in, i);
	*out = n == SEQSET_STAR ? SEQSET_STAR - 1 : (uint32_t)n;
	return true;
}

static bool
take_range(struct str *in, struct seqrange *out)
{
	uint32_t a, b;

	if (!take_number(in, &a))
		return false;
	b = a;
	if (str_take(in, ':') && !take_number(in, &b))
		return false;
	*out = a < b ? (struct seqrange){a, b} : (struct seqrange){b, a};
	return in->len == 0 || in->at[0] != ':';
}

static bool
begins(struct str in)
{
	return in.len > 0 &&
	       (in.at[0] == '*' || (in.at[0] >= '0' && in.at[0] <= '9'));
}

int
seqset_take(struct str *in, struct seqset *out)
{
	struct seqset set = {0};
	struct seqrange r;
	struct str rest = *in;
	bool good = true;

	if (str_take(&rest, '$')) { /* RFC 5182 s2.1: by itself */
		if (rest.len > 0 && rest.at[0] == ',')
			return -1;
		out->saved = true;
		*in = rest;
		return 1;
	}
	if (!begins(rest))
		return 0;
	do {
		good = set.n < SEQSET_RANGES && take_range(&rest, &r);
		if (good) {
			reserve(&set, set.n + 1);
			set.ranges[set.n++] = r;
		}
	} while (good && str_take(&rest, ','));
	if (good) {
		seqset_add_all(out, &set);
		*in = rest;
	}
	seqset_release(&set);
	return good ? 1 : -1;
}

void
seqset_resolve(struct seqset *s, uint32_t highest)
{
	struct seqrange *last;

	if (highest == 0)
		s->n = 0;
	if (s->n == 0 || s->ranges[s->n - 1].high != SEQSET_STAR)
		return;
	last = &s->ranges[s->n - 1];
	last->high = last->low != SEQSET_STAR && last->low > highest ? last->low
	                                                             : highest;
	if (last->low > highest)
		last->low = highest;
	tidy(s);
}

bool
seqset_has(const struct seqset *s, uint32_t n)
{
	size_t i = find(s, n);

	return i < s->n && s->ranges[i].low <= n;
}

uint64_t
seqset_count(const struct seqset *s)
{
	uint64_t n = 0;

	for (size_t i = 0; i < s->n; i++)
		n += (uint64_t)s->ranges[i].high - s->ranges[i].low + 1;
	return n;
}

uint32_t
seqset_at(const struct seqset *s, uint64_t n)
{
	for (size_t i = 0; i < s->n; i++) {
		uint64_t len = (uint64_t)s->ranges[i].high - s->ranges[i].low +
		               1;

		if (n < len)
			return s->ranges[i].low + (uint32_t)n;
		n -= len;
	}
	assert(!"n is not below the count");
	return 0;
}

bool
seqset_from(const struct seqset *s, uint32_t n, uint32_t *out)
{
	size_t i = find(s, n);

	if (i == s->n)
		return false;
	*out = s->ranges[i].low > n ? s->ranges[i].low : n;
	return true;
}

static void
write_number(struct buf *out, uint32_t n)
{
	if (n == SEQSET_STAR)
		buf_add_char(out, '*');
	else
		buf_addf(out, "%u", n);
}

void
seqset_write(const struct seqset *s, struct buf *out)
{
	for (size_t i = 0; i < s->n; i++) {
		if (i > 0)
			buf_add_char(out, ',');
		write_number(out, s->ranges[i].low);
		if (s->ranges[i].high == s->ranges[i].low)
			continue;
		buf_add_char(out, ':');
		write_number(out, s->ranges[i].high);
	}
}
