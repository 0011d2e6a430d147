/* SPDX-License-Identifier: MIT */
/*
 * FETCH in the engine, with a host that answers its ops by hand: what no
 * conversation over a sound store can show.
 */
#include <stdlib.h>

#include "common/util/mem.h"
#include "popd/proto/imap.h"
#include "popd/proto/imap_message_op.h"
#include "popd/proto/imap_out.h"
#include "popd/proto/imap_selected_op.h"
#include "tests/test.h"

struct host {
	struct imap *imap;
	struct mirror *mirror;
	struct buf said;
	size_t drains, longest; /* output at once */
};

static void
drain(struct host *h)
{
	struct buf *out = imap_output(h->imap);

	if (out->len > h->longest)
		h->longest = out->len;
	buf_add(&h->said, buf_str(out));
	buf_drop(out, out->len);
}

/* Feed until something is to be answered by hand, or there is no more. */
static enum imap_event
feed(struct host *h, const char *text)
{
	struct str in = str_of(text);
	enum imap_event ev;

	while ((ev = imap_step(h->imap, 0, &in)) == IMAP_DRAIN) {
		drain(h);
		h->drains++;
	}
	drain(h);
	return ev;
}

static void
open_host(struct host *h, size_t messages, const char *command)
{
	struct imap_options o = {.hostname = "mx",
	    .tls = true,
	    .max_errors = 10,
	    .message_max = 1000,
	    .off = ""};
	struct mirror_facts facts = {.mailbox = 7,
	    .account = 1,
	    .uid_validity = 5,
	    .uid_next = (uint32_t)(10 * messages + 1),
	    .modseq = 9,
	    .recent_uid = (uint32_t)(10 * messages + 1)};
	struct mirror_message *m = mem_new(messages, sizeof(*m));

	*h = (struct host){.imap = imap_new(&o)};
	buf_init(&h->said, 64 * MB);
	for (size_t i = 0; i < messages; i++)
		m[i] = (struct mirror_message){
		    .uid = (uint32_t)(10 * i + 10), .modseq = 9};
	h->mirror = mirror_new(&facts, m, messages);
	CHECK(feed(h, "l LOGIN a b\r\n") == IMAP_LOGIN);
	imap_logged_in(h->imap, 1, "a", "");
	CHECK(feed(h, "s SELECT INBOX\r\n") == IMAP_OP);
	((struct imap_select_op *)imap_op(h->imap))->mailbox = 7;
	((struct imap_select_op *)imap_op(h->imap))->mirror = h->mirror;
	imap_done(h->imap);
	CHECK(feed(h, "") == IMAP_NONE);
	buf_clear(&h->said);
	h->longest = h->drains = 0;
	CHECK(feed(h, command) != IMAP_CLOSE);
}

static void
close_host(struct host *h)
{
	imap_free(h->imap);
	mirror_free(h->mirror);
	buf_release(&h->said);
}

/* Somebody expunges these. */
static void
expunge(struct host *h, uint32_t low, uint32_t high)
{
	struct seqrange gone = {low, high};
	struct mirror_delta d = {.mailbox = 7,
	    .modseq = mirror_facts(h->mirror)->modseq + 1,
	    .contiguous = true,
	    .gone = &gone,
	    .n_gone = 1};

	CHECK(mirror_apply(h->mirror, &d));
}

/* ---- answers by hand ---- */

static struct imap_fetch_op *
fetch_op(struct host *h)
{
	CHECK(imap_op(h->imap)->kind == IMAP_OP_FETCH);
	return (struct imap_fetch_op *)imap_op(h->imap);
}

static void
answer_row(struct imap_fetch_op *op, uint32_t uid, size_t item, size_t n)
{
	struct imap_fetch_batch *b = &op->batch;

	b->rows = mem_grow(b->rows, b->n_rows + 1, sizeof(*b->rows));
	b->rows_room = b->n_rows + 1;
	b->rows[b->n_rows++] = (struct imap_fetch_row){.uid = uid,
	    .body = uid,
	    .trace = uid * 100,
	    .value = b->n_values,
	    .item = item,
	    .n = n};
}

static void
answer_value(struct imap_fetch_op *op, enum imap_value_kind kind,
    const char *text, uint64_t octets)
{
	struct imap_fetch_batch *b = &op->batch;

	b->values = mem_grow(b->values, b->n_values + 1, sizeof(*b->values));
	b->values_room = b->n_values + 1;
	b->values[b->n_values++] = (struct imap_fetch_value){.kind = kind,
	    .at = b->text.len,
	    .len = strlen(text),
	    .octets = octets,
	    .send = octets};
	buf_add(&b->text, str_of(text));
}

