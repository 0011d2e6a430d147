/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "common/mime/date.h"
#include "common/mime/text.h"
#include "common/store/search.h"
#include "common/util/mem.h"
#include "popd/ops/ops.h"
#include "popd/ops/search_gather.h"
#include "popd/ops/search_text.h"

/* What a slice may cost, in rows: about 20 ms.  A message that takes more is
 * looked at in several, each of which has to read it anew. */
#define SLICE         1000
#define MESSAGE_SLICE (16 * SLICE)
#define INFO_COST     4
#define TEXT_COST     30 /* and one for each TEXT_OCTETS read or looked at */
#define TEXT_OCTETS   (8 * KB)
#define KEYS_COST     32 /* keys that cost as much as a row */

#define ROWS_AT_ONCE  500
#define TEXTS_AT_ONCE 50 /* rows read when their texts are wanted too */
#define HALF_MAX      (2 * TEXT_MAX) /* of head and text, each */
#define DAY_MS        (INT64_C(86400) * 1000)

struct run {
	struct db *db;
	struct imap_search_op *op;
	struct fail *f;
	enum search_level needed; /* by the keys */
	size_t text_keys;
	unsigned want; /* of enum info_want, by the keys and the order */
	size_t cost;

	/* the row at hand, and what is known of it */
	const struct message_row *row;
	enum search_level known;
	bool has_info;
	bool cut; /* the slice is over before all is known */
	struct info info;
	struct buf head, text;
	struct search_gather gather;
};

/* ---- one message ---- */

static int64_t
day(int64_t ms)
{
	return ms / DAY_MS - (ms % DAY_MS < 0);
}

static enum search_truth
by_sent_day(struct run *r, const struct search_key *k)
{
	int64_t sent_s, sent;

	buf_clear(&r->gather.text);
	search_envelope_string(
	    r->info.envelope, ENVELOPE_DATE, &r->gather.text);
	return date_sent(buf_str(&r->gather.text), &sent_s, &sent) &&
	       search_in_range(k, sent);
}

/* What the text says to a key, which may have been found in a slice before. */
static enum search_truth
by_text(
    struct run *r, const struct search_program *q, const struct search_key *k)
{
	unsigned char *said = &r->op->said[k - q->keys];

	if (*said == 0 && r->cost >= MESSAGE_SLICE) {
		r->cut = true;
		return SEARCH_OPEN;
	}
	if (*said == 0) {
		r->cost += (r->head.len + r->text.len) / TEXT_OCTETS;
		*said = 1 + search_text_has(
				q, k, buf_str(&r->head), buf_str(&r->text));
	}
	return (enum search_truth)(*said - 1);
}

static enum search_truth
judge_leaf(
    void *arg, const struct search_program *q, const struct search_key *k)
{
	struct run *r = arg;
	const struct message_row *m = r->row;
	enum search_level level = search_level_of(k->kind);

	if (level == SEARCH_BY_TEXT && r->known >= SEARCH_BY_INDEX &&
	    r->known < SEARCH_BY_TEXT)
		return search_guess(r->op, k, m->body);
	if (level > r->known)
		return SEARCH_OPEN;
	switch (k->kind) {
	case SEARCH_FLAGS:
		return (m->flags & k->flags) != 0;
	case SEARCH_MODSEQ:
		return search_in_range(k, m->modseq);
	case SEARCH_SIZE:
		return search_in_range(k, (int64_t)m->size);
	case SEARCH_RECEIVED_DAY:
		return search_in_range(k, day(m->received_ms));
	case SEARCH_RECEIVED:
		return search_in_range(k, m->received_ms / 1000);
	case SEARCH_SAVED_DAY:
		return search_in_range(
		    k, day(m->saved_ms > 0 ? m->saved_ms : m->received_ms));
	case SEARCH_EMAIL:
		return m->email == k->email;
	case SEARCH_SENT_DAY:
		return by_sent_day(r, k);
	case SEARCH_HEADER:
	case SEARCH_BODY:
	case SEARCH_TEXT:
		return by_text(r, q, k);
	default:
		return search_by_uid(q, k, m->uid);
	}
}

/* A damaged message has no text, but must not keep the others away. */
static int
spare(struct run *r)
{
	if (r->f->kind != FAIL_PERM)
		return -1;
	r->op->unreadable = true;
	return 0;
}

static int
read_info(struct run *r)
{
	int got;

	if (r->has_info || r->want == 0)
		return 0;
	r->has_info = true;
	r->cost += INFO_COST;
	got = info_read(r->db, r->row->body, r->want, &r->info, r->f);
	if (got == 1)
		return 0;
	info_release(&r->info);
	return got == -1 ? spare(r) : 0;
}

static int
read_text(struct run *r)
{
	int got;

	buf_clear(&r->head);
	buf_clear(&r->text);
	got = search_text(r->db, r->row->body, &r->head, &r->text, r->f);
	if (got != 1) {
		buf_clear(&r->head);
		buf_clear(&r->text);
	}
	r->cost += TEXT_COST + (r->head.len + r->text.len) / TEXT_OCTETS;
	return got == -1 ? spare(r) : 0;
}

