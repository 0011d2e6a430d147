/* SPDX-License-Identifier: MIT */
/* APPEND, REPLACE and the question before them, carried out on a store. */
#include "popd/ops/ops.h"
#include "popd/proto/imap_message_op.h"
#include "popd/proto/imap_out.h"
#include "tests/unit/store/fixture.h"

static int64_t
wall_ms(void *arg)
{
	(void)arg;
	return NOW;
}

struct job {
	struct ops_context c;
	struct imap_op *op;
};

static int
work(struct db *db, void *arg, struct fail *f)
{
	struct job *job = arg;

	if (ops_run(db, &job->c, job->op) == 0)
		return 0;
	*f = job->op->fail;
	return -1;
}

/* Carry an op out with messages of these texts (NULL ends them). */
static int
carry_out(struct fixture *x, struct imap_op *op, const char *const *texts)
{
	static const struct clock clock = {wall_ms, wall_ms, NULL};
	struct trace_source traces = {&clock, 0};
	struct stage *stages[4];
	struct job job = {
	    .c = {.login = STR("alice@d.test"),
		  .peer = STR("192.0.2.1"),
		  .now_ms = NOW,
		  .stages = stages,
		  .traces = &traces},
	    .op = op
        };
	struct fail f;
	int rc;

	op->account = x->alice;
	for (; texts != NULL && texts[job.c.n_stages] != NULL;
	     job.c.n_stages++) {
		stages[job.c.n_stages] = stage_new(x->dir);
		stage_add(
		    stages[job.c.n_stages], str_of(texts[job.c.n_stages]));
	}
	rc = ops_prepare(&job.c, op);
	if (rc == 0)
		rc = ops_writes(op->kind) ? db_write(x->db, work, &job, &f)
		                          : db_read(x->db, work, &job, &f);
	while (job.c.n_stages > 0)
		stage_free(stages[--job.c.n_stages]);
	return rc;
}

struct appending {
	struct imap_append_op op;
	struct imap_append_message messages[4];
};

static void
begin(
    struct appending *a, enum imap_op_kind kind, const char *mailbox, size_t n)
{
	*a = (struct appending){
	    .op = {.op = {.kind = kind}, .n = n}
        };
	a->op.mailbox = (char *)mailbox;
	a->op.messages = a->messages;
	for (size_t i = 0; i < n; i++)
		buf_init(&a->messages[i].names, 10 * KB);
}

static void
end(struct appending *a)
{
	for (size_t i = 0; i < a->op.n; i++)
		buf_release(&a->messages[i].names);
	for (size_t i = 0; i < a->op.op.n_deltas; i++) {
		free((void *)a->op.op.deltas[i].messages);
		free((void *)a->op.op.deltas[i].gone);
	}
	free(a->op.op.deltas);
	free(a->op.uids);
}

/* A message's octets, flags and dates, and where it came from. */
static void
test_append(struct fixture *x)
{
	const char *const texts[] = {
	    "Message-ID: <a@b>\r\n\r\nx\n", "second", NULL};
	struct appending a;
	const struct mirror_delta *d;

	begin(&a, IMAP_OP_APPEND, "inbox", 2);
	a.messages[0].flags = IMAP_SEEN;
	buf_add(&a.messages[0].names, STR("Work\0$Junk\0"));
	a.messages[1].dated = true;
	a.messages[1].received_s = -5;
	CHECK(carry_out(x, &a.op.op, texts) == 0);
	CHECK(a.op.uids[0] == 1 && a.op.uids[1] == 2);
	CHECK(a.op.uid_validity ==
	      fixture_number(x, "SELECT uid_validity FROM mailbox"
				" WHERE account = 1 AND name = 'INBOX'"));
	CHECK(a.op.op.n_deltas == 1);
	d = &a.op.op.deltas[0];
	CHECK(d->contiguous && d->n_messages == 2 && d->n_gone == 0);
	CHECK(d->messages[0].uid == 1 && d->messages[1].uid == 2);
	CHECK(d->messages[0].flags == (IMAP_SEEN | 1 << 8 | 1 << 9));
	CHECK(d->messages[0].modseq == d->modseq);
	CHECK(d->modseq ==
	      fixture_number(x,
		  "SELECT s.modseq FROM mailbox m JOIN mailbox_state s"
		  " ON s.mailbox = m.id WHERE m.account = 1"
		  " AND m.name = 'INBOX'"));
	CHECK(fixture_number(x, "SELECT received FROM message WHERE uid = 1") ==
	      NOW);
	CHECK(fixture_number(x, "SELECT received FROM message WHERE uid = 2") ==
	      -5000);
	CHECK(fixture_number(x, "SELECT count(*) FROM journey") == 2);
	CHECK(fixture_number(x, "SELECT count(*) FROM journey"
				" WHERE message_id = '<a@b>'") == 1);
	CHECK(fixture_number(x, "SELECT count(*) FROM hop WHERE kind = 1"
				" AND n = 1 AND peer = '192.0.2.1'"
				" AND detail = 'IMAP APPEND'") == 2);
	CHECK(fixture_number(x, "SELECT count(*) FROM hop WHERE kind = 3"
				" AND recipient = 'alice@d.test'"
				" AND detail = 'INBOX'") == 2);
	end(&a);
	CHECK(fixture_is_clean(x));
}

