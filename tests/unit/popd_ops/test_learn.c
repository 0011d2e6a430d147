/* SPDX-License-Identifier: MIT */
#include "common/store/verdict.h"
#include "popd/ops/ops.h"
#include "popd/proto/imap_selected_op.h"
#include "tests/unit/store/fixture.h"

#define FROM STR("a@x.test")

struct world {
	struct fixture x;
	int64_t inbox, junk, trash, archive;
	bool learn;
};

static int
verdict_work(struct db *db, void *arg, struct fail *f)
{
	const struct verdict v = {.author = FROM, .domain = STR("x.test")};

	return verdict_put(db, *(int64_t *)arg, &v, f);
}

/* One more in INBOX, from a@x.test as far as anybody knows. */
static void
deliver(struct world *w)
{
	struct delivery_target to = {
	    .account = w->x.alice, .address = STR("alice@d.test")};
	struct fail f;
	int64_t trace = fixture_deliver(
	    &w->x, STR("Subject: x\r\n\r\nx\r\n"), &to, 1, &f);

	CHECK(trace > 0);
	MUST(db_write(w->x.db, verdict_work, &trace, &why));
}

struct running {
	struct imap_op *op;
	bool learn;
};

static int
run_op(struct db *db, void *arg, struct fail *f)
{
	const struct running *r = arg;
	struct ops_context c = {.login = STR("alice@d.test"),
	    .peer = STR("192.0.2.1"),
	    .client = STR("test"),
	    .now_ms = NOW,
	    .learn = r->learn};
	int rc = ops_run(db, &c, r->op);

	*f = r->op->fail;
	return rc;
}

static void
carry_out(struct world *w, struct imap_op *op)
{
	struct running r = {op, w->learn};

	op->account = w->x.alice;
	MUST(db_write(w->x.db, run_op, &r, &why));
	for (size_t i = 0; i < op->n_deltas; i++) {
		free((void *)op->deltas[i].messages);
		free((void *)op->deltas[i].gone);
	}
	free(op->deltas);
}

static int
find_work(struct db *db, void *arg, struct fail *f)
{
	struct world *w = arg;
	struct {
		const char *name;
		int64_t *id;
	} boxes[] = {
	    {"INBOX",   &w->inbox  },
            {"Junk",    &w->junk   },
            {"Trash",   &w->trash  },
	    {"Archive", &w->archive}
        };
	struct mailbox box;

	for (size_t i = 0; i < 4; i++) {
		if (mailbox_find(
			db, w->x.alice, str_of(boxes[i].name), &box, f) != 1)
			return -1;
		*boxes[i].id = box.id;
	}
	return 0;
}

/* All that is in one. */
static struct imap_uids
all(struct world *w, int64_t mailbox)
{
	char sql[100];
	struct imap_uids out = {.uids = mem_new(100, sizeof(uint32_t))};

	for (uint32_t uid = 1; uid < 100; uid++) {
		snprintf(sql, sizeof(sql),
		    "SELECT count(*) FROM message WHERE mailbox = %d"
		    " AND uid = %u",
		    (int)mailbox, uid);
		if (fixture_number(&w->x, sql) == 1)
			out.uids[out.n++] = uid;
	}
	return out;
}

static void
copy(struct world *w, int64_t from, const char *to, bool move)
{
	struct imap_copy_op o = {.op = {.kind = IMAP_OP_COPY},
	    .mailbox = from,
	    .uids = all(w, from),
	    .to = mem_dup(str_of(to)),
	    .move = move};

	carry_out(w, &o.op);
	CHECK(o.n_pairs == o.uids.n);
	free(o.uids.uids);
	free(o.to);
	free(o.pairs);
}

static void
store(struct world *w, int64_t mailbox, enum imap_store_how how,
    const char *keyword, int64_t unchanged_since)
{
	struct imap_store_op o = {.op = {.kind = IMAP_OP_STORE},
	    .mailbox = mailbox,
	    .uids = all(w, mailbox),
	    .how = how,
	    .unchanged_since = unchanged_since};

	buf_init(&o.names, KB);
	buf_add(&o.names, str_of(keyword));
	buf_add_char(&o.names, '\0');
	carry_out(w, &o.op);
	free(o.uids.uids);
	free(o.changes);
	buf_release(&o.names);
}