/* Get to know the row at hand as far as it takes: cheap things first. */
static int
judge(struct run *r, enum search_truth *out)
{
	*out = SEARCH_OPEN;
	for (r->known = SEARCH_BY_ROW; *out == SEARCH_OPEN && !r->cut;
	     r->known++) {
		if (r->known == SEARCH_BY_INFO && read_info(r) == -1)
			return -1;
		if (r->known == SEARCH_BY_TEXT && read_text(r) == -1)
			return -1;
		*out = search_judge(&r->op->program, judge_leaf, r);
	}
	return 0;
}

/* 1 it is known, 0 the slice is over before that, -1. */
static int
look_at(struct run *r, const struct message_row *row)
{
	enum search_truth t;

	if (r->op->said != NULL && r->op->said_of != row->uid)
		memset(r->op->said, 0, r->op->program.n);
	r->op->said_of = row->uid;
	r->row = row;
	r->has_info = false;
	r->cost += 1 + r->op->program.n / KEYS_COST;
	if (judge(r, &t) == -1)
		return -1;
	if (t == SEARCH_OPEN) /* the next slice begins with it */
		return 0;
	if (t == SEARCH_NO)
		return 1;
	if (r->op->order != SEARCH_UNSORTED && read_info(r) == -1)
		return -1;
	seqset_add(&r->op->found, row->uid, row->uid);
	search_gather_add(&r->gather, r->op, row, &r->info);
	if (r->op->rows.text.overrun)
		return fail(r->f, FAIL_PERM, "there is too much to be sorted");
	return 1;
}

/* ---- all of them ---- */

/* The last UID to be read together with those from `low' on, which are in the
 * set's i-th range: small gaps between ranges are read over. */
static uint32_t
reach(const struct seqset *set, size_t i, uint32_t low, size_t max)
{
	uint32_t high = set->ranges[i].high;

	for (i++; i < set->n && set->ranges[i].high - low < 2 * max; i++)
		high = set->ranges[i].high;
	return high;
}

/* 1 the slice is over, 0 all were looked at, -1. */
static int
look_at_all(struct run *r)
{
	struct imap_search_op *op = r->op;
	size_t max = r->needed == SEARCH_BY_TEXT ? TEXTS_AT_ONCE : ROWS_AT_ONCE;
	uint32_t low;

	while (seqset_from(&op->uids, op->from_uid, &low)) {
		struct message_row *rows;
		size_t n, i = 0;
		uint32_t high;
		int rc = 1;

		while (op->uids.ranges[i].high < low)
			i++;
		high = reach(&op->uids, i, low, max);
		if (message_rows(r->db, op->mailbox, low, high, max, &rows, &n,
			r->f) == -1)
			return -1;
		for (i = 0; i < n && rc == 1 && r->cost < SLICE; i++) {
			if (seqset_has(&op->uids, rows[i].uid))
				rc = look_at(r, &rows[i]);
			op->from_uid = rows[i].uid + (rc == 1);
		}
		if (i == n && n < max && rc == 1)
			op->from_uid = high + 1; /* UIDs end below UINT32_MAX */
		free(rows);
		if (rc == -1)
			return -1;
		r->cost++;
		if (r->cost >= SLICE)
			return 1;
	}
	return 0;
}

static unsigned
progress(const struct imap_search_op *op)
{
	const struct seqset *s = &op->uids;
	uint64_t first = s->ranges[0].low, last = s->ranges[s->n - 1].high;

	if (op->from_uid > last)
		return 1000;
	if (op->from_uid <= first)
		return 0;
	return (unsigned)((op->from_uid - first) * 1000 / (last - first + 1));
}

static void
prepare(struct run *r)
{
	struct imap_search_op *op = r->op;

	r->needed = search_program_level(&op->program);
	for (size_t i = 0; i < op->program.n; i++) {
		enum search_level level = search_level_of(
		    op->program.keys[i].kind);

		r->text_keys += level == SEARCH_BY_TEXT;
		if (level == SEARCH_BY_INFO)
			r->want |= INFO_ENVELOPE;
	}
	r->want |= search_gather_wants(op);
	if (r->text_keys > 0 && !op->looked_up) {
		search_look_up(r->db, op);
		op->said = mem_new(op->program.n, 1);
	}
	op->looked_up = true;
}

/* All were looked at: the order needs no database, but may take its time, which
 * the loop has not. */
static void
arrange(struct imap_search_op *op)
{
	if (op->order == SEARCH_SORTED)
		sort_finish(&op->rows, &op->sort);
	if (op->order == SEARCH_THREADED)
		thread_finish(op->threads);
}

int
imap_run_search(struct db *db, const struct ops_context *c, struct imap_op *op)
{
	struct imap_search_op *s = (struct imap_search_op *)op;
	struct run r = {.db = db, .op = s, .f = &op->fail};
	int got;

	(void)c;
	info_init(&r.info);
	buf_init(&r.head, HALF_MAX);
	buf_init(&r.text, HALF_MAX);
	search_gather_init(&r.gather);
	prepare(&r);
	got = look_at_all(&r);
	op->again = got == 1;
	op->done_permille = progress(s);
	if (got == 0)
		arrange(s);
	search_gather_release(&r.gather);
	buf_release(&r.text);
	buf_release(&r.head);
	info_release(&r.info);
	op->rc = got == -1 ? -1 : 0;
	return op->rc;
}
