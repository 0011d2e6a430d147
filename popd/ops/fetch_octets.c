/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/mime/cte.h"
#include "common/store/body.h"
#include "common/util/mem.h"
#include "popd/ops/fetch_run.h"
#include "popd/ops/header_cache.h"

#define PIECE      (64 * KB)
#define OCTETS_MAX (64 * MB) /* no message comes near */

struct fetch_plan {
	const struct imap_fetch_item *item;
	size_t value; /* in batch.values */
	struct imap_span span;
	bool decode;
	size_t at; /* in fetch_run.raw */
};

static void
short_text(struct fetch_run *r, size_t value,
    const struct imap_fetch_item *item, const char *text)
{
	struct imap_fetch_value *v = fetch_begin_text(r, value, item);

	buf_add(&r->op->batch.text, str_of(text));
	fetch_end_text(r, v);
}

/* Octets, as a literal; with NULs in it as RFC 3516 s4.3 has it. */
static void
octets(struct fetch_run *r, const struct fetch_plan *p, struct str text)
{
	struct buf *out = &r->op->batch.text;
	struct imap_fetch_value *v;
	size_t nul;

	if (text.len == 0) {
		short_text(r, p->value, p->item, " \"\"");
		return;
	}
	v = fetch_begin_text(r, p->value, p->item);
	buf_addf(out, " %s{%zu}\r\n",
	    p->item->decoded && str_find(text, '\0', &nul) ? "~" : "",
	    text.len);
	buf_add(out, text);
	fetch_end_text(r, v);
}

static void
stream(struct fetch_run *r, const struct fetch_plan *p, uint64_t skip,
    uint64_t send)
{
	struct imap_fetch_value *v = fetch_begin_text(r, p->value, p->item);

	fetch_end_text(r, v);
	v->kind = IMAP_VALUE_STREAM;
	v->from = p->span.at;
	v->octets = p->span.len;
	v->encoding = p->decode ? p->span.encoding : PART_PLAIN;
	v->skip = skip;
	v->send = send;
	v->binary = p->item->decoded;
}

/* ---- what is kept ---- */

bool
fetch_may_be_kept(const struct imap_fetch_item *item)
{
	return item->from == IMAP_FROM_OCTETS && !item->partial &&
	       (item->section.what == IMAP_SECTION_FIELDS ||
		   item->section.what == IMAP_SECTION_FIELDS_NOT);
}

unsigned
fetch_find_kept(struct fetch_run *r)
{
	const struct imap_fetch_query *q = &r->op->query;
	bool all = true;

	if (r->headers == NULL || r->want == r->want_else)
		return r->want;
	if (r->kept == NULL) {
		r->kept = mem_new(q->n, sizeof(*r->kept));
		buf_init(&r->kept_text, q->n * HEADER_CACHE_TEXT);
	}
	buf_clear(&r->kept_text);
	for (size_t i = 0; i < q->n; i++) {
		struct fetch_kept *k = &r->kept[i];

		if (!fetch_may_be_kept(&q->items[i]))
			continue;
		k->at = r->kept_text.len;
		k->there = header_cache_get(r->headers, r->body,
		    buf_str(&q->items[i].label), &r->kept_text);
		k->len = r->kept_text.len - k->at;
		all &= k->there;
	}
	return all ? r->want_else : r->want;
}

static bool
find_kept(
    struct fetch_run *r, const struct imap_fetch_item *item, struct str *text)
{
	const struct fetch_kept *k;

	if (r->kept == NULL)
		return false;
	k = &r->kept[item - r->op->query.items];
	*text = str_first(str_after(buf_str(&r->kept_text), k->at), k->len);
	return k->there;
}

static void
keep(struct fetch_run *r, const struct imap_fetch_item *item, struct str text)
{
	if (r->headers != NULL && fetch_may_be_kept(item))
		header_cache_put(
		    r->headers, r->body, buf_str(&item->label), text);
}

/* ---- plans ---- */

/* The part of `len' octets that the item asks for. */
static void
cut(const struct imap_fetch_item *item, uint64_t len, uint64_t *skip,
    uint64_t *send)
{
	*skip = item->partial && item->start < len ? item->start : 0;
	*send = item->partial && item->start >= len ? 0 : len - *skip;
	if (item->partial && *send > item->count)
		*send = item->count;
}

static void
add_plan(struct fetch_run *r, const struct fetch_plan *p)
{
	if (r->n_plans == r->room) {
		r->room = r->room * 2 + 8;
		r->plans = mem_grow(r->plans, r->room, sizeof(*r->plans));
	}
	r->plans[r->n_plans++] = *p;
}

void
fetch_plan(struct fetch_run *r, const struct imap_fetch_item *item,
    size_t value, uint64_t message_size, uint64_t *read)
{
	struct fetch_plan p = {.item = item, .value = value};
	uint64_t skip = 0, send;
	struct str kept;

	*read = 0;
	if (find_kept(r, item, &kept)) {
		octets(r, &p, kept);
		return;
	}
	if (!imap_section_find(
		&item->section, r->info.parts, message_size, &p.span)) {
		short_text(r, value, item,
		    item->kind == IMAP_FETCH_BINARY_SIZE ? " 0" : " NIL");
		return;
	}
	p.decode = item->decoded && p.span.encoding != PART_PLAIN;
	if (p.decode && p.span.encoding == PART_UNKNOWN_ENCODING) {
		r->op->unknown_cte = true;
		return;
	}
	if (item->kind == IMAP_FETCH_BINARY_SIZE) {
		struct imap_fetch_value *v = fetch_begin_text(r, value, item);

		buf_addf(&r->op->batch.text, " %llu",
		    (unsigned long long)(p.decode ? p.span.decoded_len
						  : p.span.len));
		fetch_end_text(r, v);
		return;
	}
	cut(item, p.decode ? p.span.decoded_len : p.span.len, &skip, &send);
	if (!p.decode && !p.span.filtered) {
		p.span.at += skip;
		p.span.len = send;
		skip = 0;
	}
	if (send == 0 && !p.span.filtered)
		octets(r, &p, STR(""));
	else if (p.span.len > IMAP_BATCH_OCTETS)
		stream(r, &p, skip, send);
	else {
		*read = p.span.len;
		p.at = (size_t)r->planned;
		add_plan(r, &p);
		r->planned += *read;
	}
}

