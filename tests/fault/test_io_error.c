/* SPDX-License-Identifier: MIT */
/*
 * The n-th write or sync fails, for every n until an act passes untouched:
 * what was acknowledged is there, also after a crash right then; what was not
 * is there whole or not at all; and once the connection has proved the disk,
 * what was refused does not come back.
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>

#include "common/store/queue.h"
#include "common/store/store.h"
#include "tests/fault/faulty_vfs.h"
#include "tests/unit/store/fixture.h"

/* Before each act: two messages in alice's INBOX, one of them queued too. */
struct act {
	const char *name;
	db_work *run;
	/* 1 when it has happened, 0 when not */
	const char *sql;
};

static int
deliver(struct db *db, struct fixture *x, size_t size, size_t n, struct fail *f)
{
	struct delivery_target targets[] = {
	    {x->alice, STR("alice@d.test"),    .original = STR("")},
	    {x->bob,   STR("bob@d.test"),      .original = STR("")},
	    {x->carol, STR("carol@e.test"),    .original = STR("")},
	    {0,        STR("new@remote.test"), .original = STR("")},
	};
	char *bytes = fixture_noise(size, size);
	struct stage *s = stage_new(x->dir);
	struct delivery d;
	int rc;

	stage_add(s, (struct str){bytes, size});
	rc = stage_seal(s, STR(""), f);
	d = fixture_delivery(x->trace, s, targets, n);
	if (rc == 0)
		rc = delivery_run(db, &d, NULL, NULL, f);
	stage_free(s);
	free(bytes);
	return rc;
}

static int
deliver_one(struct db *db, void *arg, struct fail *f)
{
	return deliver(db, arg, 9000, 1, f);
}

static int
deliver_many(struct db *db, void *arg, struct fail *f)
{
	return deliver(db, arg, 40000, 4, f);
}

static int
deliver_large(struct db *db, void *arg, struct fail *f)
{
	return deliver(db, arg, 150000, 2, f);
}

static int
expunge(struct db *db, void *arg, struct fail *f)
{
	struct hop who = {.at_ms = NOW, .daemon = HOP_POPD};
	uint32_t uids[] = {1, 2};
	size_t removed;
	int64_t modseq;

	(void)arg;
	return message_expunge(
	    db, 1, uids, 2, false, &who, NULL, &removed, &modseq, f);
}

static int
append(struct db *db, void *arg, struct fail *f)
{
	struct fixture *x = arg;
	struct message_new new = {
	    .stage = stage_new(x->dir), .flags = MESSAGE_SEEN, .trace = 5000};
	int64_t modseq;
	uint32_t uid;
	int rc;

	stage_add(new.stage, STR("Subject: appended\r\n\r\nText.\r\n"));
	rc = stage_seal(new.stage, STR(""), f);
	if (rc == 0)
		rc = message_append(db, 1, &new, 1, NOW, &uid, &modseq, f);
	stage_free(new.stage);
	return rc;
}

static int
store_flags(struct db *db, void *arg, struct fail *f)
{
	uint32_t uids[] = {1, 2};
	struct message_change *changes;
	int64_t modseq;
	size_t n;
	int rc = message_set_flags(db, 1, uids, 2, MESSAGE_ADD,
	    MESSAGE_DELETED | MESSAGE_SEEN, INT64_MAX, &changes, &n, &modseq,
	    f);

	(void)arg;
	free(changes);
	return rc;
}

/* To the account's second mailbox. */
static int
copy_or_move(struct db *db, bool move, struct fail *f)
{
	uint32_t uids[] = {1, 2};
	struct message_pair *pairs;
	int64_t from, to;
	size_t n;
	int rc = message_copy(
	    db, 1, uids, 2, 2, move, NOW, &pairs, &n, &from, &to, f);

	free(pairs);
	return rc;
}

static int
copy(struct db *db, void *arg, struct fail *f)
{
	(void)arg;
	return copy_or_move(db, false, f);
}

static int
move(struct db *db, void *arg, struct fail *f)
{
	(void)arg;
	return copy_or_move(db, true, f);
}

static int
rename_inbox(struct db *db, void *arg, struct fail *f)
{
	struct fixture *x = arg;
	enum mailbox_refusal refusal;

	return mailbox_rename(
	    db, x->alice, STR("INBOX"), STR("a/b/c"), NOW, &refusal, f);
}

static int
rename_box(struct db *db, void *arg, struct fail *f)
{
	struct fixture *x = arg;
	enum mailbox_refusal refusal;

	return mailbox_rename(
	    db, x->alice, STR("Sent"), STR("a/b"), NOW, &refusal, f);
}

static int
record(struct db *db, void *arg, struct fail *f)
{
	struct queue_outcome o = {.trace = 1001,
	    .n = 1,
	    .result = QUEUE_RELAYED,
	    .now_ms = NOW,
	    .code = 250};