/* All or none: what is refused leaves nothing. */
static void
test_refused(struct fixture *x)
{
	const char *const texts[] = {"one", "two", NULL};
	int64_t before = fixture_number(x, "SELECT count(*) FROM message");
	struct appending a;

	begin(&a, IMAP_OP_APPEND, "Nowhere", 2);
	CHECK(carry_out(x, &a.op.op, texts) == -1);
	CHECK(a.op.op.code == IMAP_CODE_TRYCREATE);
	end(&a);
	begin(&a, IMAP_OP_APPEND, "INBOX", 2);
	for (int i = 0; i < 70; i++) {
		buf_addf(&a.messages[1].names, "k%d", i);
		buf_add_char(&a.messages[1].names, '\0');
	}
	CHECK(carry_out(x, &a.op.op, texts) == -1);
	CHECK(a.op.op.code == IMAP_CODE_LIMIT);
	end(&a);
	CHECK(fixture_number(x, "SELECT count(*) FROM message") == before);
	CHECK(fixture_number(x, "SELECT count(*) FROM keyword") == 2);
	CHECK(fixture_is_clean(x));
}

static int
ask(struct fixture *x, const char *mailbox, uint64_t size, bool replaces,
    enum imap_code *code, enum fail_kind *kind)
{
	struct imap_appendable_op op = {.op = {.kind = IMAP_OP_APPENDABLE},
	    .mailbox = (char *)mailbox,
	    .size = size,
	    .replaces = replaces};
	int rc = carry_out(x, &op.op, NULL);

	*code = op.op.code;
	*kind = op.op.fail.kind;
	return rc;
}

static int
set_quota(struct db *db, void *arg, struct fail *f)
{
	return account_set_quota(db, STR("alice@d.test"), *(uint64_t *)arg, f);
}

static void
test_appendable(struct fixture *x)
{
	uint64_t used = (uint64_t)fixture_number(
	    x, "SELECT bytes FROM account_use WHERE account = 1");
	uint64_t quota = used + 100;
	enum imap_code code;
	enum fail_kind kind;

	CHECK(ask(x, "INBOX", UINT64_MAX, false, &code, &kind) == 0);
	MUST(db_write(x->db, set_quota, &quota, &why));
	CHECK(ask(x, "INBOX", 100, false, &code, &kind) == 0);
	CHECK(ask(x, "INBOX", 101, false, &code, &kind) == -1);
	CHECK(kind == FAIL_QUOTA);
	CHECK(ask(x, "INBOX", 101, true, &code, &kind) == 0);
	CHECK(ask(x, "../INBOX", 1, false, &code, &kind) == -1);
	CHECK(code == IMAP_CODE_TRYCREATE);
	quota = used - 1; /* it was lowered: there is less than no room */
	MUST(db_write(x->db, set_quota, &quota, &why));
	CHECK(ask(x, "INBOX", 0, false, &code, &kind) == -1);
	quota = 0;
	MUST(db_write(x->db, set_quota, &quota, &why));
}

static void
begin_replace(
    struct fixture *x, struct appending *a, const char *to, uint32_t uid)
{
	begin(a, IMAP_OP_REPLACE, to, 1);
	a->op.from_mailbox = fixture_number(
	    x, "SELECT id FROM mailbox WHERE account = 1 AND name = 'INBOX'");
	a->op.replaced = uid;
}

/* RFC 8508 s3.4: both or neither. */
static void
test_replace(struct fixture *x)
{
	const char *const texts[] = {"instead", NULL};
	struct appending a;

	begin_replace(x, &a, "INBOX", 1);
	CHECK(carry_out(x, &a.op.op, texts) == 0);
	CHECK(a.op.uids[0] == 3);
	CHECK(a.op.op.n_deltas == 2);
	CHECK(a.op.op.deltas[0].n_gone == 1 &&
	      a.op.op.deltas[0].gone[0].low == 1);
	CHECK(a.op.op.deltas[1].n_messages == 1 &&
	      a.op.op.deltas[1].modseq == a.op.op.deltas[0].modseq + 1);
	CHECK(fixture_number(x, "SELECT count(*) FROM hop WHERE kind = 11"
				" AND detail = 'IMAP REPLACE'") == 1);
	end(&a);
	begin_replace(x, &a, "INBOX", 1);
	CHECK(carry_out(x, &a.op.op, texts) == -1);
	CHECK(a.op.op.code == IMAP_CODE_EXPUNGEISSUED);
	end(&a);
	begin_replace(x, &a, "Nowhere", 2);
	CHECK(carry_out(x, &a.op.op, texts) == -1);
	CHECK(a.op.op.code == IMAP_CODE_TRYCREATE);
	end(&a);
	begin_replace(x, &a, "INBOX", 2); /* the keywords do not fit: 2 stays */
	for (int i = 0; i < 70; i++) {
		buf_addf(&a.messages[0].names, "k%d", i);
		buf_add_char(&a.messages[0].names, '\0');
	}
	CHECK(carry_out(x, &a.op.op, texts) == -1);
	end(&a);
	CHECK(fixture_number(x, "SELECT count(*) FROM message") == 2);
	CHECK(fixture_number(x, "SELECT min(uid) FROM message") == 2);
	CHECK(fixture_is_clean(x));
}

int
main(void)
{
	struct fixture x;

	fixture_init(&x);
	test_append(&x);
	test_refused(&x);
	test_appendable(&x);
	test_replace(&x);
	fixture_release(&x);
	return TEST_EXIT();
}
