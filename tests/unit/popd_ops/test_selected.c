/* SPDX-License-Identifier: MIT */
/*
 * The deltas of ops say all that happened: mirrors that live on them alone,
 * and mirrors that are brought up to date now and then, are what a mirror that
 * is read anew is.
 */
#include "popd/ops/ops.h"
#include "popd/proto/imap_selected_op.h"
#include "tests/unit/store/fixture.h"

#define BOXES 3
#define STEPS 250

static const char *const names[BOXES] = {"INBOX", "Archive", "Trash"};

struct world {
	struct fixture x;
	int64_t ids[BOXES];
	struct mirror *fed[BOXES];  /* by deltas */
	struct mirror *late[BOXES]; /* by ops_refresh() */
	unsigned random;
};

static unsigned
pick(struct world *w, unsigned n)
{
	w->random = w->random * 1103515245 + 12345;
	return (w->random >> 16) % n;
}

static int
run_op(struct db *db, void *arg, struct fail *f)
{
	struct imap_op *op = arg;
	struct ops_context c = {.login = STR("alice@d.test"),
	    .peer = STR("192.0.2.1"),
	    .client = STR("test"),
	    .now_ms = NOW};
	int rc = ops_run(db, &c, op);

	*f = op->fail;
	return rc;
}

static int
carry_out(struct world *w, struct imap_op *op)
{
	struct fail f;

	op->account = w->x.alice;
	return ops_writes(op->kind) ? db_write(w->x.db, run_op, op, &f)
	                            : db_read(w->x.db, run_op, op, &f);
}

/* ---- mirrors ---- */

struct look {
	int64_t mailbox, modseq;
	uint32_t uid_next;
	struct mirror *mirror;
	struct ops_refresh refresh;
	int found;
};

static int
look_all(struct db *db, void *arg, struct fail *f)
{
	struct look *l = arg;

	return l->found = ops_mirror(db, l->mailbox, &l->mirror, f);
}

static int
look_again(struct db *db, void *arg, struct fail *f)
{
	struct look *l = arg;

	return l->found = ops_refresh(
		   db, l->mailbox, l->modseq, l->uid_next, &l->refresh, f);
}

static int
look(struct world *w, db_work *how, struct look *l)
{
	struct fail f;

	db_read(w->x.db, how, l, &f);
	return l->found;
}

static struct mirror *
new_mirror(struct world *w, int64_t mailbox)
{
	struct look l = {.mailbox = mailbox};

	CHECK(look(w, look_all, &l) == 1);
	return l.mirror;
}

static void
refresh(struct world *w, struct mirror *m)
{
	const struct mirror_facts *facts = mirror_facts(m);
	struct look l = {.mailbox = facts->mailbox,
	    .modseq = facts->modseq,
	    .uid_next = facts->uid_next};

	CHECK(look(w, look_again, &l) == 1);
	CHECK(mirror_apply(m, &l.refresh.delta));
	for (unsigned i = 0; i < 64; i++)
		if (l.refresh.keywords[i] != NULL)
			mirror_set_keyword(m, i, str_of(l.refresh.keywords[i]));
	ops_refresh_release(&l.refresh);
}

static void
compare(const struct mirror *m, const struct mirror *truth)
{
	const struct mirror_facts *a = mirror_facts(m);
	const struct mirror_facts *b = mirror_facts(truth);
	struct view *v = view_new((struct mirror *)m, true);
	struct view *t = view_new((struct mirror *)truth, true);
	const struct mirror_message *x, *y;
	size_t i = 0;

	CHECK(a->modseq == b->modseq && a->uid_next == b->uid_next);
	CHECK(mirror_keywords(m) == mirror_keywords(truth));
	CHECK(view_count(v) == view_count(t));
	for (; (x = view_at(v, i)) != NULL && (y = view_at(t, i)) != NULL; i++)
		CHECK(x->uid == y->uid && x->flags == y->flags &&
		      x->modseq == y->modseq);
	view_free(v);
	view_free(t);
}

/* ---- what happens ---- */

static void
apply(struct world *w, const struct imap_op *op)
{
	for (size_t i = 0; i < op->n_deltas; i++)
		for (size_t b = 0; b < BOXES; b++)
			if (op->deltas[i].mailbox == w->ids[b] &&
			    !mirror_apply(w->fed[b], &op->deltas[i]))
				refresh(w, w->fed[b]); /* a new keyword */
}

