/* SPDX-License-Identifier: MIT */
#include "common/mime/structure_tree.h"

#include <assert.h>
#include <stdlib.h>

#include "common/mime/envelope.h"
#include "common/mime/structure.h"

/* Who sends more than this in types, parameters and envelopes of attached
 * messages wants to harm: further parts are described briefly. */
#define TEXTS_WISH (2 * MB)

/* The longest brief description, of every part; and one full header. */
#define BRIEF_MAX 200
#define ONE_MAX   (4 * MB)

/* What a tree that is emptied keeps. */
#define KEPT_NODES 64
#define KEPT_TEXTS (16 * KB)

void
structure_tree_init(struct structure_tree *t)
{
	*t = (struct structure_tree){0};
	buf_init(
	    &t->texts, TEXTS_WISH + ONE_MAX + STRUCTURE_PARTS_MAX * BRIEF_MAX);
}

void
structure_tree_release(struct structure_tree *t)
{
	free(t->nodes);
	buf_release(&t->texts);
}

void
structure_tree_clear(struct structure_tree *t)
{
	if (t->room > KEPT_NODES || t->texts.room > KEPT_TEXTS) {
		structure_tree_release(t);
		structure_tree_init(t);
		return;
	}
	t->n = 0;
	buf_clear(&t->texts);
}

size_t
structure_tree_add(struct structure_tree *t, unsigned depth, uint64_t header_at)
{
	assert(t->n < STRUCTURE_PARTS_MAX);
	if (t->n == t->room) {
		t->room = t->room > 0 ? t->room * 2 : 4;
		t->nodes = mem_grow(t->nodes, t->room, sizeof(t->nodes[0]));
	}
	t->nodes[t->n] = (struct structure_node){
	    .part = {.depth = depth, .header_at = header_at},
	};
	return t->n++;
}

void
structure_tree_describe(struct structure_tree *t, size_t node,
    struct str header, struct structure_place place, bool envelope,
    struct structure_part *about)
{
	struct structure_node *n = &t->nodes[node];
	struct buf *texts = &t->texts;
	struct buf tail;

	assert(node < t->n);
	place.brief = texts->len > TEXTS_WISH;
	buf_init(&tail, ONE_MAX);
	n->text_at = (uint32_t)texts->len;
	structure_part_read(header, place, about, texts, &tail);
	n->head_len = (uint32_t)texts->len - n->text_at;
	buf_add(texts, buf_str(&tail));
	n->tail_len = (uint32_t)tail.len;
	buf_release(&tail);
	if (envelope) {
		size_t before = texts->len;

		envelope_write(place.brief ? STR("") : header, texts);
		n->envelope_len = (uint32_t)(texts->len - before);
	}
	assert(!texts->overrun);
	n->part.kind = about->kind;
	n->part.encoding = about->encoding;
	n->text = about->text;
	n->digest = about->digest;
}

struct writer {
	const struct structure_tree *t;
	struct buf *body;
	size_t open[STRUCTURE_DEPTH_MAX]; /* containers not yet ended */
	size_t n_open;
};

static struct str
text_of(const struct structure_tree *t, const struct structure_node *n,
    size_t skip, size_t len)
{
	return str_first(str_after(buf_str(&t->texts), n->text_at + skip), len);
}

static void
begin_node(struct writer *w, size_t i)
{
	const struct structure_node *n = &w->t->nodes[i];

	buf_add_char(w->body, '(');
	buf_add(w->body, text_of(w->t, n, 0, n->head_len));
	if (n->part.kind == PART_MULTIPART)
		return;
	buf_addf(w->body, " %llu", (unsigned long long)n->part.body_len);
	if (n->text)
		buf_addf(w->body, " %u", n->part.lines);
	if (n->part.kind == PART_MESSAGE) {
		const struct structure_node *in = &w->t->nodes[i + 1];

		assert(i + 1 < w->t->n);
		buf_add_char(w->body, ' ');
		buf_add(w->body, text_of(w->t, in, in->head_len + in->tail_len,
				     in->envelope_len));
		buf_add_char(w->body, ' ');
	}
}

static void
end_node(struct writer *w, size_t i)
{
	const struct structure_node *n = &w->t->nodes[i];
	bool empty = i + 1 == w->t->n ||
	             w->t->nodes[i + 1].part.depth <= n->part.depth;

	/* RFC 9051 s9, body-type-mpart: at least one */
	if (n->part.kind == PART_MULTIPART && empty)
		buf_add(w->body,
		    STR("(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL"
			" \"7bit\" 0 0 NIL NIL NIL NIL)"));
	if (n->part.kind == PART_MESSAGE)
		buf_addf(w->body, " %u", n->part.lines);
	buf_add(w->body, text_of(w->t, n, n->head_len, n->tail_len));
	buf_add_char(w->body, ')');
}

void
structure_tree_write(
    const struct structure_tree *t, struct buf *body, struct buf *parts)
{
	struct writer w = {.t = t, .body = body};

	for (size_t i = 0; i < t->n; i++) {
		const struct part *p = &t->nodes[i].part;

		while (w.n_open > 0 &&
		       t->nodes[w.open[w.n_open - 1]].part.depth >= p->depth)
			end_node(&w, w.open[--w.n_open]);
		assert(w.n_open < STRUCTURE_DEPTH_MAX);
		begin_node(&w, i);
		w.open[w.n_open++] = i;
		parts_pack(p, parts);
	}
	while (w.n_open > 0)
		end_node(&w, w.open[--w.n_open]);
}
