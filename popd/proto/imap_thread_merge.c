/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "common/util/mem.h"
#include "popd/proto/imap_sort.h"
#include "popd/proto/imap_thread_tree.h"

static int
by_date(const void *arg, uint32_t a, uint32_t b)
{
	const struct thread_node *x = (const struct thread_node *)arg + a;
	const struct thread_node *y = (const struct thread_node *)arg + b;

	if (x->date_s != y->date_s)
		return x->date_s < y->date_s ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

/* Its children by date; a dummy is then as old as the first of them. */
static void
sort_children(struct thread *t, uint32_t node, uint32_t *room)
{
	struct thread_node *n = &t->nodes[node];
	uint32_t child;
	size_t many = 0;

	while ((child = n->first) != 0) {
		thread_detach(t, child);
		room[many++] = child;
	}
	sort_numbers(room, many, by_date, t->nodes);
	for (size_t i = 0; i < many; i++)
		thread_attach(t, node, room[i]);
	if (n->uid == 0 && many > 0) {
		n->date_s = t->nodes[n->first].date_s;
		n->order = t->nodes[n->first].order;
	}
}

/* ---- steps 2 and 3: the root, and no more dummies ---- */

/* What follows in the order of the tree, a node before its children. */
static uint32_t
following(const struct thread *t, uint32_t node)
{
	if (t->nodes[node].first != 0)
		return t->nodes[node].first;
	while (node != 0 && t->nodes[node].next == 0)
		node = t->nodes[node].parent;
	return t->nodes[node].next;
}

/* A message that has no message above it hangs on the dummy its thread begins
 * with, on the root if it begins it; the dummies between are left out. */
struct anchor {
	uint32_t node, parent;
};

static size_t
find_anchors(const struct thread *t, uint32_t *parents, struct anchor *out)
{
	size_t n = 0;

	for (uint32_t i = THREAD_ROOT; i < t->n; i++) {
		if (i == THREAD_ROOT || t->nodes[i].parent != 0)
			continue;
		for (uint32_t k = i; k != 0; k = following(t, k)) {
			const struct thread_node *node = &t->nodes[k];
			uint32_t up = node->parent;

			parents[k] = up == 0 ? THREAD_ROOT
			             : t->nodes[up].uid != 0 ||
			                     parents[up] == THREAD_ROOT
			                 ? up
			                 : parents[up];
			if (node->uid != 0 || up == 0)
				out[n++] = (struct anchor){k, parents[k]};
		}
	}
	return n;
}

static void
unlink_all(struct thread *t)
{
	for (uint32_t i = 0; i < t->n; i++) {
		struct thread_node *n = &t->nodes[i];

		n->parent = n->first = n->last = n->next = n->previous = 0;
	}
}

/* A dummy at the top stays if it holds two threads or more together. */
static void
prune_top(struct thread *t)
{
	uint32_t next;

	for (uint32_t i = t->nodes[THREAD_ROOT].first; i != 0; i = next) {
		const struct thread_node *n = &t->nodes[i];

		next = n->next;
		if (n->uid != 0 || (n->first != 0 && n->first != n->last))
			continue;
		thread_detach(t, i);
		thread_adopt(t, THREAD_ROOT, i);
	}
}

static void
prune(struct thread *t)
{
	uint32_t *parents = mem_new(t->n, sizeof(*parents));
	struct anchor *anchors = mem_new(t->n, sizeof(*anchors));
	size_t n = find_anchors(t, parents, anchors);

	unlink_all(t);
	for (size_t i = 0; i < n; i++)
		thread_attach(t, anchors[i].parent, anchors[i].node);
	free(anchors);
	free(parents);
	prune_top(t);
}

/* ---- step 5: threads of one subject ---- */

static uint32_t
subject_of(const struct thread *t, uint32_t node)
{
	const struct thread_node *n = &t->nodes[node];

	return n->uid != 0 ? n->subject : t->nodes[n->first].subject;
}

static void
fill_subjects(struct thread *t)
{
	for (uint32_t i = t->nodes[THREAD_ROOT].first; i != 0;
	     i = t->nodes[i].next) {
		const struct thread_node *now = &t->nodes[i], *old;
		uint32_t subject = subject_of(t, i), *in_table;

		if (subject == 0)
			continue;
		in_table = &t->subjects.all[subject].node;
		old = &t->nodes[*in_table];
		if (*in_table == 0 ||
		    (old->uid != 0 &&
			(now->uid == 0 || (old->is_reply && !now->is_reply))))
			*in_table = i;
	}
}

/* RFC 5256 s3 step 5 (C) */
static void
merge(struct thread *t, uint32_t node, uint32_t *in_table)
{
	const struct thread_node *now = &t->nodes[node];
	const struct thread_node *old = &t->nodes[*in_table];
	uint32_t dummy;

	thread_detach(t, node);
	if (now->uid == 0) { /* then the one in the table is a dummy too */
		thread_adopt(t, *in_table, node);
		return;
	}
	if (old->uid == 0 || (now->is_reply && !old->is_reply)) {
		thread_attach(t, *in_table, node);
		return;
	}
	thread_detach(t, *in_table);
	dummy = thread_node(t);
	thread_attach(t, THREAD_ROOT, dummy);
	thread_attach(t, dummy, *in_table);
	thread_attach(t, dummy, node);
	*in_table = dummy;
}

static void
merge_subjects(struct thread *t)
{
	uint32_t next;

	for (uint32_t i = t->nodes[THREAD_ROOT].first; i != 0; i = next) {
		uint32_t subject = subject_of(t, i), *in_table;

		next = t->nodes[i].next;
		if (subject == 0)
			continue;
		in_table = &t->subjects.all[subject].node;
		if (*in_table == i)
			continue;
		if (next == *in_table && next != 0)
			next = t->nodes[next].next; /* it may be moved, and
			                             * needs no look */
		merge(t, i, in_table);
	}
}

void
thread_by_references(struct thread *t)
{
	uint32_t *room;

	prune(t);
	room = mem_new(2 * t->n, sizeof(*room)); /* step 5 makes dummies */
	for (uint32_t i = t->nodes[THREAD_ROOT].first; i != 0;
	     i = t->nodes[i].next)
		if (t->nodes[i].uid == 0)
			sort_children(t, i, room);
	sort_children(t, THREAD_ROOT, room);
	fill_subjects(t);
	merge_subjects(t);
	for (uint32_t i = THREAD_ROOT + 1; i < t->n; i++)
		if (t->nodes[i].first != 0)
			sort_children(t, i, room);
	sort_children(t, THREAD_ROOT, room);
	free(room);
}

void
thread_by_subject(struct thread *t)
{
	size_t n = t->n - THREAD_ROOT - 1;
	uint32_t *nodes = mem_new(n + 1, sizeof(*nodes)), unnamed = 0;

	for (size_t i = 0; i < n; i++)
		nodes[i] = (uint32_t)(THREAD_ROOT + 1 + i);
	sort_numbers(nodes, n, by_date, t->nodes);
	for (size_t i = 0; i < n; i++) {
		const struct thread_node *node = &t->nodes[nodes[i]];
		uint32_t alone = 0, *head = &unnamed;

		if (node->subject != 0)
			head = &t->subjects.all[node->subject].node;
		else if (node->lost)
			head = &alone;
		thread_attach(t, *head != 0 ? *head : THREAD_ROOT, nodes[i]);
		if (*head == 0)
			*head = nodes[i];
	}
	free(nodes);
}
