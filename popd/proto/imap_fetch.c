/* SPDX-License-Identifier: MIT */
#include "popd/proto/imap_fetch.h"

#include <assert.h>
#include <stdlib.h>

#include "popd/proto/imap_selected.h"

static void
free_fetch(void *work)
{
	struct imap_fetch *f = work;

	imap_fetch_query_release(&f->query);
	imap_fetch_batch_release(&f->batch);
	seqset_release(&f->uids);
	seqset_release(&f->known);
	seqset_release(&f->seen);
	buf_release(&f->decoded);
	free(f);
}

/* ---- which messages ---- */

/* Walks the messages of a set that are still there. */
struct walk {
	const struct view *view;
	const struct seqset *set;
	size_t range, at; /* at: place in the view of the message given last */
	int64_t since;
};

static const struct mirror_message *
walk_next(struct walk *w)
{
	while (w->range < w->set->n) {
		const struct seqrange *r = &w->set->ranges[w->range];
		const struct mirror_message *m = view_at(w->view, w->at);

		if (m == NULL || m->uid > r->high) {
			w->range++;
			continue;
		}
		if (m->uid < r->low) {
			w->at = view_from(w->view, r->low);
			continue;
		}
		w->at++;
		if (m->modseq > w->since)
			return m;
	}
	return NULL;
}

/* Runs of the messages from number `low' to `high' of those that w gives,
 * counting from 1; what lies between two of them is gone. */
static uint64_t
take_runs(struct walk w, uint64_t low, uint64_t high, struct seqset *out)
{
	const struct mirror_message *m;
	struct seqrange run = {0, 0};
	size_t last = 0;
	uint64_t n = 0;

	while (n < high && (m = walk_next(&w)) != NULL) {
		if (++n < low)
			continue;
		if (run.low > 0 && w.at == last + 1) {
			run.high = m->uid;
		} else {
			if (run.low > 0)
				seqset_add(out, run.low, run.high);
			run.low = run.high = m->uid;
		}
		last = w.at;
	}
	if (run.low > 0)
		seqset_add(out, run.low, run.high);
	return n >= low ? n - low + 1 : 0;
}

static void
choose(struct imap *p, const struct seqset *asked,
    const struct imap_fetch_modifiers *m)
{
	struct imap_fetch *f = p->work;
	struct walk w = {.view = p->view, .set = asked, .since = -1};
	uint64_t low = 1, high = UINT64_MAX;

	if (m->changed_since)
		w.since = (int64_t)m->since;
	if (m->partial) { /* RFC 9394 s3.3 */
		low = m->low;
		high = m->high;
	}
	if (m->from_end) {
		struct seqset all = {.ranges = NULL};
		uint64_t n = take_runs(w, 1, UINT64_MAX, &all);

		seqset_release(&all);
		high = n >= m->low ? n - m->low + 1 : 0;
		low = n >= m->high ? n - m->high + 1 : 1;
	}
	f->expected = take_runs(w, low, high, &f->uids);
	f->missing = !p->uid && imap_has_ghost(p, asked);
}

/* ---- the end ---- */

static enum imap_event
finish(struct imap *p)
{
	struct imap_fetch *f = p->work;

	p->resume = NULL;
	if (f->unknown_cte) /* RFC 3516 s4.3 */
		return imap_reply(p, IMAP_NO, IMAP_CODE_UNKNOWN_CTE,
		    "A part is in an encoding unknown here");
	if (f->unreadable)
		return imap_reply(p, IMAP_NO, IMAP_CODE_SERVERBUG,
		    "Some messages cannot be read");
	if (f->missing || (!p->uid && f->told < f->expected))
		return imap_reply(p, IMAP_OK, IMAP_CODE_EXPUNGEISSUED,
		    "Some messages are gone"); /* RFC 5530 s3 */
	return imap_reply_done(p);
}

/* ---- from the mirror ---- */

static enum imap_event
mirror_on(struct imap *p)
{
	struct imap_fetch *f = p->work;

	for (; f->run < f->uids.n; f->run++) {
		const struct seqrange *r = &f->uids.ranges[f->run];
		const struct mirror_message *m;
		size_t at;

		if (f->next_uid < r->low)
			f->next_uid = r->low;
		at = view_from(p->view, f->next_uid);
		while (
		    (m = view_at(p->view, at)) != NULL && m->uid <= r->high) {
			if (imap_is_full(p)) {
				p->resume = mirror_on;
				return IMAP_DRAIN;
			}
			imap_fetch_from_mirror(p, m);
			f->next_uid = m->uid + 1;
			at++;
		}
	}
	return finish(p);
}