static void
release(struct imap_op *op)
{
	for (size_t i = 0; i < op->n_deltas; i++) {
		free((void *)op->deltas[i].messages);
		free((void *)op->deltas[i].gone);
	}
	free(op->deltas);
}

static void
deliver(struct world *w)
{
	struct delivery_target to = {
	    .account = w->x.alice, .address = STR("alice@d.test")};
	struct fail f;

	CHECK(fixture_deliver(
		  &w->x, STR("Subject: x\r\n\r\nx\r\n"), &to, 1, &f) > 0);
	refresh(w, w->fed[0]); /* by a notice */
}

/* Some UIDs of a mailbox, of which one or the other is not there. */
static struct imap_uids
some_uids(struct world *w, size_t box)
{
	uint32_t end = mirror_facts(w->fed[box])->uid_next + 1;
	struct imap_uids out = {.uids = mem_new(end, sizeof(uint32_t))};

	for (uint32_t uid = 1; uid <= end && out.n < end; uid++)
		if (pick(w, 4) == 0)
			out.uids[out.n++] = uid;
	return out;
}

static void
store(struct world *w)
{
	static const char keywords[] = "$Work\0$Junk\0Later";
	size_t box = pick(w, BOXES);
	struct imap_store_op o = {.op = {.kind = IMAP_OP_STORE},
	    .mailbox = w->ids[box],
	    .uids = some_uids(w, box),
	    .how = (enum imap_store_how)pick(w, 3),
	    .flags = pick(w, 32),
	    .unchanged_since = pick(w, 3) == 0 ? (int64_t)pick(w, 50)
	                                       : INT64_MAX};
	static const size_t ends[] = {0, 6, 12, 18};

	buf_init(&o.names, KB);
	buf_add(&o.names, (struct str){keywords, ends[pick(w, 4)]});
	CHECK(carry_out(w, &o.op) == 0);
	for (size_t i = 0; i < o.n_changes; i++)
		CHECK(!o.changes[i].modified ||
		      o.changes[i].before > o.unchanged_since);
	apply(w, &o.op);
	free(o.uids.uids);
	free(o.changes);
	buf_release(&o.names);
	release(&o.op);
}

static void
expunge(struct world *w)
{
	size_t box = pick(w, BOXES);
	struct imap_expunge_op o = {.op = {.kind = IMAP_OP_EXPUNGE},
	    .mailbox = w->ids[box],
	    .uids = some_uids(w, box)};

	CHECK(carry_out(w, &o.op) == 0);
	CHECK((o.n_removed > 0) == (o.op.n_deltas == 1));
	apply(w, &o.op);
	free(o.uids.uids);
	release(&o.op);
}

static void
copy(struct world *w, bool move)
{
	size_t box = pick(w, BOXES), to = pick(w, BOXES);
	struct imap_copy_op o = {.op = {.kind = IMAP_OP_COPY},
	    .mailbox = w->ids[box],
	    .uids = some_uids(w, box),
	    .to = mem_dup(str_of(names[to])),
	    .move = move};
	uint32_t next = mirror_facts(w->fed[to])->uid_next;

	if (o.uids.n > 6) /* they would be too many */
		o.uids.n = 6;
	CHECK(carry_out(w, &o.op) == 0);
	CHECK(o.to_mailbox == w->ids[to]);
	CHECK(o.uid_validity == mirror_facts(w->fed[to])->uid_validity);
	for (size_t i = 0; i < o.n_pairs; i++)
		CHECK(o.pairs[i].to == next + i &&
		      (i == 0 || o.pairs[i].from > o.pairs[i - 1].from));
	apply(w, &o.op);
	free(o.uids.uids);
	free(o.to);
	free(o.pairs);
	release(&o.op);
}

static void
step(struct world *w)
{
	switch (pick(w, 8)) {
	case 0:
	case 1:
		deliver(w);
		break;
	case 2:
		expunge(w);
		break;
	case 3:
		copy(w, false);
		break;
	case 4:
		copy(w, true);
		break;
	default:
		store(w);
	}
}

