/* SPDX-License-Identifier: MIT */
#include "common/store/pending.h"

#include "common/store/queue.h"
#include "common/store/sql.h"
#include "common/store/txn.h"
#include "tests/unit/store/fixture.h"

#define MAX 20

/* ---- what maild does ---- */

struct put {
	struct pending_change change;
	struct stage *note;
	int64_t now_ms, mailbox;
	int got;
};

static int
put_work(struct db *db, void *arg, struct fail *f)
{
	struct put *p = arg;

	if (p->change.remove)
		p->got = pending_remove(
		    db, p->change.trace, p->now_ms, &p->mailbox, f);
	else
		p->got = pending_put(
		    db, &p->change, p->note, p->now_ms, &p->mailbox, f);
	return p->got == -1 ? -1 : 0;
}

static int
carry_out(struct fixture *x, const struct pending_change *c, int64_t now)
{
	struct put p = {.change = *c, .note = stage_new(x->dir), .now_ms = now};
	struct fail f;

	stage_add(p.note, STR("Subject: Waiting\r\n\r\nIt waits.\r\n"));
	MUST(stage_seal(p.note, STR(""), &why));
	if (db_write(x->db, put_work, &p, &f) == -1) {
		fprintf(stderr, "%s\n", f.text);
		p.got = -1;
	}
	stage_free(p.note);
	return p.got;
}

/* What is to be done, in one walk. */
static size_t
look(struct fixture *x, bool off, int64_t now, struct pending_change out[MAX],
    bool *left)
{
	struct pending_walk walk = {.off = off};
	size_t n = 0;

	MUST(pending_look(x->db, &walk, now, out, MAX, &n, &why));
	if (left != NULL)
		*left = walk.left || walk.account != 0;
	return n;
}

/* Look and do, until there is nothing more; how much it was. */
static size_t
follow(struct fixture *x, bool off, int64_t now)
{
	struct pending_change changes[MAX];
	size_t total = 0, n;

	while ((n = look(x, off, now, changes, NULL)) > 0 && total < 1000)
		for (size_t i = 0; i < n; i++) {
			CHECK(carry_out(x, &changes[i], now) == 1);
			total++;
		}
	return total;
}

/* ---- what others do ---- */

static void
run(struct fixture *x, const char *sql)
{
	MUST(txn_lock(x->db, &why));
	MUST(sql_exec(x->db->sqlite, sql, &why));
	txn_unlock(x->db);
}

struct submission {
	struct delivery d;
	bool done;
};

static int
submit_work(struct db *db, void *arg, struct fail *f)
{
	return delivery_run(db, arg, NULL, NULL, f);
}

/* By bob, to two servers. */
static int64_t
submit_by(struct fixture *x, int64_t account, int64_t hold)
{
	struct delivery_target targets[] = {
	    {0, STR("a@one.test"), .original = STR("")},
	    {0, STR("c@two.test"), .original = STR("")},
	};
	struct stage *s = stage_new(x->dir);
	struct delivery d = fixture_delivery(++x->trace, s, targets, 2);

	d.account = account;
	d.sender = STR("bob@d.test");
	d.hold_until_ms = hold;
	stage_add(s, STR("Subject: hello\r\n\r\nHello.\r\n"));
	MUST(stage_seal(s, STR(""), &why));
	MUST(db_write(x->db, submit_work, &d, &why));
	stage_free(s);
	return x->trace;
}

static int
record_work(struct db *db, void *arg, struct fail *f)
{
	return queue_record(db, arg, f);
}

static void
tried(struct fixture *x, int64_t trace, int n, enum queue_result result,
    int64_t now)
{
	struct queue_outcome o = {.trace = trace,
	    .n = n,
	    .address = n == 1 ? STR("a@one.test") : STR("c@two.test"),
	    .result = result,
	    .next_ms = now + 300000,
	    .now_ms = now,
	    .code = 451,
	    .reply = STR("4.3.0 not now"),
	    .host = STR("mx.one.test [192.0.2.1]")};

	MUST(db_write(x->db, record_work, &o, &why));
}

