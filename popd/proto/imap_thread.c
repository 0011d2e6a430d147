/* SPDX-License-Identifier: MIT */
#include "popd/proto/imap_thread.h"

#include <stdlib.h>

#include "popd/proto/imap_thread_tree.h"

struct thread *
thread_new(enum thread_algorithm algorithm)
{
	struct thread *t = MEM_NEW(struct thread);

	t->algorithm = algorithm;
	thread_strings_init(&t->ids);
	thread_strings_init(&t->subjects);
	thread_node(t); /* 0: none */
	thread_node(t); /* the root */
	return t;
}

void
thread_free(struct thread *t)
{
	if (t == NULL)
		return;
	thread_strings_release(&t->ids);
	thread_strings_release(&t->subjects);
	free(t->nodes);
	free(t);
}

void
thread_add(struct thread *t, const struct thread_message *m)
{
	uint32_t node = t->algorithm == THREAD_REFERENCES
	                    ? thread_node_of_id(t, m->refs)
	                    : thread_node(t);
	struct thread_node *n = &t->nodes[node];

	n->uid = n->order = m->uid;
	n->date_s = m->date_s;
	n->is_reply = m->is_reply;
	if (m->subject.len > 0)
		n->subject = thread_intern(&t->subjects, m->subject);
	n->lost = m->subject.len > 0 && n->subject == 0;
	if (t->algorithm == THREAD_REFERENCES)
		thread_link(t, node, m->refs);
}

void
thread_finish(struct thread *t)
{
	if (t->algorithm == THREAD_REFERENCES)
		thread_by_references(t);
	else
		thread_by_subject(t);
}

bool
thread_is_empty(const struct thread *t)
{
	return t->nodes[THREAD_ROOT].first == 0;
}

/* Is it the only child of a node that is no root: so in the same list? */
static bool
goes_on(const struct thread *t, uint32_t node)
{
	uint32_t parent = t->nodes[node].parent;

	return parent != THREAD_ROOT &&
	       t->nodes[parent].first == t->nodes[parent].last;
}

/* Up from a leaf, ending lists, to what stands next to one of them; 0: the
 * thread is over. */
static uint32_t
climb(const struct thread *t, uint32_t node, struct buf *out)
{
	for (;;) {
		while (goes_on(t, node))
			node = t->nodes[node].parent;
		buf_add_char(out, ')');
		if (t->nodes[node].parent == THREAD_ROOT)
			return 0;
		if (t->nodes[node].next != 0)
			return t->nodes[node].next;
		node = t->nodes[node].parent;
	}
}

/* Not recursive: a thread may be as deep as it has messages. */
static void
write_thread(const struct thread *t, uint32_t node, thread_number *number,
    void *arg, struct buf *out)
{
	buf_add_char(out, '(');
	while (node != 0) {
		const struct thread_node *n = &t->nodes[node];

		if (n->uid != 0)
			buf_addf(out, "%u", number(arg, n->uid));
		if (n->first == 0) {
			node = climb(t, node, out);
			if (node != 0)
				buf_add_char(out, '(');
			continue;
		}
		if (n->uid != 0)
			buf_add_char(out, ' ');
		if (n->first != n->last)
			buf_add_char(out, '(');
		node = n->first;
	}
}

void
thread_write(
    const struct thread *t, thread_number *number, void *arg, struct buf *out)
{
	for (uint32_t node = t->nodes[THREAD_ROOT].first; node != 0;
	     node = t->nodes[node].next)
		write_thread(t, node, number, arg, out);
}
