/* SPDX-License-Identifier: MIT */
/* FETCH carried out on a store, batch by batch. */
#include "popd/ops/header_cache.h"
#include "popd/ops/ops.h"
#include "popd/proto/imap.h"
#include "popd/proto/imap_message_op.h"
#include "tests/unit/store/fixture.h"

#define LARGE (300 * KB)

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

/* An op that asks this, of INBOX. */
static void
begin(struct fixture *x, struct imap_fetch_op *op, const char *items)
{
	struct imap_options o = {.hostname = "mx", .off = ""};
	struct imap *imap = imap_new(&o);
	struct imap_args a = {str_of(items), false};
	const char *wrong = NULL;

	*op = (struct imap_fetch_op){
	    .op = {.kind = IMAP_OP_FETCH}, .from_uid = 1};
	op->mailbox = fixture_number(
	    x, "SELECT id FROM mailbox WHERE account = 1 AND name = 'INBOX'");
	buf_init(&op->batch.text, 64 * MB);
	CHECK(imap_fetch_take_items(imap, &a, &op->query, &wrong));
	CHECK(a.rest.len == 0);
	imap_free(imap);
}

static void
end(struct imap_fetch_op *op)
{
	imap_fetch_query_release(&op->query);
	imap_fetch_batch_release(&op->batch);
	seqset_release(&op->uids);
}

static struct header_cache *headers; /* what ops are given */

static int
carry_out(struct fixture *x, struct imap_fetch_op *op)
{
	struct job job = {.c.headers = headers, .op = &op->op};
	struct fail f;

	imap_fetch_batch_clear(&op->batch);
	return db_read(x->db, work, &job, &f);
}

struct total {
	size_t batches, rows, streams, longest;
	struct buf text; /* of all values, ';' after each row */
};

/* All batches of an op, one behind the other. */
static void
run(struct fixture *x, struct imap_fetch_op *op, struct total *t)
{
	size_t done = 0; /* items of the row at hand */

	*t = (struct total){0};
	buf_init(&t->text, 64 * MB);
	for (op->over = false; !op->over; t->batches++) {
		const struct imap_fetch_batch *b = &op->batch;

		if (carry_out(x, op) != 0) {
			CHECK(!"it fails");
			return;
		}
		if (b->text.len > t->longest)
			t->longest = b->text.len;
		CHECK(op->over || b->n_rows > 0);
		for (size_t i = 0; i < b->n_rows; i++) {
			const struct imap_fetch_row *r = &b->rows[i];

			CHECK(r->item == done);
			for (size_t k = 0; k < r->n; k++) {
				const struct imap_fetch_value
				    *v = &b->values[r->value + k];

				t->streams += v->kind == IMAP_VALUE_STREAM;
				buf_add(&t->text,
				    (struct str){b->text.data + v->at, v->len});
			}
			done = (r->item + r->n) % op->query.n;
			t->rows += done == 0;
			if (done == 0)
				buf_add_char(&t->text, ';');
		}
	}
}

static int
fill(struct db *db, void *arg, struct fail *f)
{
	struct fixture *x = arg;
	struct buf text;
	struct mailbox box;
	int rc = mailbox_find(db, x->alice, STR("INBOX"), &box, f);

	buf_init(&text, 1 * MB);
	for (int i = 0; i < 60 && rc != -1; i++) {
		struct stage *s = stage_new(x->dir);
		struct message_new m = {.stage = s, .received_ms = NOW};
		int64_t modseq;
		uint32_t uid;

		buf_clear(&text);
		buf_addf(&text, "Subject: %d\r\n\r\n", 10 + i);
		for (size_t k = 0; k < (i == 30 ? LARGE : 20 * KB); k++)
			buf_add_char(&text, (char)('a' + k % 26));
		stage_add(s, buf_str(&text));
		rc = stage_seal(s, STR(""), f);
		if (rc == 0)
			rc = message_append(
			    db, box.id, &m, 1, NOW, &uid, &modseq, f);
		stage_free(s);
	}
	buf_release(&text);
	return rc;
}