/* ---- from the store ---- */

static void
release_op(struct imap_op *op)
{
	struct imap_fetch_op *fetch = (struct imap_fetch_op *)op;

	imap_fetch_query_release(&fetch->query);
	imap_fetch_batch_release(&fetch->batch);
	seqset_release(&fetch->uids);
}

/* Lend the op what is asked, and the room of the batch before. */
static void
lend(struct imap_fetch *f, struct imap_fetch_op *op)
{
	op->query = f->query;
	op->uids = f->uids;
	op->batch = f->batch;
	f->query = (struct imap_fetch_query){0};
	f->uids = (struct seqset){0};
	f->batch = (struct imap_fetch_batch){0};
}

static void
take_back(struct imap_fetch *f, struct imap_fetch_op *op)
{
	f->query = op->query;
	f->uids = op->uids;
	f->batch = op->batch;
	op->query = (struct imap_fetch_query){0};
	op->uids = (struct seqset){0};
	op->batch = (struct imap_fetch_batch){0};
}

static enum imap_event
ask_batch(struct imap *p)
{
	struct imap_fetch *f = p->work;
	struct imap_fetch_op *op = imap_op_new(
	    p, IMAP_OP_FETCH, sizeof(*op), f->batch_done, release_op);

	imap_fetch_batch_clear(&f->batch);
	lend(f, op);
	op->mailbox = f->mailbox;
	op->utf8 = imap_utf8(p);
	op->from_uid = f->from_uid;
	op->from_item = f->from_item;
	return imap_ask(p, &op->op);
}

static enum imap_event
rows_on(struct imap *p)
{
	struct imap_fetch *f = p->work;
	enum imap_event ev = imap_fetch_rows(p, rows_on);

	if (ev != IMAP_NONE)
		return ev;
	return f->over ? finish(p) : ask_batch(p);
}

/* What became \Seen by it is told with the rows.  If that could not be
 * written, reading goes on all the same: a full disk must not hide mail. */
static void
done_seen(struct imap *p, struct imap_op *op)
{
	struct imap_store_op *store = (struct imap_store_op *)op;
	struct imap_fetch *f = p->work;

	for (size_t i = 0; op->rc == 0 && i < store->n_changes; i++)
		if (store->changes[i].before != store->changes[i].now.modseq)
			seqset_add(&f->seen, store->changes[i].now.uid,
			    store->changes[i].now.uid);
	p->next = rows_on(p);
}

static void
release_seen(struct imap_op *op)
{
	struct imap_store_op *store = (struct imap_store_op *)op;

	free(store->uids.uids);
	free(store->changes);
	buf_release(&store->names);
}

/* Those of the batch that are not \Seen: how many of them go into uids, if it
 * is not NULL. */
static size_t
unseen(const struct imap *p, uint32_t *uids)
{
	const struct imap_fetch *f = p->work;
	size_t n = 0;

	for (size_t i = 0; i < f->batch.n_rows; i++) {
		const struct mirror_message *m = view_message(
		    p->view, f->batch.rows[i].uid);

		if (m == NULL || (m->flags & IMAP_SEEN))
			continue;
		if (uids != NULL)
			uids[n] = m->uid;
		n++;
	}
	return n;
}

static enum imap_event
make_seen(struct imap *p, size_t n)
{
	struct imap_fetch *f = p->work;
	struct imap_store_op *op = imap_op_new(
	    p, IMAP_OP_STORE, sizeof(*op), done_seen, release_seen);

	op->mailbox = f->mailbox;
	op->uids.uids = mem_new(n, sizeof(*op->uids.uids));
	op->uids.n = unseen(p, op->uids.uids);
	op->how = IMAP_STORE_ADD;
	op->flags = IMAP_SEEN;
	buf_init(&op->names, 1);
	op->unchanged_since = INT64_MAX;
	return imap_ask(p, &op->op);
}

static void
done_batch(struct imap *p, struct imap_op *op)
{
	struct imap_fetch_op *fetch = (struct imap_fetch_op *)op;
	struct imap_fetch *f = p->work;
	size_t n = 0;

	take_back(f, fetch);
	if (op->rc == -1) {
		if (f->open)
			imap_fetch_row_end(p);
		imap_reply_failed(p, op);
		return;
	}
	f->row = f->value = f->copied = 0;
	f->over = fetch->over;
	f->from_uid = fetch->from_uid;
	f->from_item = fetch->from_item;
	f->unknown_cte |= fetch->unknown_cte;
	f->unreadable |= fetch->unreadable;
	imap_fetch_row_on(p);
	if (f->query.seen && !p->read_only)
		n = unseen(p, NULL);
	p->next = n > 0 ? make_seen(p, n) : rows_on(p);
}