/* RFC 9051 s6.4.5; the mirror alone answers, and no op is asked. */
static void
test_mirror_only(void)
{
	struct host h;
	struct buf want;

	open_host(&h, 20000, "a UID FETCH 1:* (FLAGS MODSEQ)\r\n");
	buf_init(&want, 64 * MB);
	buf_addf(&want, "* OK [HIGHESTMODSEQ 9] Highest\r\n");
	for (int i = 1; i <= 20000; i++)
		buf_addf(&want, "* %d FETCH (UID %d FLAGS () MODSEQ (9))\r\n",
		    i, 10 * i);
	buf_addf(&want, "a OK UID FETCH done\r\n");
	CHECK(str_eq(buf_str(&h.said), buf_str(&want)));
	CHECK(h.drains > 10);
	CHECK(h.longest <= IMAP_OUTPUT_HIGH + 1000);
	buf_release(&want);
	close_host(&h);
}

/* Somebody expunges while a long answer waits for its client to read. */
static void
test_expunged_meanwhile(void)
{
	struct host h;
	struct str in = STR("a FETCH 1:* UID\r\n");
	struct buf *out;
	size_t at;

	open_host(&h, 5000, "");
	CHECK(imap_step(h.imap, 0, &in) == IMAP_DRAIN);
	drain(&h);
	out = imap_output(h.imap);
	CHECK(out->len == 0);
	expunge(&h, 10, 20); /* told of already */
	expunge(&h, 49990, 50000);
	CHECK(feed(&h, "") == IMAP_NONE);
	CHECK(str_find_str(buf_str(&h.said),
	    STR("* 4998 FETCH (UID 49980)\r\n"
		"a OK [EXPUNGEISSUED] Some messages are gone\r\n"),
	    &at));
	CHECK(!str_find_str(buf_str(&h.said), STR("EXPUNGE\r\n"), &at));
	close_host(&h);
}

/* A body that cannot be read is NIL; the others come all the same. */
static void
test_unreadable(void)
{
	struct host h;
	struct imap_fetch_op *op;

	open_host(&h, 2, "a FETCH 1:2 BODY.PEEK[]\r\n");
	op = fetch_op(&h);
	CHECK(op->mailbox == 7 && op->from_uid == 1 && op->query.n == 1);
	answer_row(op, 10, 0, 1);
	answer_value(op, IMAP_VALUE_STREAM, "BODY[]", 5);
	answer_row(op, 20, 0, 1);
	answer_value(op, IMAP_VALUE_STREAM, "BODY[]", 5);
	op->over = true;
	imap_done(h.imap);
	CHECK(feed(&h, "") == IMAP_BODY);
	CHECK(imap_body_wanted(h.imap)->body == 10);
	imap_body_failed(h.imap);
	CHECK(feed(&h, "") == IMAP_BODY);
	CHECK(imap_body_wanted(h.imap)->body == 20);
	imap_body(h.imap, STR("ab"));
	imap_body(h.imap, STR("cde"));
	imap_body_end(h.imap);
	CHECK(feed(&h, "") == IMAP_NONE);
	CHECK_STR(h.said.data,
	    "* 1 FETCH (BODY[] NIL)\r\n* 2 FETCH (BODY[] {5}\r\nabcde)\r\n"
	    "a NO [SERVERBUG] Some messages cannot be read\r\n");
	close_host(&h);
}

/* The octets that were promised come, whatever the body has become. */
static void
test_short_body(void)
{
	struct host h;
	struct imap_fetch_op *op;

	open_host(&h, 1, "a FETCH 1 BODY.PEEK[]\r\n");
	op = fetch_op(&h);
	answer_row(op, 10, 0, 1);
	answer_value(op, IMAP_VALUE_STREAM, "BODY[]", 5);
	op->over = true;
	imap_done(h.imap);
	CHECK(feed(&h, "") == IMAP_BODY);
	imap_body(h.imap, STR("abc"));
	imap_body_end(h.imap);
	CHECK(feed(&h, "") == IMAP_NONE);
	CHECK_STR(h.said.data,
	    "* 1 FETCH (BODY[] {5}\r\nabc  )\r\na OK FETCH done\r\n");
	close_host(&h);
}

/* An op that fails, also between two batches of one message: the response that
 * was begun is ended. */
