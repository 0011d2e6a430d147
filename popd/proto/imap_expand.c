/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "common/util/mem.h"
#include "popd/proto/imap_selected.h"

struct imap_uids
imap_expand(const struct imap *p, const struct seqset *uids, uint64_t flags)
{
	struct imap_uids out = {.uids = NULL};
	const struct mirror_message *m;
	size_t room = 0;

	for (size_t r = 0; r < uids->n; r++)
		for (size_t i = view_from(p->view, uids->ranges[r].low);
		     (m = view_at(p->view, i)) != NULL &&
		     m->uid <= uids->ranges[r].high;
		     i++) {
			if ((m->flags & flags) != flags)
				continue;
			if (out.n == room) {
				room = room * 2 + 16;
				out.uids = mem_grow(
				    out.uids, room, sizeof(*out.uids));
			}
			out.uids[out.n++] = m->uid;
		}
	return out;
}

bool
imap_has_ghost(const struct imap *p, const struct seqset *uids)
{
	for (size_t r = 0; r < uids->n; r++) {
		uint32_t uid = view_ghost_from(p->view, uids->ranges[r].low);

		if (uid != 0 && uid <= uids->ranges[r].high)
			return true;
	}
	return false;
}

/* Take from `all' what the client still counts. */
static void
leave_out(const struct view *v, struct seqset *all)
{
	const struct mirror_message *m;
	struct seqset there = {.ranges = NULL};

	for (size_t r = 0; r < all->n; r++) {
		uint32_t high = all->ranges[r].high, uid = all->ranges[r].low;

		for (size_t i = view_from(v, uid);
		     (m = view_at(v, i)) != NULL && m->uid <= high; i++)
			seqset_add(&there, m->uid, m->uid);
		while ((uid = view_ghost_from(v, uid)) != 0 && uid <= high)
			seqset_add(&there, uid, uid), uid++;
	}
	for (size_t i = 0; i < there.n; i++)
		seqset_remove(all, there.ranges[i].low, there.ranges[i].high);
	seqset_release(&there);
}

static void
add_both(struct seqset *out, const struct seqset *a, const struct seqset *b)
{
	size_t i = 0, j = 0;

	while (i < a->n && j < b->n) {
		const struct seqrange *x = &a->ranges[i], *y = &b->ranges[j];
		uint32_t low = x->low > y->low ? x->low : y->low;
		uint32_t high = x->high < y->high ? x->high : y->high;

		if (low <= high)
			seqset_add(out, low, high);
		if (x->high <= y->high)
			i++;
		else
			j++;
	}
}

void
imap_tell_earlier(
    struct imap *p, const struct seqset *gone, const struct seqset *known)
{
	struct seqset told = {.ranges = NULL};

	if (known != NULL)
		add_both(&told, gone, known);
	else
		seqset_add_all(&told, gone);
	leave_out(p->view, &told);
	imap_tell_vanished(p, &told, true);
	seqset_release(&told);
}
