/* SPDX-License-Identifier: MIT */
#include "popd/proto/imap_thread_tree.h"

/* Whether a link would make a loop is seen by walking up from the parent to
 * be.  Mail of this world takes a few steps; who makes up mail to have it take
 * millions gets no link that takes more than WALK_SHORT any more. */
#define WALKED_MAX 20000000
#define WALK_SHORT 100

static bool
would_loop(struct thread *t, uint32_t parent, uint32_t child)
{
	unsigned steps = 0;

	if (parent == child)
		return true;
	if (t->nodes[child].first == 0)
		return false; /* nothing is below it */
	for (uint32_t up = parent; up != 0; up = t->nodes[up].parent) {
		if (up == child)
			return true;
		t->walked++;
		if (++steps > WALK_SHORT && t->walked > WALKED_MAX)
			return true;
	}
	return false;
}

/* The message with this id, or a dummy in its place; 0: no room for one. */
static uint32_t
node_of(struct thread *t, struct str id)
{
	uint32_t string = thread_intern(&t->ids, id), node;

	if (string == 0)
		return 0;
	node = t->ids.all[string].node;
	if (node == 0) {
		node = thread_node(t);
		t->ids.all[string].node = node;
	}
	return node;
}

uint32_t
thread_node_of_id(struct thread *t, struct str refs)
{
	struct str id = str_cut(&refs, '\n');
	uint32_t node = id.len > 0 ? node_of(t, id) : 0;

	/* without an id, or with one that an earlier message has */
	if (node == 0 || t->nodes[node].uid != 0)
		node = thread_node(t);
	return node;
}

/* RFC 5256 s3 step 1 */
void
thread_link(struct thread *t, uint32_t node, struct str refs)
{
	uint32_t parent = 0;

	str_cut(&refs, '\n'); /* its own */
	while (refs.len > 0) {
		struct str id = str_cut(&refs, '\n');
		uint32_t child = id.len > 0 ? node_of(t, id) : 0;

		if (child == 0)
			continue;
		if (parent != 0 && t->nodes[child].parent == 0 &&
		    !would_loop(t, parent, child))
			thread_attach(t, parent, child);
		parent = child;
	}
	/* (B): its last reference is its parent, whatever others said */
	if (t->nodes[node].parent != 0)
		thread_detach(t, node);
	if (parent != 0 && !would_loop(t, parent, node))
		thread_attach(t, parent, node);
}