/* ---- the command ---- */

static enum imap_event
begin(struct imap *p)
{
	struct imap_fetch *f = p->work;

	if (f->uids.n == 0)
		return finish(p);
	if (f->query.from == IMAP_FROM_MIRROR)
		return mirror_on(p);
	f->batch_done = done_batch;
	return ask_batch(p);
}

static void
done_vanished(struct imap *p, struct imap_op *op)
{
	struct imap_fetch *f = p->work;

	if (op->rc == -1) {
		imap_reply_failed(p, op);
		return;
	}
	imap_tell_earlier(p, &((struct imap_vanished_op *)op)->gone, &f->known);
	p->next = begin(p);
}

static void
release_vanished(struct imap_op *op)
{
	seqset_release(&((struct imap_vanished_op *)op)->gone);
}

static enum imap_event
ask_vanished(struct imap *p)
{
	struct imap_fetch *f = p->work;
	struct imap_vanished_op *op = imap_op_new(
	    p, IMAP_OP_VANISHED, sizeof(*op), done_vanished, release_vanished);

	op->mailbox = f->mailbox;
	op->since = f->since;
	return imap_ask(p, &op->op);
}

/* What the client asked about, though there is no such message any more: that
 * is what VANISHED is about. */
static void
keep_known(struct imap *p, struct imap_args a)
{
	struct imap_fetch *f = p->work;

	if (!imap_arg_seqset(&a, &f->known))
		return; /* imap_take_set() says so */
	if (f->known.saved)
		seqset_add_all(&f->known, &p->saved);
	seqset_resolve(
	    &f->known, mirror_facts(view_mirror(p->view))->uid_next - 1);
}

/* RFC 7162 s3.2.6: VANISHED wants UID, QRESYNC and CHANGEDSINCE. */
static const char *
misused(const struct imap *p, const struct imap_fetch_modifiers *m)
{
	if (m->vanished &&
	    !(p->uid && m->changed_since && imap_has(p, IMAP_HAS_QRESYNC)))
		return "VANISHED is for UID FETCH with CHANGEDSINCE after "
		       "ENABLE QRESYNC";
	if (m->partial && !p->uid)
		return "PARTIAL is for UID FETCH";
	return NULL;
}

/* Items that come without being asked for, and what the command enables. */
static void
imply(struct imap *p, const struct imap_fetch_modifiers *m)
{
	struct imap_fetch *f = p->work;

	if (m->changed_since) /* RFC 7162 s3.1.4.1 */
		imap_fetch_want(&f->query, IMAP_FETCH_MODSEQ, false);
	if (imap_fetch_wants(&f->query, IMAP_FETCH_MODSEQ)) /* s3.1 */
		imap_enable(p, IMAP_HAS_CONDSTORE);
	if (p->uid && !imap_has(p, IMAP_HAS_UIDONLY))
		imap_fetch_want(&f->query, IMAP_FETCH_UID, true);
}

enum imap_event
imap_cmd_fetch(struct imap *p, struct imap_args *a)
{
	struct imap_fetch *f = MEM_NEW(struct imap_fetch);
	struct imap_fetch_modifiers m;
	struct seqset asked = {.ranges = NULL};
	const char *wrong = "Arguments missing";
	struct imap_args set = *a;

	p->work = f;
	p->free_work = free_fetch;
	buf_init(&f->batch.text, 64 * MB);
	f->mailbox = mirror_facts(view_mirror(p->view))->mailbox;
	f->from_uid = 1;
	if (!imap_take_set(p, a, &asked)) {
		seqset_release(&asked);
		return IMAP_NONE;
	}
	if (!imap_arg_space(a) ||
	    !imap_fetch_take_items(p, a, &f->query, &wrong) ||
	    !imap_fetch_take_modifiers(p, a, &m, &wrong) ||
	    (wrong = misused(p, &m)) != NULL) {
		seqset_release(&asked);
		return imap_reply_syntax(p, wrong);
	}
	imply(p, &m);
	choose(p, &asked, &m);
	seqset_release(&asked);
	if (!m.vanished)
		return begin(p);
	f->since = (int64_t)m.since;
	keep_known(p, set);
	return ask_vanished(p);
}