static void
test_op_fails(void)
{
	struct host h;
	struct imap_fetch_op *op;

	open_host(&h, 2, "a FETCH 1:2 (BODY.PEEK[1] BODY.PEEK[2])\r\n");
	op = fetch_op(&h);
	answer_row(op, 10, 0, 1);
	answer_value(op, IMAP_VALUE_TEXT, "BODY[1] \"\"", 0);
	op->from_uid = 10;
	op->from_item = 1;
	imap_done(h.imap);
	CHECK(feed(&h, "") == IMAP_OP);
	op = fetch_op(&h);
	CHECK(op->from_uid == 10 && op->from_item == 1);
	CHECK(op->batch.n_rows == 0 && op->batch.text.len == 0);
	op->op.rc = fail(&op->op.fail, FAIL_TEMP, "no");
	imap_done(h.imap);
	CHECK(feed(&h, "") == IMAP_NONE);
	CHECK_STR(h.said.data,
	    "* 1 FETCH (BODY[1] \"\")\r\na NO [UNAVAILABLE] Try again "
	    "later\r\n");
	close_host(&h);
}

/* A message that is gone between two batches of it. */
static void
test_gone_between_batches(void)
{
	struct host h;
	struct imap_fetch_op *op;

	open_host(&h, 2, "a FETCH 1:2 (BODY.PEEK[1] BODY.PEEK[2])\r\n");
	op = fetch_op(&h);
	answer_row(op, 10, 0, 1);
	answer_value(op, IMAP_VALUE_TEXT, "BODY[1] \"\"", 0);
	op->from_uid = 10;
	op->from_item = 1;
	imap_done(h.imap);
	CHECK(feed(&h, "") == IMAP_OP);
	op = fetch_op(&h);
	answer_row(op, 20, 0, 2);
	answer_value(op, IMAP_VALUE_TEXT, "BODY[1] NIL", 0);
	answer_value(op, IMAP_VALUE_NONE, "", 0);
	op->over = true;
	imap_done(h.imap);
	CHECK(feed(&h, "") == IMAP_NONE);
	CHECK_STR(h.said.data,
	    "* 1 FETCH (BODY[1] \"\")\r\n* 2 FETCH (BODY[1] NIL)\r\n"
	    "a OK FETCH done\r\n");
	close_host(&h);
}

/* \Seen that cannot be written: the message is read all the same; and its
 * journey hears of it once. */
static void
test_seen_fails(void)
{
	struct host h;
	struct imap_fetch_op *op;
	struct imap_store_op *store;
	const int64_t *traces;
	size_t n;

	open_host(&h, 1, "");
	for (int i = 0; i < 2; i++) {
		CHECK(feed(&h, "a FETCH 1 BODY[1]\r\n") == IMAP_OP);
		op = fetch_op(&h);
		answer_row(op, 10, 0, 1);
		answer_value(op, IMAP_VALUE_TEXT, "BODY[1] \"\"", 0);
		op->over = true;
		imap_done(h.imap);
		CHECK(feed(&h, "") == IMAP_OP);
		store = (struct imap_store_op *)imap_op(h.imap);
		CHECK(store->op.kind == IMAP_OP_STORE && store->mailbox == 7);
		CHECK(store->uids.n == 1 && store->uids.uids[0] == 10);
		CHECK(
		    store->flags == IMAP_SEEN && store->how == IMAP_STORE_ADD);
		store->op.rc = fail(&store->op.fail, FAIL_DISK, "full");
		imap_done(h.imap);
		CHECK(feed(&h, "") == IMAP_NONE);
		CHECK_STR(h.said.data,
		    "* 1 FETCH (BODY[1] \"\")\r\na OK FETCH done\r\n");
		traces = imap_read_traces(h.imap, &n);
		CHECK(n == (i == 0 ? 1 : 0));
		CHECK(n == 0 || traces[0] == 1000);
		buf_clear(&h.said);
	}
	close_host(&h);
}

/* Headers are not the text; nor is what is asked of the mirror. */
static void
test_not_read(void)
{
	static const char *const commands[] = {
	    "a FETCH 1 BODY.PEEK[HEADER]\r\n", "a FETCH 1 ENVELOPE\r\n",
	    "a FETCH 1 RFC822.HEADER\r\n", "a FETCH 1 BINARY.SIZE[1]\r\n",
	    "a FETCH 1 BODY.PEEK[1.MIME]\r\n"};

	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		struct host h;
		struct imap_fetch_op *op;
		size_t n;

		open_host(&h, 1, commands[i]);
		op = fetch_op(&h);
		answer_row(op, 10, 0, 1);
		answer_value(op, IMAP_VALUE_TEXT, "X NIL", 0);
		op->over = true;
		imap_done(h.imap);
		CHECK(feed(&h, "") == IMAP_NONE);
		imap_read_traces(h.imap, &n);
		CHECK(n == 0);
		close_host(&h);
	}
}

