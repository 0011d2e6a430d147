/* SPDX-License-Identifier: MIT */
/*
 * APPEND in the engine, with a host that answers its ops by hand: what the
 * store says before a message is sent, and what is asked of it.
 */
#include <stdlib.h>

#include "common/util/mem.h"
#include "popd/proto/imap.h"
#include "popd/proto/imap_message_op.h"
#include "popd/proto/imap_out.h"
#include "tests/test.h"

struct host {
	struct imap *imap;
	struct buf said, stage; /* stages, '|' before each */
	size_t unstaged;
};

/* Feed up to an op, or until there is no more. */
static enum imap_event
feed(struct host *h, struct str *in)
{
	enum imap_event ev = IMAP_DRAIN;

	while (ev != IMAP_NONE && ev != IMAP_OP && ev != IMAP_CLOSE) {
		struct buf *out = imap_output(h->imap);

		ev = imap_step(h->imap, 0, in);
		buf_add(&h->said, buf_str(out));
		buf_drop(out, out->len);
		if (ev == IMAP_LOGIN)
			imap_logged_in(h->imap, 1, "a", "");
		if (ev == IMAP_STAGE)
			buf_addf(&h->stage, "|%llu:",
			    (unsigned long long)imap_stage_size(h->imap));
		if (ev == IMAP_OCTETS)
			buf_add(&h->stage, imap_octets(h->imap));
		if (ev == IMAP_UNSTAGE)
			h->unstaged++;
	}
	return ev;
}

static void
open_host(struct host *h)
{
	struct imap_options o = {.hostname = "mx",
	    .tls = true,
	    .max_errors = 10,
	    .message_max = 1000,
	    .off = ""};
	struct str in = STR("l LOGIN a b\r\n");

	*h = (struct host){.imap = imap_new(&o)};
	buf_init(&h->said, 1 * MB);
	buf_init(&h->stage, 1 * MB);
	CHECK(feed(h, &in) == IMAP_NONE);
	buf_clear(&h->said);
}

static void
close_host(struct host *h)
{
	imap_free(h->imap);
	buf_release(&h->said);
	buf_release(&h->stage);
}

static struct imap_appendable_op *
question(struct host *h)
{
	CHECK(imap_op(h->imap)->kind == IMAP_OP_APPENDABLE);
	return (struct imap_appendable_op *)imap_op(h->imap);
}

/* What the store says to the question is what the client hears, and nothing is
 * asked for. */
static void
test_question(void)
{
	static const struct {
		enum fail_kind kind;
		enum imap_code code;
		const char *said;
	} v[] = {
	    {FAIL_NONE,  IMAP_CODE_NONE,      "+ "                 },
	    {FAIL_PERM,  IMAP_CODE_TRYCREATE, "a NO [TRYCREATE] "  },
	    {FAIL_QUOTA, IMAP_CODE_NONE,      "a NO [OVERQUOTA] "  },
	    {FAIL_TEMP,  IMAP_CODE_NONE,      "a NO [UNAVAILABLE] "},
	    {FAIL_DISK,  IMAP_CODE_NONE,      "a NO [UNAVAILABLE] "},
	    {FAIL_PERM,  IMAP_CODE_NONE,      "a NO [CANNOT] "     },
	};

	for (size_t i = 0; i < sizeof(v) / sizeof(*v); i++) {
		struct str in = STR("a APPEND Sent (\\Seen) {10}\r\n");
		struct host h;

		open_host(&h);
		CHECK(feed(&h, &in) == IMAP_OP);
		CHECK(h.said.len == 0 && h.stage.len == 0);
		CHECK_STR(question(&h)->mailbox, "Sent");
		CHECK(question(&h)->size == 10 && !question(&h)->replaces);
		if (v[i].kind != FAIL_NONE) {
			imap_op(h.imap)->code = v[i].code;
			imap_op(h.imap)->rc = fail(
			    &imap_op(h.imap)->fail, v[i].kind, "so");
		}
		imap_done(h.imap);
		CHECK(feed(&h, &in) == IMAP_NONE);
		CHECK(str_starts(buf_str(&h.said), str_of(v[i].said)));
		CHECK(h.unstaged == 0);
		close_host(&h);
	}
}

/* Each message of RFC 3502 is asked about with those before it, and the op has
 * what was said of each. */
