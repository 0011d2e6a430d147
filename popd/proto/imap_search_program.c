/* SPDX-License-Identifier: MIT */
#include "popd/proto/imap_search_program.h"

#include <assert.h>
#include <stdlib.h>

#include "common/util/mem.h"

#define TEXT_MAX (8 * MB) /* of all keys, folded */

static const enum search_level levels[] = {
#define K(NAME, needs) [SEARCH_##NAME] = SEARCH_BY_##needs,
    SEARCH_KINDS(K)
#undef K
};

enum search_level
search_level_of(enum search_kind kind)
{
	return levels[kind];
}

void
search_program_init(struct search_program *q)
{
	*q = (struct search_program){0};
	buf_init(&q->text, TEXT_MAX);
}

void
search_program_release(struct search_program *q)
{
	for (size_t i = 0; i < q->n_sets; i++)
		seqset_release(&q->sets[i]);
	free(q->sets);
	free(q->keys);
	seqset_release(&q->saved);
	seqset_release(&q->recent);
	buf_release(&q->text);
	search_program_init(q);
}

struct str
search_text_of(const struct search_program *q, struct search_span span)
{
	return str_first(str_after(buf_str(&q->text), span.at), span.len);
}

enum search_level
search_program_level(const struct search_program *q)
{
	enum search_level level = SEARCH_BY_ALWAYS;

	for (size_t i = 0; i < q->n; i++)
		if (levels[q->keys[i].kind] > level)
			level = levels[q->keys[i].kind];
	return level;
}

static enum search_truth
negate(enum search_truth t)
{
	return t == SEARCH_OPEN ? t : t == SEARCH_YES ? SEARCH_NO : SEARCH_YES;
}

/* Recursive, SEARCH_DEPTH_MAX deep. */
static enum search_truth
judge(const struct search_program *q, size_t at, search_leaf *leaf, void *arg)
{
	const struct search_key *k = &q->keys[at];
	enum search_truth all, stop;

	switch (k->kind) {
	case SEARCH_NOT:
		return negate(judge(q, at + 1, leaf, arg));
	case SEARCH_AND:
		stop = SEARCH_NO;
		break;
	case SEARCH_OR:
		stop = SEARCH_YES;
		break;
	default:
		return leaf(arg, q, k);
	}
	all = negate(stop);
	for (at++; at < k->next; at = q->keys[at].next) {
		enum search_truth t = judge(q, at, leaf, arg);

		if (t == stop)
			return stop;
		if (t == SEARCH_OPEN)
			all = SEARCH_OPEN;
	}
	return all;
}

enum search_truth
search_judge(const struct search_program *q, search_leaf *leaf, void *arg)
{
	assert(q->n > 0);
	return judge(q, 0, leaf, arg);
}

enum search_truth
search_by_uid(
    const struct search_program *q, const struct search_key *k, uint32_t uid)
{
	switch (k->kind) {
	case SEARCH_ALL:
		return SEARCH_YES;
	case SEARCH_UIDS:
		return seqset_has(&q->sets[k->set], uid);
	case SEARCH_SAVED:
		return seqset_has(&q->saved, uid);
	case SEARCH_RECENT:
		return seqset_has(&q->recent, uid);
	default:
		return SEARCH_OPEN;
	}
}

enum search_truth
search_in_range(const struct search_key *k, int64_t n)
{
	return k->low <= n && n <= k->high;
}
