/* SPDX-License-Identifier: MIT */
#include "popd/proto/mirror.h"

#include <assert.h>
#include <stdlib.h>

#include "common/util/mem.h"
#include "popd/proto/mirror_state.h"

#define KEYWORDS (~(uint64_t)0xff & ~((uint64_t)3 << 62)) /* bits 8 to 61 */

struct mirror *
mirror_new(
    const struct mirror_facts *facts, struct mirror_message *messages, size_t n)
{
	struct mirror *m = MEM_NEW(struct mirror);

	m->facts = *facts;
	m->messages = messages;
	m->n = m->room = n;
	m->flags_modseq = m->changes_since = facts->modseq;
	if (n > 0 && messages[n - 1].uid >= m->facts.uid_next)
		m->facts.uid_next = messages[n - 1].uid + 1;
	return m;
}

void
mirror_free(struct mirror *m)
{
	if (m == NULL)
		return;
	assert(m->views == NULL);
	for (size_t i = 0; i < 64; i++)
		free(m->keywords[i]);
	free(m->messages);
	free(m);
}

const struct mirror_facts *
mirror_facts(const struct mirror *m)
{
	return &m->facts;
}

size_t
mirror_views(const struct mirror *m)
{
	return m->n_views;
}

size_t
mirror_count(const struct mirror *m)
{
	return m->n;
}

size_t
mirror_from(const struct mirror *m, uint32_t uid)
{
	size_t low = 0, high = m->n;

	if (high == 0 || uid <= m->messages[0].uid)
		return 0;
	/* UIDs rise: there are not more of them below than numbers, and no
	 * fewer where none is gone, as in most mailboxes */
	if (uid - m->messages[0].uid < high)
		high = uid - m->messages[0].uid;
	if (m->messages[high - 1].uid < uid)
		return high;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (m->messages[middle].uid < uid)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void
remember_change(struct mirror *m, uint32_t uid, int64_t modseq)
{
	m->flags_modseq = modseq;
	if (m->n_changes == MIRROR_CHANGES) {
		m->changes_since = m->changes[m->n_changes / 2 - 1].modseq;
		m->n_changes -= MIRROR_CHANGES / 2;
		for (size_t i = 0; i < m->n_changes; i++)
			m->changes[i] = m->changes[i + MIRROR_CHANGES / 2];
	}
	m->changes[m->n_changes].uid = uid;
	m->changes[m->n_changes++].modseq = modseq;
}

static void
append(struct mirror *m, const struct mirror_message *message)
{
	if (m->n == m->room) {
		m->room = m->room + m->room / 2 + 16;
		m->messages = mem_grow(
		    m->messages, m->room, sizeof(*m->messages));
	}
	m->messages[m->n++] = *message;
	m->facts.uid_next = message->uid + 1;
}

static void
take_messages(struct mirror *m, const struct mirror_delta *d)
{
	for (size_t i = 0; i < d->n_messages; i++) {
		const struct mirror_message *now = &d->messages[i];
		size_t at;

		assert(i == 0 || now->uid > d->messages[i - 1].uid);
		if (now->uid >= m->facts.uid_next) {
			append(m, now);
			continue;
		}
		at = mirror_from(m, now->uid);
		if (at == m->n || m->messages[at].uid != now->uid ||
		    m->messages[at].modseq >= now->modseq)
			continue;
		m->messages[at] = *now;
		remember_change(m, now->uid, d->modseq);
	}
}

/* Forget what is gone; *runs: those that were there, runs without a gap. */
static size_t
drop_messages(
    struct mirror *m, const struct mirror_delta *d, struct seqrange **runs)
{
	size_t to = mirror_from(m, d->gone[0].low), from = to;
	size_t n = 0, room = 0, at = 0;

	*runs = NULL;
	while (from < m->n) {
		uint32_t uid = m->messages[from].uid;

		while (at < d->n_gone && d->gone[at].high < uid)
			at++;
		if (at == d->n_gone)
			break;
		if (uid < d->gone[at].low) {
			m->messages[to++] = m->messages[from++];
			continue;
		}
		from++;
		if (n > 0 && (*runs)[n - 1].high == uid - 1) {
			(*runs)[n - 1].high = uid;
			continue;
		}
		if (n == room) {
			room = room * 2 + 16;
			*runs = mem_grow(*runs, room, sizeof(**runs));
		}
		(*runs)[n++] = (struct seqrange){uid, uid};
	}
	while (from < m->n)
		m->messages[to++] = m->messages[from++];
	m->n = to;
	return n;
}

/* Has every keyword that is set in it a name here? */
static bool
is_named(const struct mirror *m, const struct mirror_delta *d)
{
	uint64_t used = 0;

	for (size_t i = 0; i < d->n_messages; i++)
		used |= d->messages[i].flags;
	return (used & KEYWORDS & ~m->named) == 0;
}

bool
mirror_apply(struct mirror *m, const struct mirror_delta *d)
{
	struct seqrange *runs;
	size_t n;

	assert(d->mailbox == m->facts.mailbox);
	if (d->modseq <= m->facts.modseq)
		return true;
	if (d->contiguous &&
	    (d->modseq != m->facts.modseq + 1 || !is_named(m, d)))
		return false;
	take_messages(m, d);
	if (d->n_gone > 0) {
		n = drop_messages(m, d, &runs);
		for (struct view *v = m->views; v != NULL && n > 0;
		     v = v->older)
			view_haunt(v, runs, n);
		free(runs);
	}
	if (d->uid_next > m->facts.uid_next)
		m->facts.uid_next = d->uid_next;
	m->facts.modseq = d->modseq;
	return true;
}

const char *
mirror_keyword(const struct mirror *m, unsigned bit)
{
	return bit < 64 ? m->keywords[bit] : NULL;
}

void
mirror_set_keyword(struct mirror *m, unsigned bit, struct str name)
{
	assert(bit < 64 && (KEYWORDS >> bit & 1));
	free(m->keywords[bit]);
	m->keywords[bit] = mem_dup(name);
	m->named |= (uint64_t)1 << bit;
}

uint64_t
mirror_keywords(const struct mirror *m)
{
	return m->named;
}

uint32_t
mirror_recent_uid(const struct mirror *m)
{
	return m->facts.recent_uid;
}

void
mirror_set_gone(struct mirror *m)
{
	m->gone = true;
}

bool
mirror_gone(const struct mirror *m)
{
	return m->gone;
}