struct act {
	int64_t mailbox, to;
	uint32_t uid;
	enum message_store how;
	uint64_t flags;
	int rc;
	struct fail fail;
};

static int
expunge_work(struct db *db, void *arg, struct fail *f)
{
	const struct hop who = {.at_ms = NOW + 7, .daemon = HOP_POPD};
	struct act *a = arg;
	int64_t modseq;
	size_t n;

	return message_expunge(
	    db, a->mailbox, &a->uid, 1, false, &who, NULL, &n, &modseq, f);
}

static int
copy(struct db *db, struct act *a, bool move, struct fail *f)
{
	struct message_pair *pairs;
	int64_t from, to;
	size_t n;
	int rc = message_copy(db, a->mailbox, &a->uid, 1, a->to, move, NOW + 7,
	    &pairs, &n, &from, &to, f);

	if (rc == 0) {
		CHECK(n == 1);
		free(pairs);
	}
	return rc;
}

static int
move_work(struct db *db, void *arg, struct fail *f)
{
	return copy(db, arg, true, f);
}

static int
copy_work(struct db *db, void *arg, struct fail *f)
{
	return copy(db, arg, false, f);
}

static int
flags_work(struct db *db, void *arg, struct fail *f)
{
	struct act *a = arg;
	struct message_change *changes;
	int64_t modseq;
	size_t n;

	if (message_set_flags(db, a->mailbox, &a->uid, 1, a->how, a->flags,
		INT64_MAX, &changes, &n, &modseq, f) == -1)
		return -1;
	free(changes);
	return 0;
}

/* Is it refused, by a sentence for the client? */
static bool
is_refused(struct fixture *x, db_work *work, struct act *a)
{
	struct fail f = {0};
	int rc = db_write(x->db, work, a, &f);

	return rc == -1 && f.kind == FAIL_PERM && f.text[0] != '\0';
}

static struct mailbox
box_of(struct fixture *x, const char *name)
{
	struct mailbox m = {.id = 0};

	MUST(mailbox_find(x->db, x->bob, str_of(name), &m, &why));
	return m;
}

#define QUEUED(x) fixture_number(x, "SELECT count(*) FROM recipient")
#define NOTES(x)  fixture_number(x, "SELECT count(*) FROM pending")
#define UID(x)    (uint32_t) fixture_number(x, "SELECT uid FROM pending")
#define FLAGS(x)                                                               \
	fixture_number(x, "SELECT flags FROM message g JOIN pending p"         \
			  " ON p.mailbox = g.mailbox AND p.uid = g.uid")

/* ---- tests ---- */

static void
comes_changes_goes(void)
{
	struct fixture x;
	struct act a = {.how = MESSAGE_ADD, .flags = MESSAGE_SEEN};
	struct mailbox m;
	int64_t trace;

	fixture_init(&x);
	CHECK(follow(&x, false, NOW) == 0);
	trace = submit_by(&x, x.bob, 0);
	submit_by(&x, 0, 0);
	CHECK(follow(&x, false, NOW) == 0); /* its turn has come only now */
	CHECK(box_of(&x, "Pending").id == 0);
	tried(&x, trace, 1, QUEUE_DEFERRED, NOW + 100);
	tried(&x, trace + 1, 1, QUEUE_DEFERRED, NOW + 100);
	CHECK(follow(&x, false, NOW + 200) == 1);
	CHECK(follow(&x, false, NOW + 200) == 0);
	m = box_of(&x, "Pending");
	CHECK(m.special == MAILBOX_PENDING && m.messages == 1 && m.unseen == 1);
	CHECK(fixture_number(&x, "SELECT count(*) FROM subscription"
				 " WHERE name = 'Pending'") == 1);
	CHECK(fixture_is_clean(&x));

	a.mailbox = m.id;
	a.uid = UID(&x);
	MUST(db_write(x.db, flags_work, &a, &why));
	tried(&x, trace, 1, QUEUE_DEFERRED, NOW + 400000);
	CHECK(follow(&x, false, NOW + 400000) == 1);
	CHECK(UID(&x) == a.uid + 1 && FLAGS(&x) == MESSAGE_SEEN);
	CHECK(box_of(&x, "Pending").messages == 1);
	CHECK(QUEUED(&x) == 4); /* replacing recalls nothing */

	tried(&x, trace, 1, QUEUE_RELAYED, NOW + 500000);
	CHECK(follow(&x, false, NOW + 500000) == 1); /* the other one waits */
	tried(&x, trace, 2, QUEUE_RELAYED, NOW + 500001);
	CHECK(follow(&x, false, NOW + 500001) == 1);
	CHECK(NOTES(&x) == 0 && box_of(&x, "Pending").messages == 0);
	CHECK(box_of(&x, "INBOX").messages == 0);
	CHECK(QUEUED(&x) == 2);
	CHECK(fixture_is_clean(&x));
	fixture_release(&x);
}

