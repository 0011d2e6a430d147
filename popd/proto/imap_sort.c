/* SPDX-License-Identifier: MIT */
#include "popd/proto/imap_sort.h"

#include <stdlib.h>
#include <string.h>

#include "common/util/mem.h"

#define TEXT_MAX (128 * MB) /* of all rows */

void
sort_rows_init(struct sort_rows *r)
{
	*r = (struct sort_rows){0};
	buf_init(&r->text, TEXT_MAX);
}

void
sort_rows_release(struct sort_rows *r)
{
	free(r->uids);
	free(r->values);
	buf_release(&r->text);
	sort_rows_init(r);
}

struct sort_value *
sort_add(struct sort_rows *r, const struct sort_program *by, uint32_t uid)
{
	struct sort_value *values;

	if (r->n == r->room) {
		r->room = r->room * 2 + 64;
		r->uids = mem_grow(r->uids, r->room, sizeof(*r->uids));
		r->values = mem_grow(
		    r->values, r->room * by->n, sizeof(*r->values));
	}
	values = r->values + r->n * by->n;
	memset(values, 0, by->n * sizeof(*values));
	r->uids[r->n++] = uid;
	return values;
}

struct sort_value
sort_string(struct sort_rows *r, struct str folded)
{
	struct sort_value v = {
	    .at = (uint32_t)r->text.len, .len = (uint32_t)folded.len};

	buf_add(&r->text, folded);
	if (r->text.overrun)
		v.len = 0;
	return v;
}

/* Merge sort: qsort() is not stable. */
void
sort_numbers(
    uint32_t *numbers, size_t n, sort_compare *compare, const void *arg)
{
	uint32_t *from = numbers, *to, *other;

	if (n < 2)
		return;
	other = to = mem_new(n, sizeof(*to));
	for (size_t width = 1; width < n; width *= 2) {
		for (size_t low = 0; low < n; low += 2 * width) {
			size_t middle = low + width < n ? low + width : n;
			size_t high = middle + width < n ? middle + width : n;
			size_t a = low, b = middle;

			for (size_t i = low; i < high; i++)
				to[i] = b == high || (a < middle &&
							 compare(arg, from[a],
							     from[b]) <= 0)
				            ? from[a++]
				            : from[b++];
		}
		uint32_t *sorted = to;

		to = from;
		from = sorted;
	}
	if (from != numbers)
		memcpy(numbers, from, n * sizeof(*numbers));
	free(other);
}

struct order {
	const struct sort_rows *rows;
	const struct sort_program *by;
};

static struct str
string_of(const struct sort_rows *r, const struct sort_value *v)
{
	return str_first(str_after(buf_str(&r->text), v->at), v->len);
}

static int
compare_rows(const void *arg, uint32_t a, uint32_t b)
{
	const struct order *o = arg;
	size_t n = o->by->n;

	for (size_t i = 0; i < n; i++) {
		const struct sort_value *x = &o->rows->values[a * n + i];
		const struct sort_value *y = &o->rows->values[b * n + i];
		int order = x->number < y->number ? -1 : x->number > y->number;

		if (order == 0)
			order = str_cmp(
			    string_of(o->rows, x), string_of(o->rows, y));
		if (order != 0)
			return o->by->by[i].reverse ? -order : order;
	}
	return 0;
}

/* The rows come by UID, which is what decides among equals. */
void
sort_finish(struct sort_rows *r, const struct sort_program *by)
{
	struct order o = {.rows = r, .by = by};
	uint32_t *places = mem_new(r->n + 1, sizeof(*places));

	for (size_t i = 0; i < r->n; i++)
		places[i] = (uint32_t)i;
	sort_numbers(places, r->n, compare_rows, &o);
	for (size_t i = 0; i < r->n; i++)
		places[i] = r->uids[places[i]];
	free(r->uids);
	r->uids = places;
	free(r->values);
	r->values = NULL;
	r->room = r->n;
	buf_release(&r->text);
}