void
fetch_drop_plan(struct fetch_run *r, uint64_t read)
{
	assert(r->n_plans > 0 && read <= r->planned);
	r->n_plans--;
	r->planned -= read;
}

/* The octets of its span become what was asked for. */
static void
cook(struct fetch_run *r, const struct fetch_plan *p, struct str text)
{
	uint64_t skip, send;

	if (p->decode || p->span.filtered) {
		buf_clear(&r->cooked);
		if (p->decode) {
			struct cte_decoder d;

			cte_decoder_init(&d, p->span.encoding);
			cte_decode(&d, text, &r->cooked);
			cte_decode_end(&d, &r->cooked);
		} else {
			imap_section_filter(
			    &p->item->section, text, &r->cooked);
			keep(r, p->item, buf_str(&r->cooked));
		}
		assert(!r->cooked.overrun);
		cut(p->item, r->cooked.len, &skip, &send);
		text = str_first(
		    str_after(buf_str(&r->cooked), (size_t)skip), (size_t)send);
	}
	octets(r, p, text);
}

/* Copy what the plans want of a piece of the message that begins at `at'. */
static void
distribute(struct fetch_run *r, uint64_t at, struct str piece)
{
	for (size_t i = 0; i < r->n_plans; i++) {
		const struct fetch_plan *p = &r->plans[i];
		uint64_t from = p->span.at, to = p->span.at + p->span.len;

		if (from < at)
			from = at;
		if (to > at + piece.len)
			to = at + piece.len;
		if (from < to)
			memcpy(r->raw.data + p->at + (from - p->span.at),
			    piece.at + (from - at), (size_t)(to - from));
	}
}

/* Where the last of the plans ends in the message. */
static uint64_t
end_of_plans(const struct fetch_run *r)
{
	uint64_t end = 0;

	for (size_t i = 0; i < r->n_plans; i++)
		if (r->plans[i].span.at + r->plans[i].span.len > end)
			end = r->plans[i].span.at + r->plans[i].span.len;
	return end;
}

static int
too_short(struct fetch_run *r, int64_t id)
{
	return fail(
	    r->f, FAIL_PERM, "body %lld is shorter than said", (long long)id);
}

/* Of a large message what is wanted is gathered first. */
static int
cook_pieces(struct fetch_run *r, int64_t id, struct body *b)
{
	uint64_t at = 0, end = end_of_plans(r);
	int got = 1;

	buf_clear(&r->raw);
	buf_reserve(&r->raw, (size_t)r->planned);
	while (got == 1 && at < end) {
		buf_clear(&r->cooked);
		got = body_read(b,
		    end - at < PIECE ? (size_t)(end - at) : PIECE, &r->cooked,
		    r->f);
		distribute(r, at, buf_str(&r->cooked));
		at += r->cooked.len;
	}
	if (got == -1)
		return -1;
	if (at < end)
		return too_short(r, id);
	for (size_t i = 0; i < r->n_plans; i++) {
		const struct fetch_plan *p = &r->plans[i];

		cook(r, p,
		    (struct str){r->raw.data + p->at, (size_t)p->span.len});
	}
	return 0;
}

static int
cook_whole(struct fetch_run *r, int64_t id, struct str whole)
{
	if (end_of_plans(r) > whole.len)
		return too_short(r, id);
	for (size_t i = 0; i < r->n_plans; i++) {
		const struct fetch_plan *p = &r->plans[i];

		cook(r, p,
		    (struct str){whole.at + p->span.at, (size_t)p->span.len});
	}
	return 0;
}

static int
answer_plans(struct fetch_run *r, int64_t id)
{
	struct body *b = body_open(r->db, id, r->f);
	struct str whole;
	int rc;

	if (b == NULL)
		return -1;
	if (r->raw.limit == 0)
		buf_init(&r->raw, OCTETS_MAX);
	if (r->cooked.limit == 0)
		buf_init(&r->cooked, OCTETS_MAX);
	whole = body_whole(b);
	rc = whole.at != NULL ? cook_whole(r, id, whole)
	                      : cook_pieces(r, id, b);
	body_free(b);
	return rc;
}

int
fetch_carry_out(struct fetch_run *r, int64_t id)
{
	if (r->n_plans == 0 || answer_plans(r, id) == 0)
		return 0;
	if (fetch_spare(r) == -1)
		return -1;
	for (size_t i = 0; i < r->n_plans; i++)
		short_text(r, r->plans[i].value, r->plans[i].item, " NIL");
	return 0;
}

void
fetch_octets_release(struct fetch_run *r)
{
	buf_release(&r->cooked);
	buf_release(&r->raw);
	buf_release(&r->kept_text);
	free(r->kept);
	free(r->plans);
}