/* Long texts leave in pieces: output never holds one. */
static void
test_bounded(void)
{
	struct host h;
	struct imap_fetch_op *op;
	struct buf text;

	buf_init(&text, 10 * MB);
	buf_add(&text, STR("BODYSTRUCTURE ("));
	for (int i = 0; i < 300000; i++)
		buf_add(&text, STR("abcdefgh"));
	buf_add_char(&text, ')');
	open_host(&h, 1, "a FETCH 1 (BODYSTRUCTURE UID)\r\n");
	op = fetch_op(&h);
	answer_row(op, 10, 0, 2);
	answer_value(op, IMAP_VALUE_TEXT, text.data, 0);
	answer_value(op, IMAP_VALUE_MIRROR, "", 0);
	op->over = true;
	imap_done(h.imap);
	CHECK(feed(&h, "") == IMAP_NONE);
	CHECK(h.longest < IMAP_OUTPUT_HIGH + 20 * KB);
	CHECK(h.said.len == text.len + strlen("* 1 FETCH ( UID 10)\r\n"
					      "a OK FETCH done\r\n"));
	buf_release(&text);
	close_host(&h);
}

/* The client goes while an op is under way: who frees what is settled. */
static void
test_client_goes(void)
{
	struct host h;

	open_host(&h, 1, "a FETCH 1 (ENVELOPE BODY[HEADER.FIELDS (A B)])\r\n");
	CHECK(imap_op(h.imap) != NULL);
	imap_op_free(imap_take_op(h.imap));
	close_host(&h);
	open_host(&h, 1, "a FETCH 1 (ENVELOPE BODY[HEADER.FIELDS (A B)])\r\n");
	close_host(&h);
}

/* RFC 9051 s9 fetch: each is refused, and nothing leaks. */
static void
test_refused(void)
{
	static const char *const bad[] = {"a FETCH\r\n", "a FETCH 1\r\n",
	    "a FETCH 1 \r\n", "a FETCH 1 (\r\n", "a FETCH 1 (UID \r\n",
	    "a FETCH 1 (UID BODY[\r\n", "a FETCH 1 BODY[HEADER.FIELDS (\r\n",
	    "a FETCH 1 BODY[]<\r\n", "a FETCH 1 BODY[]<1\r\n",
	    "a FETCH 1 BODY[]<1.\r\n", "a FETCH 1 BODY[]<1.2\r\n",
	    "a FETCH 1 ALLX\r\n", "a FETCH 1 ALL FAST\r\n",
	    "a FETCH 1 UID (\r\n", "a FETCH 1 UID ()\r\n",
	    "a FETCH 1 UID (CHANGEDSINCE)\r\n",
	    "a FETCH 1 UID (CHANGEDSINCE 1 CHANGEDSINCE 2)\r\n",
	    "a FETCH 1 UID (CHANGEDSINCE 1) x\r\n",
	    "a FETCH 1 PREVIEW (LAZY\r\n", "a FETCH 1 [\r\n"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct host h;

		open_host(&h, 1, bad[i]);
		CHECK(str_starts(buf_str(&h.said), STR("a BAD ")));
		close_host(&h);
	}
}

/* A thousand items are answered, one more is too many. */
static void
test_many_items(void)
{
	struct host h;
	struct buf text;

	buf_init(&text, 1 * MB);
	for (int more = 0; more < 2; more++) {
		buf_clear(&text);
		buf_add(&text, STR("a FETCH 1 (FLAGS"));
		for (int i = 1; i < IMAP_FETCH_ITEMS_MAX + more; i++)
			buf_add(&text, STR(" UID"));
		buf_add(&text, STR(")\r\n"));
		open_host(&h, 1, text.data);
		CHECK(str_starts(buf_str(&h.said),
		    more ? STR("a BAD Too many items\r\n")
			 : STR("* 1 FETCH (FLAGS () UID 10 UID 10")));
		close_host(&h);
	}
	buf_release(&text);
}

int
main(void)
{
	test_mirror_only();
	test_expunged_meanwhile();
	test_unreadable();
	test_short_body();
	test_op_fails();
	test_gone_between_batches();
	test_seen_fails();
	test_not_read();
	test_bounded();
	test_client_goes();
	test_refused();
	test_many_items();
	return TEST_EXIT();
}