static void
test_deltas(void)
{
	struct world *w = MEM_NEW(struct world);

	fixture_init(&w->x);
	w->random = 42;
	for (size_t b = 0; b < BOXES; b++) {
		struct imap_select_op o = {.op = {.kind = IMAP_OP_SELECT},
		    .name = mem_dup(str_of(names[b]))};

		CHECK(carry_out(w, &o.op) == 0 && o.mailbox != 0);
		CHECK_STR(o.stored, names[b]);
		w->ids[b] = o.mailbox;
		w->fed[b] = new_mirror(w, o.mailbox);
		w->late[b] = new_mirror(w, o.mailbox);
		free(o.name);
		free(o.stored);
	}
	for (size_t i = 0; i < STEPS && test_failures == 0; i++) {
		size_t late = pick(w, 3 * BOXES);

		step(w);
		for (size_t b = 0; b < BOXES; b++) {
			struct mirror *truth = new_mirror(w, w->ids[b]);

			if (late == b) {
				refresh(w, w->late[b]);
				compare(w->late[b], truth);
			}
			/* names of keywords are no change */
			if (mirror_keywords(truth) !=
			    mirror_keywords(w->fed[b]))
				refresh(w, w->fed[b]);
			if (mirror_keywords(truth) ==
			    mirror_keywords(w->fed[b]))
				compare(w->fed[b], truth);
			mirror_free(truth);
		}
	}
	CHECK(fixture_is_clean(&w->x));
	for (size_t b = 0; b < BOXES; b++) {
		mirror_free(w->fed[b]);
		mirror_free(w->late[b]);
	}
	fixture_release(&w->x);
	free(w);
}

/* ---- what is not there ---- */

static void
test_missing(void)
{
	struct world *w = MEM_NEW(struct world);
	struct imap_select_op s = {
	    .op = {.kind = IMAP_OP_SELECT}, .name = (char[]){"nowhere"}};
	struct imap_copy_op c = {
	    .op = {.kind = IMAP_OP_COPY}, .to = (char[]){"nowhere"}};
	struct look l = {.mailbox = 4711, .modseq = 1, .uid_next = 1};

	fixture_init(&w->x);
	CHECK(carry_out(w, &s.op) == 0 && s.mailbox == 0 && s.stored == NULL);
	CHECK(carry_out(w, &c.op) == -1);
	CHECK(c.op.code == IMAP_CODE_TRYCREATE);
	CHECK(look(w, look_all, &l) == 0 && l.mirror == NULL);
	CHECK(look(w, look_again, &l) == 0);
	ops_refresh_release(&l.refresh);
	fixture_release(&w->x);
	free(w);
}

/* Too many keywords: nothing is changed, not even what would have fitted. */
static void
test_limit(void)
{
	struct world *w = MEM_NEW(struct world);
	struct imap_select_op s = {
	    .op = {.kind = IMAP_OP_SELECT}, .name = (char[]){"INBOX"}};
	uint32_t uid = 1;
	struct imap_store_op o = {
	    .op = {.kind = IMAP_OP_STORE},
	    .uids = { &uid,                    1},
	    .unchanged_since = INT64_MAX
        };
	struct mirror *m;

	fixture_init(&w->x);
	CHECK(carry_out(w, &s.op) == 0);
	w->ids[0] = o.mailbox = s.mailbox;
	w->fed[0] = new_mirror(w, s.mailbox);
	deliver(w);
	buf_init(&o.names, 16 * KB);
	for (int i = 0; i < 55; i++) {
		buf_addf(&o.names, "word%d", i);
		buf_add_char(&o.names, '\0');
	}
	CHECK(carry_out(w, &o.op) == -1 && o.op.code == IMAP_CODE_LIMIT);
	for (int i = 55; i < 70; i++) {
		buf_addf(&o.names, "word%d", i);
		buf_add_char(&o.names, '\0');
	}
	CHECK(carry_out(w, &o.op) == -1 && o.op.code == IMAP_CODE_LIMIT);
	CHECK(o.op.n_deltas == 0 && o.n_changes == 0);
	m = new_mirror(w, s.mailbox);
	CHECK(mirror_keywords(m) == 0);
	mirror_free(m);
	mirror_free(w->fed[0]);
	buf_release(&o.names);
	free(s.stored);
	fixture_release(&w->x);
	free(w);
}

int
main(void)
{
	test_deltas();
	test_missing();
	test_limit();
	return TEST_EXIT();
}