	(void)arg;
	return queue_record(db, &o, f);
}

static const struct act acts[] = {
    {"deliver",             deliver_one,   "SELECT count(*) FROM message WHERE trace = 5000"   },
    {"deliver to many",     deliver_many,
     "SELECT (SELECT count(*) FROM message WHERE trace = 5000)"
	" + (SELECT count(*) FROM recipient WHERE trace = 5000) = 4"                           },
    {"deliver a large one", deliver_large,
     "SELECT count(*) = 2 FROM message WHERE trace = 5000"                                     },
    {"expunge",             expunge,       "SELECT count(*) = 0 FROM message WHERE mailbox = 1"},
    {"append",              append,
     "SELECT count(*) FROM message WHERE mailbox = 1 AND trace = 5000"                         },
    {"store",	       store_flags,
     "SELECT deleted = 2 AND unseen = 0 FROM mailbox_state WHERE mailbox = "
	"1"										    },
    {"copy",		copy,          "SELECT count(*) = 2 FROM message WHERE mailbox = 2"},
    {"move",		move,
     "SELECT sum(mailbox = 2) = 2 AND sum(mailbox = 1) = 0 FROM message"                       },
    {"rename",              rename_box,
     "SELECT count(*) = 2 FROM mailbox WHERE name IN ('a', 'a/b')"                             },
    {"rename INBOX",        rename_inbox,
     "SELECT messages = 2 FROM mailbox JOIN mailbox_state ON mailbox = id"
	" WHERE name = 'a/b/c' UNION ALL SELECT 0"                                             },
    {"queue record",        record,
     "SELECT count(*) = 0 FROM queue"
	" WHERE trace = 1001"								  },
};

static int
note(struct db *db, void *arg, struct fail *f)
{
	(void)arg;
	return sql_exec(db->sqlite, "INSERT INTO meta VALUES ('after', 1)", f);
}

static void
copy_file(const char *from, const char *to, const char *name)
{
	char path[120], chunk[65536];
	int in, out;
	ssize_t n;

	snprintf(path, sizeof(path), "%s/%s", from, name);
	in = open(path, O_RDONLY);
	snprintf(path, sizeof(path), "%s/%s", to, name);
	out = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	CHECK(in != -1 && out != -1);
	while ((n = read(in, chunk, sizeof(chunk))) > 0)
		CHECK(write(out, chunk, (size_t)n) == n);
	close(in);
	close(out);
}

/* What a crash at this moment would leave, opened again: has the act
 * happened?  Objects are shared with the living store by a link. */
static int64_t
after_crash(struct fixture *x, const struct act *act)
{
	struct fixture y = *x;
	char from[80], to[80];
	int64_t happened;

	fixture_dir(y.dir);
	/* an open of another file of the same name by another path: SQLite's
	 * locks are by inode, so the living connection keeps its own */
	copy_file(x->dir, y.dir, "mail.db");
	copy_file(x->dir, y.dir, "mail.db-wal");
	copy_file(x->dir, y.dir, "lock.a");
	copy_file(x->dir, y.dir, "lock.b");
	snprintf(from, sizeof(from), "%s/objects", x->dir);
	snprintf(to, sizeof(to), "%s/objects", y.dir);
	CHECK(symlink(from, to) == 0);
	fixture_open(&y);
	happened = fixture_number(&y, act->sql);
	CHECK(fixture_is_clean(&y));
	CHECK(happened == 0 || happened == 1);
	CHECK(fixture_number(&y, "SELECT count(*) FROM account") == 3);
	db_close(y.db);
	CHECK(unlink(to) == 0);
	fixture_remove_dir(y.dir);
	return happened;
}

/* The state before each act, made once. */
static void
make_model(struct fixture *x)
{
	struct delivery_target targets[] = {
	    {0, STR("alice@d.test"),    .original = STR("")},
	    {0, STR("old@remote.test"), .original = STR("")},
	};
	struct fail f;

	fixture_init(x);
	targets[0].account = x->alice;
	CHECK(fixture_deliver(x, STR("first\r\n"), targets, 2, &f) == 1001);
	CHECK(fixture_deliver(x, STR("second\r\n"), targets, 1, &f) == 1002);
	db_close(x->db);
	x->db = NULL;
	x->trace = 5000;
}

/* A store of its own in that state. */
static void
prepare(const struct fixture *model, struct fixture *x)
{
	static const char *const names[] = {
	    "mail.db", "mail.db-wal", "lock.a", "lock.b"};
	char objects[80];

	*x = *model;
	fixture_dir(x->dir);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		copy_file(model->dir, x->dir, names[i]);
	snprintf(objects, sizeof(objects), "%s/objects", x->dir);
	CHECK(mkdir(objects, 0700) == 0);
	fixture_open(x);
}