static void
test_several(void)
{
	struct str in = STR("a APPEND Sent (\\Seen x y) {3+}\r\nabc"
			    " \"01-Jan-1970 00:00:05 +0000\" {4+}\r\ndefg"
			    " (\\Draft) ~{2+}\r\nh\n\r\n");
	static const uint64_t totals[] = {3, 7, 9};
	struct imap_append_op *op;
	struct host h;

	open_host(&h);
	for (int i = 0; i < 3; i++) {
		CHECK(feed(&h, &in) == IMAP_OP);
		CHECK(question(&h)->size == totals[i]);
		imap_done(h.imap);
	}
	CHECK(feed(&h, &in) == IMAP_OP);
	CHECK_STR(h.stage.data, "|3:abc|4:defg|2:h\n");
	op = (struct imap_append_op *)imap_op(h.imap);
	CHECK(op->op.kind == IMAP_OP_APPEND && op->n == 3);
	CHECK_STR(op->mailbox, "Sent");
	CHECK(op->messages[0].flags == IMAP_SEEN && !op->messages[0].dated);
	CHECK(str_eq(buf_str(&op->messages[0].names), STR("x\0y\0")));
	CHECK(op->messages[1].flags == 0 && op->messages[1].dated);
	CHECK(op->messages[1].received_s == 5);
	CHECK(op->messages[2].flags == IMAP_DRAFT);
	op->uid_validity = 77;
	op->uids = mem_new(3, sizeof(*op->uids));
	for (uint32_t i = 0; i < 3; i++)
		op->uids[i] = 5 + i + i / 2; /* 5, 6, 8 */
	imap_done(h.imap);
	CHECK(feed(&h, &in) == IMAP_NONE);
	CHECK_STR(h.said.data, "a OK [APPENDUID 77 5:6,8] APPEND done\r\n");
	CHECK(h.unstaged == 1);
	close_host(&h);
}

/* What lies in stages is bounded, though each message would be allowed. */
static void
test_total(void)
{
	struct host h;
	struct buf text;
	struct str in;

	open_host(&h);
	buf_init(&text, 1 * MB);
	buf_add(&text, STR("a APPEND Sent {900+}\r\n"));
	for (int i = 0; i < 900; i++)
		buf_add_char(&text, 'x');
	buf_add(&text, STR(" {900+}\r\n"));
	for (int i = 0; i < 900; i++)
		buf_add_char(&text, 'y');
	buf_add(&text, STR(" {1}\r\n"));
	in = buf_str(&text);
	for (int i = 0; i < 2; i++) {
		CHECK(feed(&h, &in) == IMAP_OP);
		imap_done(h.imap);
	}
	CHECK(feed(&h, &in) == IMAP_NONE);
	CHECK_STR(h.said.data, "a NO [TOOBIG] It is too large\r\n");
	CHECK(h.unstaged == 1);
	buf_release(&text);
	close_host(&h);
}

/* The op itself fails: the stages are dropped, and the next command finds
 * nothing of it. */
static void
test_failed(void)
{
	struct str in = STR("a APPEND Sent {1+}\r\n\0\r\n"
			    "b APPEND Sent {1+}\r\nx\r\n");
	struct host h;

	open_host(&h);
	CHECK(feed(&h, &in) == IMAP_OP);
	imap_done(h.imap);
	CHECK(feed(&h, &in) == IMAP_OP); /* a was refused for its NUL */
	CHECK_STR(h.said.data, "a NO [CANNOT] NUL needs a literal8\r\n");
	imap_done(h.imap);
	CHECK(feed(&h, &in) == IMAP_OP);
	CHECK(imap_op(h.imap)->kind == IMAP_OP_APPEND);
	imap_op(h.imap)->rc = fail(
	    &imap_op(h.imap)->fail, FAIL_QUOTA, "no room");
	imap_done(h.imap);
	buf_clear(&h.said);
	CHECK(feed(&h, &in) == IMAP_NONE);
	CHECK_STR(h.said.data, "b NO [OVERQUOTA] no room\r\n");
	CHECK(h.unstaged == 2);
	close_host(&h);
}

/* The client goes while the store is asked. */
static void
test_client_goes(void)
{
	struct str in = STR("a APPEND Sent {1+}\r\nx {1+}\r\n");
	struct host h;

	open_host(&h);
	CHECK(feed(&h, &in) == IMAP_OP);
	imap_done(h.imap);
	CHECK(feed(&h, &in) == IMAP_OP);
	imap_op_free(imap_take_op(h.imap));
	close_host(&h);
}

int
main(void)
{
	test_question();
	test_several();
	test_total();
	test_failed();
	test_client_goes();
	return TEST_EXIT();
}