/* By who deletes a note, or moves it to where deleted messages go. */
static void
is_recalled(db_work *work)
{
	struct fixture x;
	struct act a;
	int64_t trace, other;

	fixture_init(&x);
	other = submit_by(&x, x.bob, 0);
	tried(&x, other, 1, QUEUE_DEFERRED, NOW + 100);
	trace = submit_by(&x, x.bob, NOW + 3600000);
	CHECK(follow(&x, false, NOW + 100) == 2);
	a = (struct act){.mailbox = box_of(&x, "Pending").id,
	    .to = box_of(&x, "Trash").id,
	    .uid = (uint32_t)fixture_number(
		&x, "SELECT uid FROM pending ORDER BY trace DESC LIMIT 1")};
	MUST(db_write(x.db, work, &a, &why));
	CHECK(NOTES(&x) == 1 && QUEUED(&x) == 2);
	CHECK(fixture_number(&x, "SELECT trace FROM pending") == other);
	CHECK(fixture_number(&x, "SELECT count(*) FROM queue") == 1);
	CHECK(fixture_number(&x, "SELECT count(*) FROM hop WHERE kind = 19"
				 " AND daemon = 3") == 2);
	CHECK(fixture_number(
		  &x, "SELECT max(trace) FROM hop WHERE kind = 19") == trace);
	CHECK(follow(&x, false, NOW + 100) == 0);
	CHECK(box_of(&x, "Trash").messages == (work == move_work ? 1 : 0));
	CHECK(fixture_is_clean(&x));

	/* what is gone already only loses its note */
	a.uid = UID(&x);
	tried(&x, other, 1, QUEUE_RELAYED, NOW + 200);
	tried(&x, other, 2, QUEUE_RELAYED, NOW + 200);
	MUST(db_write(x.db, work, &a, &why));
	CHECK(NOTES(&x) == 0 && follow(&x, false, NOW + 200) == 0);
	CHECK(fixture_number(&x, "SELECT count(*) FROM hop WHERE kind = 19") ==
	      2);
	CHECK(fixture_is_clean(&x));
	fixture_release(&x);
}

static int
append_work(struct db *db, void *arg, struct fail *f)
{
	struct act *a = arg;
	char dir[64];
	struct message_new m = {.received_ms = NOW};
	uint32_t uid;
	int64_t modseq;
	int rc = -1;

	fixture_dir(dir);
	m.stage = stage_new(dir);
	stage_add(m.stage, STR("x\r\n"));
	if (stage_seal(m.stage, STR(""), f) == 0)
		rc = message_append(
		    db, a->mailbox, &m, 1, NOW, &uid, &modseq, f);
	stage_free(m.stage);
	fixture_remove_dir(dir);
	return rc;
}

struct naming {
	int64_t account;
	const char *from, *to; /* to NULL: removed; from NULL: made */
	enum mailbox_refusal refusal;
};

static int
naming_work(struct db *db, void *arg, struct fail *f)
{
	const struct hop who = {.at_ms = NOW, .daemon = HOP_POPD};
	struct naming *n = arg;
	int64_t id;

	if (n->from == NULL)
		return mailbox_add(
		    db, n->account, str_of(n->to), 0, NOW, &id, &n->refusal, f);
	if (n->to == NULL)
		return mailbox_remove(
		    db, n->account, str_of(n->from), &who, &n->refusal, f);
	return mailbox_rename(db, n->account, str_of(n->from), str_of(n->to),
	    NOW, &n->refusal, f);
}