/* What the author's and the domain's votes are now. */
static bool
votes(struct world *w, int good, int bad)
{
	bool same = true;

	for (int i = 0; i < 2; i++) {
		char sql[200];

		snprintf(sql, sizeof(sql),
		    "SELECT coalesce(sum(round(good * 100 + bad)), 0)"
		    " FROM reputation WHERE name = '%s'",
		    i == 0 ? "a@x.test" : "x.test");
		if (fixture_number(&w->x, sql) != good * 100 + bad)
			same = false;
	}
	return same;
}

static void
begin(struct world *w)
{
	fixture_init(&w->x);
	w->learn = true;
	MUST(db_read(w->x.db, find_work, w, &why));
	deliver(w);
	deliver(w);
}

static void
test_moves(void)
{
	struct world w;

	begin(&w);
	copy(&w, w.inbox, "Archive", true);
	CHECK(votes(&w, 0, 0));
	copy(&w, w.archive, "Junk", true);
	CHECK(votes(&w, 0, 2));
	copy(&w, w.junk, "INBOX", true);
	CHECK(votes(&w, 4, 2));
	copy(&w, w.inbox, "Junk", false); /* as clients without MOVE do */
	CHECK(votes(&w, 4, 4));
	copy(&w, w.junk, "Junk", false);
	CHECK(votes(&w, 4, 4));
	copy(&w, w.junk, "Trash", true); /* deleting junk is no praise */
	CHECK(votes(&w, 4, 4));
	copy(&w, w.trash, "Junk", true);
	CHECK(votes(&w, 4, 8)); /* two were copied twice by now */
	w.learn = false;
	copy(&w, w.junk, "INBOX", true);
	CHECK(votes(&w, 4, 8));
	CHECK(fixture_is_clean(&w.x));
	fixture_release(&w.x);
}

static void
test_keywords(void)
{
	struct world w;

	begin(&w);
	store(&w, w.inbox, IMAP_STORE_ADD, "$NotJunk", INT64_MAX);
	CHECK(votes(&w, 0, 0)); /* nobody took it for junk */
	store(&w, w.inbox, IMAP_STORE_ADD, "$Junk", 0);
	CHECK(votes(&w, 0, 0)); /* it was not set */
	store(&w, w.inbox, IMAP_STORE_ADD, "$JUNK", INT64_MAX);
	CHECK(votes(&w, 0, 2));
	store(&w, w.inbox, IMAP_STORE_ADD, "$Junk", INT64_MAX);
	CHECK(votes(&w, 0, 2)); /* it was set */
	copy(&w, w.inbox, "Junk", true);
	CHECK(votes(&w, 0, 2)); /* that was said before */
	store(&w, w.junk, IMAP_STORE_REMOVE, "$NotJunk", INT64_MAX);
	store(&w, w.junk, IMAP_STORE_REMOVE, "$NotJunk", INT64_MAX);
	CHECK(votes(&w, 0, 2));
	store(&w, w.junk, IMAP_STORE_REMOVE, "$Junk", INT64_MAX);
	store(&w, w.junk, IMAP_STORE_ADD, "$Junk", INT64_MAX);
	CHECK(votes(&w, 0, 2)); /* it is there already */
	store(&w, w.junk, IMAP_STORE_SET, "$NotJunk", INT64_MAX);
	CHECK(votes(&w, 4, 2));
	copy(&w, w.junk, "INBOX", true);
	CHECK(votes(&w, 4, 2)); /* so was that */
	store(&w, w.inbox, IMAP_STORE_ADD, "Junk", INT64_MAX);
	CHECK(votes(&w, 4, 2)); /* another word */
	CHECK(fixture_is_clean(&w.x));
	fixture_release(&w.x);
}

int
main(void)
{
	test_moves();
	test_keywords();
	return TEST_EXIT();
}
