/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "common/util/mem.h"
#include "popd/proto/mirror.h"
#include "popd/proto/mirror_state.h"

/*
 * What a client was told of flags: every change up to modseq `told', and those
 * kept in `later'.  While view_next_changed() goes from UID to UID, those up to
 * `cursor' were told up to `round'.
 */

/* The place in v->later of this UID, or where it would be. */
static size_t
later_at(const struct view *v, uint32_t uid)
{
	size_t low = 0, high = v->n_later;

	if (high > 0 && v->later[high - 1].uid < uid)
		return high;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (v->later[middle].uid < uid)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

int64_t
view_told_modseq(const struct view *v, uint32_t uid)
{
	int64_t told = uid <= v->cursor ? v->round : v->told;
	size_t at = later_at(v, uid);

	if (at < v->n_later && v->later[at].uid == uid &&
	    v->later[at].modseq > told)
		return v->later[at].modseq;
	return told;
}

void
view_told(struct view *v, uint32_t uid, int64_t modseq)
{
	size_t at = later_at(v, uid);

	if (modseq <= v->told)
		return;
	if (at < v->n_later && v->later[at].uid == uid) {
		if (v->later[at].modseq < modseq)
			v->later[at].modseq = modseq;
		return;
	}
	if (v->n_later == v->later_room) {
		v->later_room = v->later_room * 2 + 16;
		v->later = mem_grow(v->later, v->later_room, sizeof(*v->later));
	}
	memmove(v->later + at + 1, v->later + at,
	    (v->n_later - at) * sizeof(*v->later));
	v->later[at] = (struct view_told){uid, modseq};
	v->n_later++;
}

static bool
is_news(const struct view *v, const struct mirror_message *m)
{
	return m->uid <= v->known && m->modseq > v->told &&
	       m->modseq > view_told_modseq(v, m->uid);
}

/* The first with a UID over this one whose flags the client does not know. */
static const struct mirror_message *
find_changed(const struct view *v, uint32_t after)
{
	const struct mirror *m = v->mirror;
	const struct mirror_message *found = NULL;

	if (m->flags_modseq <= v->told)
		return NULL;
	if (v->told < m->changes_since) { /* before what is remembered */
		for (size_t i = mirror_from(m, after + 1); i < m->n; i++)
			if (is_news(v, &m->messages[i]))
				return &m->messages[i];
		return NULL;
	}
	for (size_t i = 0; i < m->n_changes; i++) {
		const struct mirror_message *message;

		if (m->changes[i].modseq <= v->told ||
		    m->changes[i].uid <= after ||
		    (found != NULL && m->changes[i].uid >= found->uid))
			continue;
		message = view_message(v, m->changes[i].uid);
		if (message != NULL && is_news(v, message))
			found = message;
	}
	return found;
}

/* What is not over `told' need not be kept apart any more. */
static void
forget_later(struct view *v)
{
	size_t left = 0;

	for (size_t i = 0; i < v->n_later; i++)
		if (v->later[i].modseq > v->told)
			v->later[left++] = v->later[i];
	v->n_later = left;
	if (left > 0)
		return;
	free(v->later);
	v->later = NULL;
	v->later_room = 0;
}

const struct mirror_message *
view_next_changed(struct view *v)
{
	const struct mirror *m = v->mirror;

	do {
		const struct mirror_message *next;

		if (v->cursor == 0)
			v->round = m->facts.modseq;
		next = find_changed(v, v->cursor);
		if (next != NULL) {
			v->cursor = next->uid;
			if (next->modseq > v->round)
				view_told(v, next->uid, next->modseq);
			return next;
		}
		v->cursor = 0;
		v->told = v->round;
		forget_later(v);
	} while (v->round < m->facts.modseq);
	return NULL;
}

static bool
has_new(const struct view *v)
{
	const struct mirror *m = v->mirror;

	return m->n > 0 && m->messages[m->n - 1].uid > v->known;
}

bool
view_announce(struct view *v)
{
	uint32_t before = v->known;
	bool more = has_new(v);

	v->known = v->mirror->facts.uid_next - 1;
	view_take_recent(v, before + 1);
	return more;
}

bool
view_next_keywords(struct view *v)
{
	bool more = v->keywords != v->mirror->named;

	v->keywords = v->mirror->named;
	return more;
}

bool
view_is_behind_but_expunged(const struct view *v)
{
	return v->mirror->gone || v->keywords != v->mirror->named ||
	       has_new(v) || find_changed(v, 0) != NULL;
}

bool
view_is_behind(const struct view *v)
{
	return v->n_ghosts > 0 || view_is_behind_but_expunged(v);
}
