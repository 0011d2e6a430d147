/* SPDX-License-Identifier: MIT */
#include "popd/proto/imap_thread_tree.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/util/mem.h"

#define SLOTS_FIRST 1024

/* There are fewer strings than slots, so a slot with so many is made to be
 * full: one more finds no room. */
#define SLOT_STRINGS_MAX 100

void
thread_strings_init(struct thread_strings *s)
{
	*s = (struct thread_strings){.n = 1};
	buf_init(&s->text, THREAD_TEXT_MAX);
}

void
thread_strings_release(struct thread_strings *s)
{
	free(s->all);
	free(s->slots);
	buf_release(&s->text);
}

/* FNV-1a, mixed (its low bits alone choose the slot). */
static uint64_t
hash(struct str text)
{
	uint64_t h = UINT64_C(14695981039346656037);

	for (size_t i = 0; i < text.len; i++) {
		h ^= (unsigned char)text.at[i];
		h *= UINT64_C(1099511628211);
	}
	h ^= h >> 32;
	h *= UINT64_C(0x9e3779b97f4a7c15);
	return h ^ h >> 29;
}

static struct str
text_of(const struct thread_strings *s, uint32_t string)
{
	return str_first(str_after(buf_str(&s->text), s->all[string].at),
	    s->all[string].len);
}

/* Twice as many slots as strings, at least. */
static void
make_slots(struct thread_strings *s)
{
	size_t n = s->n_slots == 0 ? SLOTS_FIRST : 2 * s->n_slots;

	if (2 * s->n < s->n_slots)
		return;
	free(s->slots);
	s->slots = mem_new(n, sizeof(*s->slots));
	s->n_slots = n;
	for (uint32_t i = 1; i < s->n; i++) {
		size_t slot = hash(text_of(s, i)) & (n - 1);

		s->all[i].next = s->slots[slot];
		s->slots[slot] = i;
	}
}

uint32_t
thread_intern(struct thread_strings *s, struct str text)
{
	unsigned in_slot = 0;
	uint32_t *slot, i;

	make_slots(s);
	slot = &s->slots[hash(text) & (s->n_slots - 1)];
	for (i = *slot; i != 0; i = s->all[i].next, in_slot++)
		if (str_eq(text_of(s, i), text))
			return i;
	if (s->n > THREAD_IDS_MAX || in_slot >= SLOT_STRINGS_MAX ||
	    text.len > THREAD_TEXT_MAX - s->text.len)
		return 0;
	if (s->n >= s->room) {
		s->room = s->room * 2 + 64;
		s->all = mem_grow(s->all, s->room, sizeof(*s->all));
	}
	i = (uint32_t)s->n++;
	s->all[i] = (struct thread_string){
	    .at = s->text.len, .len = text.len, .next = *slot};
	buf_add(&s->text, text);
	*slot = i;
	return i;
}

uint32_t
thread_node(struct thread *t)
{
	if (t->n >= t->room) {
		t->room = t->room * 2 + 64;
		t->nodes = mem_grow(t->nodes, t->room, sizeof(*t->nodes));
	}
	t->nodes[t->n] = (struct thread_node){.uid = 0};
	return (uint32_t)t->n++;
}

void
thread_attach(struct thread *t, uint32_t parent, uint32_t child)
{
	struct thread_node *p = &t->nodes[parent], *c = &t->nodes[child];

	assert(c->parent == 0 && parent != child);
	c->parent = parent;
	c->previous = p->last;
	c->next = 0;
	if (p->last != 0)
		t->nodes[p->last].next = child;
	else
		p->first = child;
	p->last = child;
}

void
thread_detach(struct thread *t, uint32_t child)
{
	struct thread_node *c = &t->nodes[child];
	struct thread_node *p = &t->nodes[c->parent];

	assert(c->parent != 0);
	if (c->previous != 0)
		t->nodes[c->previous].next = c->next;
	else
		p->first = c->next;
	if (c->next != 0)
		t->nodes[c->next].previous = c->previous;
	else
		p->last = c->previous;
	c->parent = c->next = c->previous = 0;
}

void
thread_adopt(struct thread *t, uint32_t to, uint32_t from)
{
	uint32_t child;

	while ((child = t->nodes[from].first) != 0) {
		thread_detach(t, child);
		thread_attach(t, to, child);
	}
}