static enum mailbox_refusal
naming(struct fixture *x, const char *from, const char *to)
{
	struct naming n = {.account = x->bob, .from = from, .to = to};

	MUST(db_write(x->db, naming_work, &n, &why));
	return n.refusal;
}

static void
nobody_else_may(void)
{
	struct fixture x;
	struct act a = {.flags = MESSAGE_FLAGGED};
	struct act b = {.uid = 1};
	struct fail f;
	struct delivery_target bob = {.address = STR("bob@d.test")};

	fixture_init(&x);
	submit_by(&x, x.bob, NOW + 3600000);
	CHECK(follow(&x, false, NOW) == 1);
	a.mailbox = a.to = box_of(&x, "Pending").id;
	a.uid = UID(&x);
	CHECK(is_refused(&x, append_work, &a));
	CHECK(is_refused(&x, copy_work, &a));
	CHECK(is_refused(&x, move_work, &a));
	bob.account = x.bob;
	CHECK(fixture_deliver(&x, STR("x\r\n"), &bob, 1, &f) != -1);
	b.mailbox = box_of(&x, "INBOX").id;
	b.to = a.to;
	CHECK(is_refused(&x, copy_work, &b) && is_refused(&x, move_work, &b));
	a.how = MESSAGE_ADD;
	CHECK(is_refused(&x, flags_work, &a));
	a.how = MESSAGE_SET;
	CHECK(is_refused(&x, flags_work, &a));
	a.flags = UINT64_C(1) << MESSAGE_KEYWORD_FIRST;
	CHECK(is_refused(&x, flags_work, &a));
	a.flags = MESSAGE_SEEN | MESSAGE_DELETED;
	MUST(db_write(x.db, flags_work, &a, &why));
	CHECK(naming(&x, "Pending", NULL) == MAILBOX_CANNOT);
	CHECK(naming(&x, "pending", NULL) == MAILBOX_MISSING);
	CHECK(naming(&x, "Pending", "Other") == MAILBOX_CANNOT);
	CHECK(naming(&x, NULL, "Pending/below") == MAILBOX_CANNOT);
	CHECK(naming(&x, NULL, "Pending/far/below") == MAILBOX_CANNOT);
	CHECK(naming(&x, "Archive", "Pending/below") == MAILBOX_CANNOT);
	CHECK(naming(&x, "INBOX", "Pending/below") == MAILBOX_CANNOT);
	CHECK(naming(&x, NULL, "Pending") == MAILBOX_EXISTS);
	CHECK(naming(&x, NULL, "Pendings/below") == MAILBOX_DONE);
	CHECK(QUEUED(&x) == 2 && NOTES(&x) == 1);
	CHECK(fixture_is_clean(&x));
	fixture_release(&x);
}

static int
quota_work(struct db *db, void *arg, struct fail *f)
{
	(void)arg;
	return account_set_quota(db, STR("bob@d.test"), 1, f);
}

/* Notes take no room, and a full account has them too. */
static void
without_quota(void)
{
	struct fixture x;
	struct account account;
	struct act a = {.mailbox = 0};

	fixture_init(&x);
	MUST(db_write(x.db, quota_work, NULL, &why));
	submit_by(&x, x.bob, NOW + 3600000);
	CHECK(follow(&x, false, NOW) == 1);
	MUST(account_find(x.db, STR("bob@d.test"), &account, &why));
	CHECK(account.bytes == 0 && account.messages == 0);
	CHECK(fixture_is_clean(&x));
	a.mailbox = box_of(&x, "Pending").id;
	a.to = box_of(&x, "Trash").id;
	a.uid = UID(&x);
	MUST(db_write(x.db, move_work, &a, &why));
	MUST(account_find(x.db, STR("bob@d.test"), &account, &why));
	CHECK(account.bytes > 0 && account.messages == 1);
	CHECK(fixture_is_clean(&x));
	fixture_release(&x);
}

static int
remove_begin(struct db *db, void *arg, struct fail *f)
{
	(void)arg;
	return account_remove_begin(db, STR("bob@d.test"), f);
}

