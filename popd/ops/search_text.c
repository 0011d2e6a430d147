/* SPDX-License-Identifier: MIT */
#include "popd/ops/search_text.h"

#include <stdlib.h>

#include "common/store/search.h"
#include "common/util/mem.h"
#include "common/util/utf8.h"

#define NEEDLES_MAX 16 /* that the index is asked about */
#define GRAM        3  /* characters: shorter needles the index has not */

static bool
has(struct str text, struct str needle)
{
	size_t at;

	return needle.len == 0 || str_find_str(text, needle, &at);
}

/* Has a field of this name the needle in it? */
static bool
head_has(struct str head, struct str name, struct str needle)
{
	struct str line;

	/* an empty line: what follows is of its parts */
	while (head.len > 0 && (line = str_cut(&head, '\n')).len > 0)
		if (str_starts_nocase(line, name) &&
		    str_starts(str_after(line, name.len), STR(": ")) &&
		    has(str_after(line, name.len + 2), needle))
			return true;
	return false;
}

bool
search_text_has(const struct search_program *q, const struct search_key *k,
    struct str head, struct str body)
{
	struct str needle = search_text_of(q, k->needle);

	switch (k->kind) {
	case SEARCH_HEADER:
		return head_has(head, search_text_of(q, k->field), needle);
	case SEARCH_BODY:
		return has(body, needle);
	default:
		return has(head, needle) || has(body, needle);
	}
}

static bool
is_long(struct str needle)
{
	uint32_t code;
	unsigned n = 0;

	while (n < GRAM && utf8_take(&needle, &code))
		n++;
	return n == GRAM;
}

/* The place of a needle's hits, which are fetched if it is new; 0: none. */
static size_t
find_hits(struct db *db, struct imap_search_op *op, struct search_span span)
{
	struct str needle = search_text_of(&op->program, span);
	struct search_hits *h;
	struct fail f;

	for (size_t i = 0; i < op->n_hits; i++)
		if (str_eq(needle,
			search_text_of(&op->program, op->hits[i].needle)))
			return i + 1;
	if (op->n_hits == NEEDLES_MAX || !is_long(needle))
		return 0;
	h = &op->hits[op->n_hits++];
	*h = (struct search_hits){.needle = span};
	/* an index that fails is as one that is not there */
	h->known = search_candidates(
		       db, &needle, 1, &h->bodies, &h->n, &h->indexed, &f) == 1;
	return op->n_hits;
}

void
search_look_up(struct db *db, struct imap_search_op *op)
{
	op->hits = mem_new(NEEDLES_MAX, sizeof(*op->hits));
	for (size_t i = 0; i < op->program.n; i++) {
		struct search_key *k = &op->program.keys[i];

		if (search_level_of(k->kind) == SEARCH_BY_TEXT)
			k->hits = find_hits(db, op, k->needle);
	}
}

enum search_truth
search_guess(
    const struct imap_search_op *op, const struct search_key *k, int64_t body)
{
	const struct search_hits *h;
	size_t low = 0, high;

	if (k->hits == 0)
		return SEARCH_OPEN;
	h = &op->hits[k->hits - 1];
	if (!h->known || body > h->indexed)
		return SEARCH_OPEN;
	for (high = h->n; low < high;) {
		size_t middle = low + (high - low) / 2;

		if (h->bodies[middle] < body)
			low = middle + 1;
		else
			high = middle;
	}
	return low < h->n && h->bodies[low] == body ? SEARCH_OPEN : SEARCH_NO;
}