/* Batches are bounded, nothing is left out and nothing comes twice. */
static void
test_batches(struct fixture *x)
{
	struct imap_fetch_op op;
	struct total t;
	size_t at = 0, from = 0, octets = 0;

	begin(x, &op, "(RFC822.SIZE BODY.PEEK[])");
	seqset_add(&op.uids, 1, 60);
	run(x, &op, &t);
	CHECK(t.rows == 60 && t.streams == 1);
	CHECK(t.batches >= 59 * 20 / 256 + 1 && t.batches < 10);
	CHECK(t.longest <= IMAP_BATCH_OCTETS + 30 * KB);
	for (int i = 0; i < 60; i++) {
		char head[40];

		snprintf(head, sizeof(head), "Subject: %d\r\n", 10 + i);
		if (i == 30) /* its octets are to be streamed */
			continue;
		CHECK(str_find_str(
		    str_after(buf_str(&t.text), from), str_of(head), &at));
		from += at;
	}
	for (size_t i = 0; i < t.text.len; i++)
		octets += t.text.data[i] == 'z';
	CHECK(octets == 59 * (20 * KB / 26));
	buf_release(&t.text);
	end(&op);
}

/* Only those asked for, however the set is cut; those that are not there are
 * skipped. */
static void
test_ranges(struct fixture *x)
{
	struct imap_fetch_op op;
	struct total t;

	begin(x, &op, "(BODY.PEEK[HEADER.FIELDS (Subject)] UID)");
	seqset_add(&op.uids, 2, 3);
	seqset_add(&op.uids, 59, 4000000000);
	run(x, &op, &t);
	CHECK(t.rows == 4 && t.batches == 1);
	CHECK_STR(t.text.data,
	    "BODY[HEADER.FIELDS (Subject)] {15}\r\nSubject: 11\r\n\r\n;"
	    "BODY[HEADER.FIELDS (Subject)] {15}\r\nSubject: 12\r\n\r\n;"
	    "BODY[HEADER.FIELDS (Subject)] {15}\r\nSubject: 68\r\n\r\n;"
	    "BODY[HEADER.FIELDS (Subject)] {15}\r\nSubject: 69\r\n\r\n;");
	buf_release(&t.text);
	end(&op);
	begin(x, &op, "ENVELOPE");
	seqset_add(&op.uids, 100, 200);
	run(x, &op, &t);
	CHECK(t.rows == 0 && t.batches == 1);
	buf_release(&t.text);
	end(&op);
}

/* One message asked for so much that it takes several batches. */
static void
test_within_a_message(struct fixture *x)
{
	struct imap_fetch_op op;
	struct buf items;
	struct total t;

	buf_init(&items, 10 * KB);
	buf_add(&items, STR("(UID"));
	for (int i = 0; i < 100; i++)
		buf_add(&items, STR(" BODY.PEEK[TEXT]"));
	buf_add(&items, STR(")"));
	begin(x, &op, items.data);
	seqset_add(&op.uids, 5, 7);
	run(x, &op, &t);
	CHECK(t.rows == 3 && t.streams == 0);
	CHECK(t.batches > 20 && t.longest <= IMAP_BATCH_OCTETS + 10 * KB);
	CHECK(t.text.len ==
	      3 * (1 + 100 * (strlen("BODY[TEXT] {20480}\r\n") + 20 * KB)));
	buf_release(&t.text);
	buf_release(&items);
	end(&op);
}

/* What is to be streamed is said exactly; a window into it is read here. */
static void
test_large(struct fixture *x)
{
	struct imap_fetch_op op;
	const struct imap_fetch_value *v;

	begin(x, &op, "(BODY.PEEK[TEXT] BODY.PEEK[]<200015.3> BODY.PEEK[])");
	seqset_add(&op.uids, 31, 31);
	CHECK(carry_out(x, &op) == 0);
	CHECK(op.over && op.batch.n_rows == 1 && op.batch.rows[0].n == 3);
	v = op.batch.values;
	CHECK(v[0].kind == IMAP_VALUE_STREAM && v[0].from == 15);
	CHECK(v[0].octets == LARGE && v[0].send == LARGE && v[0].skip == 0);
	CHECK(v[1].kind == IMAP_VALUE_TEXT);
	CHECK(str_eq((struct str){op.batch.text.data + v[1].at, v[1].len},
	    STR("BODY[]<200015> {3}\r\nijk")));
	CHECK(v[2].kind == IMAP_VALUE_STREAM && v[2].from == 0);
	CHECK(v[2].octets == LARGE + 15);
	end(&op);
}