static int
remove_some(struct db *db, void *over, struct fail *f)
{
	return account_remove_some(db, STR("bob@d.test"), 1, NOW + 9, over, f);
}

/* What it has sent goes its way. */
static void
account_goes(void)
{
	struct fixture x;
	bool over = false;

	fixture_init(&x);
	submit_by(&x, x.bob, NOW + 3600000);
	submit_by(&x, x.bob, NOW + 3600000);
	CHECK(follow(&x, false, NOW) == 2);
	MUST(db_write(x.db, remove_begin, NULL, &why));
	CHECK(follow(&x, false, NOW) == 0);
	for (int i = 0; i < 100 && !over; i++)
		MUST(db_write(x.db, remove_some, &over, &why));
	CHECK(over && QUEUED(&x) == 4 && NOTES(&x) == 0);
	CHECK(follow(&x, false, NOW) == 0);
	CHECK(fixture_is_clean(&x));
	fixture_release(&x);
}

/* What was composed and is not so any more is not put there. */
static void
too_late(void)
{
	struct fixture x;
	struct pending_change changes[MAX];
	int64_t trace;

	fixture_init(&x);
	trace = submit_by(&x, x.bob, 0);
	tried(&x, trace, 1, QUEUE_DEFERRED, NOW + 100);
	CHECK(look(&x, false, NOW, changes, NULL) == 1);
	CHECK(changes[0].trace == trace && changes[0].recipients == 2);
	tried(&x, trace, 2, QUEUE_RELAYED, NOW + 200);
	CHECK(carry_out(&x, &changes[0], NOW) == 0);
	CHECK(look(&x, false, NOW, changes, NULL) == 1);
	CHECK(changes[0].recipients == 1);
	tried(&x, trace, 1, QUEUE_RELAYED, NOW + 300);
	CHECK(carry_out(&x, &changes[0], NOW) == 0);
	CHECK(box_of(&x, "Pending").id == 0);
	fixture_release(&x);
}

/* For a new attempt and the like, not more often than it is worth. */
static void
not_too_often(void)
{
	struct fixture x;
	struct pending_change changes[MAX];
	struct pending_walk walk = {.off = false};
	int64_t trace, now = NOW + 100;
	size_t n;

	fixture_init(&x);
	trace = submit_by(&x, x.bob, 0);
	tried(&x, trace, 1, QUEUE_DEFERRED, now);
	now = NOW + 4000000;
	CHECK(follow(&x, false, now) == 1);
	tried(&x, trace, 1, QUEUE_DEFERRED, now + 1);
	MUST(pending_look(x.db, &walk, now + 10, changes, MAX, &n, &why));
	CHECK(n == 0 && walk.later_ms == PENDING_REPLACE_MS - 10);
	CHECK(follow(&x, false, now + PENDING_REPLACE_MS - 1) == 0);
	CHECK(follow(&x, false, now + PENDING_REPLACE_MS) == 1);
	/* a person's order shows at once, and that it has gone */
	run(&x, "UPDATE recipient SET state = 1 WHERE n = 1");
	CHECK(follow(&x, false, now + PENDING_REPLACE_MS + 1) == 1);
	tried(&x, trace, 1, QUEUE_RELAYED, now + PENDING_REPLACE_MS + 2);
	tried(&x, trace, 2, QUEUE_RELAYED, now + PENDING_REPLACE_MS + 2);
	CHECK(follow(&x, false, now + PENDING_REPLACE_MS + 3) == 1);
	CHECK(NOTES(&x) == 0);
	CHECK(fixture_is_clean(&x));

	/* that of a new message: oftener */
	trace = submit_by(&x, x.bob, 0);
	tried(&x, trace, 1, QUEUE_DEFERRED, NOW + 100);
	CHECK(follow(&x, false, NOW + 1000) == 1);
	tried(&x, trace, 1, QUEUE_DEFERRED, NOW + 1001);
	CHECK(follow(&x, false, NOW + 1200) == 0);
	CHECK(follow(&x, false, NOW + 1400) == 1);
	fixture_release(&x);
}

