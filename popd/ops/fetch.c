/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "common/mime/structure.h"
#include "common/store/message.h"
#include "common/util/mem.h"
#include "popd/ops/fetch_run.h"
#include "popd/ops/ops.h"
#include "popd/proto/imap_out.h"

#define ROWS_AT_ONCE   500
#define BODIES_AT_ONCE 50 /* rows read when their octets are wanted too */

/* ---- items of the row and its info ---- */

static void
internal_date(struct fetch_run *r, const struct message_row *m, struct buf *out)
{
	(void)r;
	imap_out_date_time(out, m->received_ms / 1000);
}

static void
size(struct fetch_run *r, const struct message_row *m, struct buf *out)
{
	(void)r;
	buf_addf(out, "%llu", (unsigned long long)m->size);
}

static void
save_date(struct fetch_run *r, const struct message_row *m, struct buf *out)
{
	(void)r;
	imap_out_date_time(
	    out, (m->saved_ms > 0 ? m->saved_ms : m->received_ms) / 1000);
}

static void
email_id(struct fetch_run *r, const struct message_row *m, struct buf *out)
{
	(void)r;
	buf_add_char(out, '(');
	imap_out_objectid(out, 'M', m->email);
	buf_add_char(out, ')');
}

static void
thread_id(struct fetch_run *r, const struct message_row *m, struct buf *out)
{
	(void)r, (void)m;
	buf_add(out, STR("NIL")); /* RFC 8474 s5.2: there are no threads */
}

static void
envelope(struct fetch_run *r, const struct message_row *m, struct buf *out)
{
	(void)m;
	buf_add(out, r->info.envelope);
}

static void
body_structure(
    struct fetch_run *r, const struct message_row *m, struct buf *out)
{
	(void)m;
	buf_add(out, r->info.structure);
}

static void
body(struct fetch_run *r, const struct message_row *m, struct buf *out)
{
	(void)m;
	structure_strip(r->info.structure, out);
}

static void
preview(struct fetch_run *r, const struct message_row *m, struct buf *out)
{
	(void)m;
	imap_out_string(out, r->info.preview, r->op->utf8);
}

/* Items with a function are answered by it at once. */
static const struct {
	unsigned want;
	void (*write)(
	    struct fetch_run *r, const struct message_row *m, struct buf *out);
} answers[IMAP_FETCH_KINDS] = {
    [IMAP_FETCH_INTERNALDATE] = {0,              internal_date },
    [IMAP_FETCH_SIZE] = {0,              size          },
    [IMAP_FETCH_SAVEDATE] = {0,              save_date     },
    [IMAP_FETCH_EMAILID] = {0,              email_id      },
    [IMAP_FETCH_THREADID] = {0,              thread_id     },
    [IMAP_FETCH_ENVELOPE] = {INFO_ENVELOPE,  envelope      },
    [IMAP_FETCH_STRUCTURE] = {INFO_STRUCTURE, body_structure},
    [IMAP_FETCH_BODY] = {INFO_STRUCTURE, body          },
    [IMAP_FETCH_PREVIEW] = {INFO_PREVIEW,   preview       },
};

/* ---- values ---- */

struct imap_fetch_value *
fetch_begin_text(
    struct fetch_run *r, size_t value, const struct imap_fetch_item *item)
{
	struct imap_fetch_batch *b = &r->op->batch;
	struct imap_fetch_value *v = &b->values[value];

	v->kind = IMAP_VALUE_TEXT;
	v->at = b->text.len;
	buf_add(&b->text, buf_str(&item->label));
	return v;
}

void
fetch_end_text(struct fetch_run *r, struct imap_fetch_value *v)
{
	v->len = r->op->batch.text.len - v->at;
}

int
fetch_spare(struct fetch_run *r)
{
	if (r->f->kind != FAIL_PERM)
		return -1;
	r->op->unreadable = true;
	r->readable = false;
	return 0;
}

/* ---- rows ---- */

/* Answer items of a row from `first' on as long as there is room: how far that
 * went. */
static size_t
answer(struct fetch_run *r, const struct message_row *m, size_t first,
    size_t value)
{
	struct imap_fetch_batch *b = &r->op->batch;
	size_t i;

	r->n_plans = 0;
	r->planned = 0;
	for (i = first; i < r->op->query.n; i++, value++) {
		const struct imap_fetch_item *item = &r->op->query.items[i];
		struct imap_fetch_value *v = &b->values[value];
		uint64_t read = 0;

		*v = (struct imap_fetch_value){.kind = IMAP_VALUE_NONE};
		if (i > first && b->text.len + r->planned >= IMAP_BATCH_OCTETS)
			break;
		if (item->from == IMAP_FROM_MIRROR) {
			v->kind = IMAP_VALUE_MIRROR;
		} else if (answers[item->kind].write != NULL) {
			if (answers[item->kind].want != 0 && !r->readable)
				continue;
			v = fetch_begin_text(r, value, item);
			buf_add_char(&b->text, ' ');
			answers[item->kind].write(r, m, &b->text);
			fetch_end_text(r, v);
		} else if (r->readable) {
			fetch_plan(r, item, value, m->size, &read);
		}
		if (i > first && read > 0 &&
		    b->text.len + r->planned > IMAP_BATCH_OCTETS) {
			fetch_drop_plan(r, read);
			break;
		}
	}
	return i - first;
}

