/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <stdlib.h>

#include "common/util/mem.h"
#include "popd/proto/mirror.h"
#include "popd/proto/mirror_state.h"

/*
 * Sequence numbers: the messages of the mirror and the ghosts are two rising
 * lists without a UID in common, so the number of a UID is its place in one
 * plus that in the other: two binary searches.
 */

/* \Recent belongs to who is told first (RFC 3501 s2.3.2). */
void
view_take_recent(struct view *v, uint32_t from)
{
	struct mirror_facts *facts = &v->mirror->facts;

	if (from < facts->recent_uid)
		from = facts->recent_uid;
	if (from >= facts->uid_next)
		return;
	seqset_add(&v->recent, from, facts->uid_next - 1);
	if (!v->read_only)
		facts->recent_uid = facts->uid_next;
}

struct view *
view_new(struct mirror *m, bool read_only)
{
	struct view *v = MEM_NEW(struct view);

	v->mirror = m;
	v->read_only = read_only;
	v->known = m->facts.uid_next - 1;
	v->keywords = m->named;
	v->told = m->facts.modseq;
	v->older = m->views;
	if (m->views != NULL)
		m->views->newer = v;
	m->views = v;
	m->n_views++;
	view_take_recent(v, 1);
	return v;
}

void
view_free(struct view *v)
{
	if (v == NULL)
		return;
	if (v->newer != NULL)
		v->newer->older = v->older;
	else
		v->mirror->views = v->older;
	if (v->older != NULL)
		v->older->newer = v->newer;
	v->mirror->n_views--;
	seqset_release(&v->recent);
	free(v->ghosts);
	free(v->later);
	free(v);
}

struct mirror *
view_mirror(const struct view *v)
{
	return v->mirror;
}

/* The run of ghosts at or before this UID; n_ghosts: none. */
static size_t
run_at(const struct view *v, uint32_t uid)
{
	size_t low = 0, high = v->n_ghosts;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (v->ghosts[middle].low <= uid)
			low = middle + 1;
		else
			high = middle;
	}
	return low > 0 ? low - 1 : v->n_ghosts;
}

static uint32_t
run_length(const struct view_run *r)
{
	return r->high - r->low + 1;
}

static uint32_t
ghost_count(const struct view *v)
{
	const struct view_run *last;

	if (v->n_ghosts == 0)
		return 0;
	last = &v->ghosts[v->n_ghosts - 1];
	return last->before + run_length(last);
}

/* Ghosts up to this UID. */
static uint32_t
ghosts_to(const struct view *v, uint32_t uid)
{
	size_t at = run_at(v, uid);
	const struct view_run *r;

	if (at == v->n_ghosts)
		return 0;
	r = &v->ghosts[at];
	return r->before + (uid < r->high ? uid - r->low + 1 : run_length(r));
}

/* Messages of the mirror that are announced. */
static size_t
announced(const struct view *v)
{
	return mirror_from(v->mirror, v->known + 1);
}

/* How many that the client counts have a UID up to this one. */
static uint32_t
count_to(const struct view *v, uint32_t uid)
{
	if (uid > v->known)
		uid = v->known;
	return (uint32_t)mirror_from(v->mirror, uid + 1) + ghosts_to(v, uid);
}

uint32_t
view_count(const struct view *v)
{
	return (uint32_t)announced(v) + ghost_count(v);
}

uint32_t
view_uid(const struct view *v, uint32_t seq)
{
	size_t low = 0, high = v->n_ghosts;
	uint32_t ghosts = 0;

	if (seq == 0 || seq > view_count(v))
		return 0;
	while (low < high) { /* runs that begin at or before number seq */
		size_t middle = low + (high - low) / 2;

		if (count_to(v, v->ghosts[middle].low) <= seq)
			low = middle + 1;
		else
			high = middle;
	}
	if (low > 0) {
		const struct view_run *r = &v->ghosts[low - 1];
		uint32_t first = count_to(v, r->low);

		if (seq - first < run_length(r))
			return r->low + (seq - first);
		ghosts = r->before + run_length(r);
	}
	return v->mirror->messages[seq - ghosts - 1].uid;
}

bool
view_is_ghost(const struct view *v, uint32_t uid)
{
	size_t at = run_at(v, uid);

	return at < v->n_ghosts && uid <= v->ghosts[at].high;
}

uint32_t
view_ghost_from(const struct view *v, uint32_t uid)
{
	size_t at = run_at(v, uid);

	if (at < v->n_ghosts && uid <= v->ghosts[at].high)
		return uid;
	at = at == v->n_ghosts ? 0 : at + 1;
	return at < v->n_ghosts ? v->ghosts[at].low : 0;
}

bool
view_has_ghosts(const struct view *v)
{
	return v->n_ghosts > 0;
}

uint32_t
view_seq(const struct view *v, uint32_t uid)
{
	if (view_message(v, uid) == NULL && !view_is_ghost(v, uid))
		return 0;
	return count_to(v, uid);
}