static int
damage(struct db *db, void *arg, struct fail *f)
{
	(void)arg;
	if (sqlite3_exec(db->sqlite,
		"UPDATE body_data SET data = zeroblob(length(data))"
		" WHERE body = (SELECT body FROM message WHERE uid = 2)",
		NULL, NULL, NULL) != SQLITE_OK)
		return fail(f, FAIL_TEMP, "damage");
	return 0;
}

/* A damaged message is NIL and said to be; those beside it are whole. */
static void
test_damaged(struct fixture *x)
{
	struct imap_fetch_op op;
	struct total t;
	size_t at;

	MUST(db_write(x->db, damage, NULL, &why));
	begin(x, &op, "(RFC822.SIZE BODY.PEEK[HEADER])");
	seqset_add(&op.uids, 1, 3);
	run(x, &op, &t);
	CHECK(t.rows == 3 && op.unreadable);
	CHECK(str_find_str(buf_str(&t.text),
	    STR(";RFC822.SIZE 20495BODY[HEADER] NIL;"
		"RFC822.SIZE 20495BODY[HEADER] {15}\r\nSubject: 12"),
	    &at));
	buf_release(&t.text);
	end(&op);
}

static int
lose_bodies(struct db *db, void *arg, struct fail *f)
{
	(void)arg;
	return sql_exec(db->sqlite, "DELETE FROM body_data", f);
}

/* What was asked for once is not read again, and is the same; who asks for more
 * hears that the message is damaged. */
static void
test_kept(struct fixture *x)
{
	static const char items[] =
	    "(BODY.PEEK[HEADER.FIELDS (Subject)] RFC822.SIZE"
	    " BODY.PEEK[HEADER.FIELDS.NOT (Subject)] BODY.PEEK[9.HEADER.FIELDS"
	    " (X)] BODY.PEEK[HEADER.FIELDS (Subject)]<0.9>)";
	struct imap_fetch_op op;
	struct total once, again;

	headers = NULL;
	begin(x, &op, items);
	seqset_add(&op.uids, 1, 70);
	run(x, &op, &once);
	end(&op);
	headers = header_cache_new(1 * MB);
	for (int i = 0; i < 3; i++) {
		begin(x, &op, items);
		seqset_add(&op.uids, 1, 70);
		run(x, &op, &again);
		CHECK(again.rows == once.rows);
		CHECK_STR(again.text.data, once.text.data);
		buf_release(&again.text);
		end(&op);
	}
	buf_release(&once.text);
	MUST(db_write(x->db, lose_bodies, NULL, &why));
	begin(x, &op, "BODY.PEEK[HEADER.FIELDS (Subject)]");
	seqset_add(&op.uids, 3, 3);
	run(x, &op, &again);
	CHECK(!op.unreadable);
	CHECK_STR(again.text.data,
	    "BODY[HEADER.FIELDS (Subject)] {15}\r\nSubject: 12\r\n\r\n;");
	buf_release(&again.text);
	end(&op);
	begin(x, &op, "(BODY.PEEK[HEADER.FIELDS (Subject)] BODY.PEEK[HEADER])");
	seqset_add(&op.uids, 3, 3);
	run(x, &op, &again);
	CHECK(op.unreadable);
	CHECK_STR(again.text.data,
	    "BODY[HEADER.FIELDS (Subject)] NILBODY[HEADER] NIL;");
	buf_release(&again.text);
	end(&op);
	header_cache_free(headers);
	headers = NULL;
}

int
main(void)
{
	struct fixture x;

	fixture_init(&x);
	MUST(db_write(x.db, fill, &x, &why));
	test_batches(&x);
	test_ranges(&x);
	test_within_a_message(&x);
	test_large(&x);
	test_damaged(&x);
	test_kept(&x);
	fixture_release(&x);
	return TEST_EXIT();
}