static int
read_info(struct fetch_run *r, int64_t id)
{
	unsigned want = fetch_find_kept(r);
	int got;

	r->readable = true;
	if (want == 0)
		return 0;
	got = info_read(r->db, id, want, &r->info, r->f);
	if (got == 0) {
		fail(r->f, FAIL_PERM, "body %lld is gone", (long long)id);
		got = -1;
	}
	return got == -1 ? fetch_spare(r) : 0;
}

/* Room for a row and all its values. */
static void
make_room(struct imap_fetch_batch *b, size_t values)
{
	if (b->n_rows == b->rows_room) {
		b->rows_room = b->rows_room * 2 + 16;
		b->rows = mem_grow(b->rows, b->rows_room, sizeof(*b->rows));
	}
	if (b->n_values + values > b->values_room) {
		b->values_room = b->values_room * 2 + values;
		b->values = mem_grow(
		    b->values, b->values_room, sizeof(*b->values));
	}
}

/* 1 it is in the batch and there is room for more, 0 the batch is full, and
 * the op says where to go on, -1. */
static int
add_row(struct fetch_run *r, const struct message_row *m, size_t first)
{
	struct imap_fetch_op *op = r->op;
	struct imap_fetch_batch *b = &op->batch;
	size_t text = b->text.len, n;

	r->body = m->body;
	if (read_info(r, m->body) == -1)
		return -1;
	make_room(b, op->query.n);
	n = answer(r, m, first, b->n_values);
	op->from_uid = m->uid;
	op->from_item = first;
	if (b->n_rows > 0 &&
	    (first + n < op->query.n ||
		b->text.len + r->planned > IMAP_BATCH_OCTETS)) {
		buf_cut(&b->text, text); /* it begins the next batch */
		return 0;
	}
	if (fetch_carry_out(r, m->body) == -1)
		return -1;
	b->rows[b->n_rows++] = (struct imap_fetch_row){.uid = m->uid,
	    .body = m->body,
	    .trace = m->trace,
	    .value = b->n_values,
	    .item = first,
	    .n = n};
	b->n_values += n;
	op->from_item = first + n;
	if (op->from_item < op->query.n)
		return 0;
	op->from_uid = m->uid + 1; /* UIDs end below UINT32_MAX */
	op->from_item = 0;
	return b->n_rows < IMAP_BATCH_ROWS && b->text.len < IMAP_BATCH_OCTETS;
}

/* The messages of one run of UIDs: as add_row(). */
static int
add_range(struct fetch_run *r, uint32_t low, uint32_t high)
{
	bool bodies = (r->op->query.from & IMAP_FROM_OCTETS) != 0;
	size_t max = bodies ? BODIES_AT_ONCE : ROWS_AT_ONCE, n = max;
	int got = 1;

	while (got == 1 && n == max && low <= high) {
		struct message_row *rows;

		if (message_rows(r->db, r->op->mailbox, low, high, max, &rows,
			&n, r->f) == -1)
			return -1;
		for (size_t i = 0; got == 1 && i < n; i++) {
			bool on = rows[i].uid == r->op->from_uid;

			got = add_row(r, &rows[i], on ? r->op->from_item : 0);
		}
		if (n > 0)
			low = rows[n - 1].uid + 1;
		free(rows);
	}
	return got;
}

static int
add_rows(struct fetch_run *r)
{
	const struct seqset *uids = &r->op->uids;
	int got = 1;

	for (size_t i = 0; got == 1 && i < uids->n; i++) {
		uint32_t low = uids->ranges[i].low;

		if (low < r->op->from_uid)
			low = r->op->from_uid;
		if (low <= uids->ranges[i].high)
			got = add_range(r, low, uids->ranges[i].high);
	}
	r->op->over = got == 1;
	return got == -1 ? -1 : 0;
}

/* kept: fields that may be kept are. */
static unsigned
wanted(const struct imap_fetch_query *q, bool kept)
{
	unsigned want = 0;

	for (size_t i = 0; i < q->n; i++) {
		const struct imap_fetch_item *item = &q->items[i];

		want |= answers[item->kind].want;
		if (item->from == IMAP_FROM_OCTETS &&
		    imap_section_needs_parts(&item->section) &&
		    !(kept && fetch_may_be_kept(item)))
			want |= INFO_PARTS;
	}
	return want;
}

int
imap_run_fetch(struct db *db, const struct ops_context *c, struct imap_op *op)
{
	struct imap_fetch_op *fetch = (struct imap_fetch_op *)op;
	struct fetch_run r = {.db = db, .op = fetch, .f = &op->fail};

	r.want = wanted(&fetch->query, false);
	r.want_else = wanted(&fetch->query, true);
	r.headers = c->headers;
	info_init(&r.info);
	op->rc = add_rows(&r);
	fetch_octets_release(&r);
	info_release(&r.info);
	return op->rc;
}