/* Who is about to expunge a note does so, whatever happens meanwhile. */
static void
deleted_stays(void)
{
	struct fixture x;
	struct act a = {.how = MESSAGE_ADD, .flags = MESSAGE_DELETED};
	struct pending_change changes[MAX];
	int64_t trace, now = NOW + 400000;

	fixture_init(&x);
	trace = submit_by(&x, x.bob, 0);
	tried(&x, trace, 1, QUEUE_DEFERRED, NOW + 100);
	CHECK(follow(&x, false, NOW + 200) == 1);
	a.mailbox = box_of(&x, "Pending").id;
	a.uid = UID(&x);
	MUST(db_write(x.db, flags_work, &a, &why));
	tried(&x, trace, 1, QUEUE_DEFERRED, now);
	CHECK(look(&x, false, now, changes, NULL) == 1);
	CHECK(carry_out(&x, &changes[0], now) == 0);
	CHECK(UID(&x) == a.uid && FLAGS(&x) == MESSAGE_DELETED);
	CHECK(look(&x, false, now, changes, NULL) == 0);
	MUST(db_write(x.db, expunge_work, &a, &why));
	CHECK(QUEUED(&x) == 0 && NOTES(&x) == 0);
	CHECK(fixture_is_clean(&x));
	fixture_release(&x);
}

/* A note tells of the first ones. */
static void
of_many_recipients(void)
{
	struct fixture x;
	struct pending_change changes[MAX];

	fixture_init(&x);
	submit_by(&x, x.bob, NOW + 3600000);
	run(&x,
	    "WITH RECURSIVE c (i) AS (SELECT 10 UNION ALL SELECT i + 1 FROM c"
	    " WHERE i < 3009) INSERT INTO recipient (trace, n, address,"
	    " domain, next_at) SELECT (SELECT trace FROM queue), i,"
	    " 'x@far.test', 'far.test', 1795000600000 FROM c");
	CHECK(look(&x, false, NOW, changes, NULL) == 1);
	CHECK(changes[0].recipients == PENDING_COUNTED);
	CHECK(carry_out(&x, &changes[0], NOW) == 1);
	run(&x, "UPDATE recipient SET tries = 1 WHERE n = 3009");
	CHECK(look(&x, false, NOW + 100, changes, NULL) == 0);
	run(&x, "UPDATE recipient SET tries = 1 WHERE n = 1");
	CHECK(look(&x, false, NOW + 100, changes, NULL) == 1);
	fixture_release(&x);
}

/* Whoever has taken every name one thinks of has notes all the same. */
static void
names_are_taken(void)
{
	struct fixture x;
	char name[32];

	fixture_init(&x);
	CHECK(naming(&x, NULL, "Pending") == MAILBOX_DONE);
	for (int i = 2; i <= 12; i++) {
		snprintf(name, sizeof(name), "Pending %d", i);
		CHECK(naming(&x, NULL, name) == MAILBOX_DONE);
	}
	run(&x, "UPDATE mailbox_state SET messages = 1");
	submit_by(&x, x.bob, NOW + 3600000);
	submit_by(&x, x.carol, NOW + 3600000);
	CHECK(follow(&x, false, NOW) == 2);
	CHECK(box_of(&x, "Pending 12").special == 0);
	CHECK(box_of(&x, "Pending 13").special == MAILBOX_PENDING);
	fixture_release(&x);
}

/* One account's trouble is not that of others. */
static void
no_place(void)
{
	struct fixture x;
	struct pending_change changes[MAX];

	fixture_init(&x);
	submit_by(&x, x.bob, NOW + 3600000);
	CHECK(follow(&x, false, NOW) == 1);
	run(&x, "UPDATE mailbox_state SET uid_next = 4294967295"
		" WHERE mailbox = (SELECT id FROM mailbox WHERE special = 32)");
	submit_by(&x, x.bob, NOW + 3600000);
	CHECK(look(&x, false, NOW, changes, NULL) == 1);
	CHECK(carry_out(&x, &changes[0], NOW) == 0);
	CHECK(NOTES(&x) == 1 && box_of(&x, "Pending").messages == 1);
	fixture_release(&x);
}