uint32_t
view_last_uid(const struct view *v)
{
	size_t n = announced(v);
	uint32_t last = n > 0 ? v->mirror->messages[n - 1].uid : 0;

	if (v->n_ghosts > 0 && v->ghosts[v->n_ghosts - 1].high > last)
		last = v->ghosts[v->n_ghosts - 1].high;
	return last;
}

bool
view_recent(const struct view *v, uint32_t uid)
{
	return seqset_has(&v->recent, uid);
}

uint32_t
view_recents(const struct view *v)
{
	uint32_t n = 0;

	for (size_t i = 0; i < v->recent.n; i++)
		n += count_to(v, v->recent.ranges[i].high) -
		     count_to(v, v->recent.ranges[i].low - 1);
	return n;
}

const struct mirror_message *
view_message(const struct view *v, uint32_t uid)
{
	size_t at;

	if (uid > v->known)
		return NULL;
	at = mirror_from(v->mirror, uid);
	if (at == v->mirror->n || v->mirror->messages[at].uid != uid)
		return NULL;
	return &v->mirror->messages[at];
}

const struct mirror_message *
view_at(const struct view *v, size_t n)
{
	if (n >= v->mirror->n || v->mirror->messages[n].uid > v->known)
		return NULL;
	return &v->mirror->messages[n];
}

size_t
view_from(const struct view *v, uint32_t uid)
{
	return mirror_from(v->mirror, uid);
}

bool
view_resolve(const struct view *v, const struct seqset *set, bool uids,
    struct seqset *out)
{
	uint32_t highest = uids ? view_last_uid(v) : view_count(v);
	struct seqset given = {.ranges = NULL};
	bool good = true;

	seqset_add_all(&given, set);
	if (!uids && given.n > 0 && highest == 0) {
		seqset_release(&given);
		return false; /* `*' too: RFC 9051 s9 seq-number */
	}
	seqset_resolve(&given, highest);
	for (size_t i = 0; i < given.n && good; i++) {
		uint32_t low = given.ranges[i].low, high = given.ranges[i].high;

		if (uids && low <= highest)
			seqset_add(out, low, high < highest ? high : highest);
		if (!uids && high > highest)
			good = false;
		else if (!uids)
			seqset_add(out, view_uid(v, low), view_uid(v, high));
	}
	seqset_release(&given);
	return good;
}

/* ---- what changes ---- */

static void
count_ghosts(struct view *v)
{
	uint32_t before = 0;

	for (size_t i = 0; i < v->n_ghosts; i++) {
		v->ghosts[i].before = before;
		before += run_length(&v->ghosts[i]);
	}
}

/* Put a run behind the others in `to', or on to the last. */
static void
add_run(struct view_run *to, size_t *n, uint32_t low, uint32_t high)
{
	if (*n > 0 && to[*n - 1].high == low - 1)
		to[*n - 1].high = high;
	else
		to[(*n)++] = (struct view_run){.low = low, .high = high};
}

void
view_haunt(struct view *v, const struct seqrange *gone, size_t n)
{
	struct view_run *merged;
	size_t old = 0, n_merged = 0;

	while (n > 0 && gone[n - 1].low > v->known)
		n--; /* never announced: never missed */
	if (n == 0)
		return;
	merged = mem_new(v->n_ghosts + n, sizeof(*merged));
	for (size_t i = 0; i < n; i++) {
		for (; old < v->n_ghosts && v->ghosts[old].low < gone[i].low;
		     old++)
			add_run(merged, &n_merged, v->ghosts[old].low,
			    v->ghosts[old].high);
		add_run(merged, &n_merged, gone[i].low,
		    gone[i].high < v->known ? gone[i].high : v->known);
	}
	for (; old < v->n_ghosts; old++)
		add_run(
		    merged, &n_merged, v->ghosts[old].low, v->ghosts[old].high);
	free(v->ghosts);
	v->ghosts = merged;
	v->n_ghosts = n_merged;
	count_ghosts(v);
}

static void
lay_ghosts(struct view *v)
{
	free(v->ghosts);
	v->ghosts = NULL;
	v->n_ghosts = 0;
}

uint32_t
view_next_expunged(struct view *v, uint32_t *uid)
{
	struct view_run *last;
	uint32_t seq;

	if (v->n_ghosts == 0)
		return 0;
	last = &v->ghosts[v->n_ghosts - 1];
	*uid = last->high;
	seq = count_to(v, last->high);
	if (last->low < last->high)
		last->high--;
	else if (--v->n_ghosts == 0)
		lay_ghosts(v);
	return seq;
}

bool
view_take_ghosts(struct view *v, size_t max, struct seqset *out)
{
	size_t first = v->n_ghosts > max ? v->n_ghosts - max : 0;

	if (v->n_ghosts == 0)
		return false;
	for (size_t i = first; i < v->n_ghosts; i++)
		seqset_add(out, v->ghosts[i].low, v->ghosts[i].high);
	v->n_ghosts = first;
	if (first == 0)
		lay_ghosts(v);
	return true;
}