struct tally {
	struct fixture model;
	int runs, refused, resurrected;
};

/* True when the act passed without reaching the n-th operation. */
static bool
fail_at(const struct act *act, int n, enum faulty_mode mode, struct tally *t)
{
	struct fixture x;
	struct fail f = {0};
	int64_t live, crashed;
	int seen, rc;

	prepare(&t->model, &x);
	faulty_arm(n, mode);
	rc = db_write(x.db, act->run, &x, &f);
	seen = faulty_heal();
	live = fixture_number(&x, act->sql);
	crashed = after_crash(&x, act);
	t->runs++;
	t->refused += rc == -1;
	CHECK(live == (rc == 0));
	if (rc == 0)
		CHECK(crashed == 1);
	else
		CHECK(f.kind == (mode == FAULTY_FULL ? FAIL_DISK : FAIL_TEMP));
	t->resurrected += rc == -1 && crashed == 1;
	/* the next write proves the disk first, and then nothing comes back */
	MUST(db_write(x.db, note, NULL, &why));
	CHECK(txn_is_sound(x.db));
	CHECK(fixture_number(&x, act->sql) == live);
	CHECK(after_crash(&x, act) == live);
	CHECK(fixture_is_clean(&x));
	fixture_release(&x);
	if (test_failures > 0)
		fprintf(stderr, "%s, operation %d, mode %d\n", act->name, n,
		    (int)mode);
	return seen < n;
}

static void
every_operation(enum faulty_mode mode, struct tally *t)
{
	for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
		int n = 1;

		while (!fail_at(&acts[i], n, mode, t) && test_failures == 0)
			n++;
		CHECK(n > 3); /* an act has several writes and a sync */
	}
}

struct job {
	struct store_job job; /* first: cast back */
	struct fixture *x;
	bool done;
};

static int
run_job(struct db *db, struct store_job *job, struct fail *f)
{
	struct job *j = (struct job *)job;

	return deliver(db, j->x, 9000, 1, f);
}

static void
job_done(struct store_job *job)
{
	((struct job *)job)->done = true;
}

static int
write_now(struct store *s, struct fixture *x)
{
	struct job j = {
	    .x = x, .job = {.run = run_job, .done = job_done, .weight = 1}
        };

	store_write(s, &j.job);
	while (!j.done) {
		nanosleep(&(struct timespec){0, 1000000}, NULL);
		store_reap(s);
	}
	if (j.job.rc == -1)
		CHECK(j.job.fail.kind == FAIL_TEMP);
	return j.job.rc;
}

/* After an I/O error at COMMIT the store takes nothing until a write of its
 * own has succeeded; it finds out by itself when the disk is well again. */
static void
the_store_knows(const struct fixture *model)
{
	struct fixture x;
	struct store_options o = {.readers = 1};
	struct store *s;
	struct fail f;

	prepare(model, &x);
	o.dir = x.dir;
	s = store_open(&o, &f);
	CHECK(s != NULL && store_is_sound(s));
	faulty_arm(1, FAULTY_EVER);
	CHECK(write_now(s, &x) == -1);
	CHECK(!store_is_sound(s));
	CHECK(write_now(s, &x) == -1);
	CHECK(!store_is_sound(s));
	/* its own proofs fail too */
	nanosleep(&(struct timespec){1, 300000000}, NULL);
	CHECK(!store_is_sound(s));
	faulty_heal();
	for (int i = 0; i < 600 && !store_is_sound(s); i++)
		nanosleep(&(struct timespec){0, 100000000}, NULL);
	CHECK(store_is_sound(s));
	CHECK(write_now(s, &x) == 0);
	/* or the next job proves it, without waiting */
	x.trace = 5001;
	faulty_arm(1, FAULTY_ONCE);
	CHECK(write_now(s, &x) == -1);
	CHECK(!store_is_sound(s));
	CHECK(write_now(s, &x) == 0);
	CHECK(store_is_sound(s));
	faulty_heal();
	store_close(s);
	CHECK(fixture_number(&x, "SELECT count(*) FROM message"
				 " WHERE trace = 5001") == 1);
	CHECK(fixture_number(&x, acts[0].sql) == 1);
	CHECK(fixture_is_clean(&x));
	fixture_release(&x);
}

int
main(void)
{
	struct tally t = {0};

	faulty_install();
	make_model(&t.model);
	every_operation(FAULTY_ONCE, &t);
	/* a sync failed after all was written: a crash right then brings the
	 * refused act back, which is why the proof is needed */
	CHECK(t.resurrected > 0);
	every_operation(FAULTY_EVER, &t);
	every_operation(FAULTY_FULL, &t);
	the_store_knows(&t.model);
	printf("%d runs, %d refused, %d would come back after a crash\n",
	    t.runs, t.refused, t.resurrected);
	fixture_release(&t.model);
	return TEST_EXIT();
}