static void
name_is_taken(void)
{
	struct fixture x;
	struct delivery_target bob = {.address = STR("bob@d.test")};
	struct act a = {.uid = 1};
	struct fail f;

	fixture_init(&x);
	CHECK(naming(&x, NULL, "Pending") == MAILBOX_DONE);
	bob.account = x.bob;
	CHECK(fixture_deliver(&x, STR("x\r\n"), &bob, 1, &f) != -1);
	a.mailbox = box_of(&x, "INBOX").id;
	a.to = box_of(&x, "Pending").id;
	MUST(db_write(x.db, move_work, &a, &why));
	submit_by(&x, x.bob, NOW + 3600000);
	CHECK(follow(&x, false, NOW) == 1);
	CHECK(box_of(&x, "Pending").special == 0);
	CHECK(box_of(&x, "Pending 2").special == MAILBOX_PENDING);
	CHECK(fixture_is_clean(&x));
	fixture_release(&x);
}

static int
give_up_work(struct db *db, void *arg, struct fail *f)
{
	(void)arg;
	return pending_give_up(db, f);
}

static void
switched_off_and_on(void)
{
	struct fixture x;

	fixture_init(&x);
	submit_by(&x, x.bob, NOW + 3600000);
	CHECK(follow(&x, false, NOW) == 1);
	MUST(db_write(x.db, give_up_work, NULL, &why));
	CHECK(box_of(&x, "Pending").special == MAILBOX_PENDING);
	CHECK(follow(&x, true, NOW) == 1 && NOTES(&x) == 0);
	CHECK(QUEUED(&x) == 2);
	MUST(db_write(x.db, give_up_work, NULL, &why));
	CHECK(box_of(&x, "Pending").special == 0);
	CHECK(fixture_is_clean(&x));
	/* nobody has put anything there */
	CHECK(follow(&x, false, NOW) == 1);
	CHECK(box_of(&x, "Pending").special == MAILBOX_PENDING);
	MUST(db_write(x.db, give_up_work, NULL, &why));
	CHECK(naming(&x, "Pending", NULL) == MAILBOX_CANNOT);
	fixture_release(&x);
}

/* Each account has its turn, and the newest have notes. */
static void
many(void)
{
	struct fixture x;
	struct pending_change changes[MAX];
	struct pending_walk walk = {.off = false};
	size_t n;

	fixture_init(&x);
	for (int i = 0; i < PENDING_NOTES_MAX + 5; i++)
		submit_by(&x, x.alice, NOW + 3600000);
	submit_by(&x, x.bob, NOW + 3600000);
	submit_by(&x, x.carol, NOW + 3600000);
	MUST(pending_look(x.db, &walk, NOW, changes, MAX, &n, &why));
	CHECK(n == MAX && changes[n - 1].account == x.alice);
	CHECK(walk.left && walk.account == x.alice);
	MUST(pending_look(x.db, &walk, NOW, changes, MAX, &n, &why));
	CHECK(n == 2 && changes[0].account == x.bob);
	CHECK(changes[1].account == x.carol);
	CHECK(walk.left && walk.account == 0);
	CHECK(follow(&x, false, NOW) == PENDING_NOTES_MAX + 2);
	CHECK(fixture_number(&x, "SELECT max(trace) FROM pending"
				 " WHERE account = 1") == x.trace - 2);
	CHECK(fixture_number(&x, "SELECT min(trace) FROM pending") ==
	      x.trace - 2 - PENDING_NOTES_MAX + 1);
	/* a newer one takes the place of the oldest */
	submit_by(&x, x.alice, NOW + 3600000);
	CHECK(follow(&x, false, NOW) == 2);
	CHECK(NOTES(&x) == PENDING_NOTES_MAX + 2);
	CHECK(fixture_is_clean(&x));
	fixture_release(&x);
}

int
main(void)
{
	comes_changes_goes();
	is_recalled(expunge_work);
	is_recalled(move_work);
	nobody_else_may();
	without_quota();
	account_goes();
	too_late();
	not_too_often();
	deleted_stays();
	of_many_recipients();
	name_is_taken();
	names_are_taken();
	no_place();
	switched_off_and_on();
	many();
	return TEST_EXIT();
}
