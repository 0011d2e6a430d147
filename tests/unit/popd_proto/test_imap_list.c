/* SPDX-License-Identifier: MIT */
/* LIST of many mailboxes: told piece by piece, with bounded output; and what
 * the engine asks its host. */
#include <stdlib.h>

#include "popd/proto/imap_box_op.h"
#include "popd/proto/imap_state.h"
#include "tests/test.h"

#define MANY 5000

static struct imap *
logged_in(void)
{
	struct imap_options o = {.hostname = "imap.d.test",
	    .tls = true,
	    .max_errors = 10,
	    .message_max = 1000,
	    .off = ""};
	struct imap *p = imap_new(&o);
	struct str in = STR("a LOGIN alice secret\r\n");

	CHECK(imap_step(p, 0, &in) == IMAP_LOGIN);
	imap_logged_in(p, 1, "alice", "");
	CHECK(imap_step(p, 0, &in) == IMAP_NONE);
	buf_clear(imap_output(p));
	return p;
}

static struct imap_list_op *
ask(struct imap *p, struct str command)
{
	CHECK(imap_step(p, 0, &command) == IMAP_OP);
	CHECK(imap_op(p)->kind == IMAP_OP_LIST && imap_op(p)->account == 1);
	return (struct imap_list_op *)imap_op(p);
}

static void
answer(struct imap_list_op *o, size_t n)
{
	o->lines = MEM_NEW(struct imap_list_lines);
	o->lines->lines = mem_new(n, sizeof(*o->lines->lines));
	o->lines->n = n;
	for (size_t i = 0; i < n; i++) {
		struct imap_list_line *line = &o->lines->lines[i];
		struct buf name;

		buf_init(&name, KB);
		buf_addf(&name, "mailbox-%zu", i);
		line->name = buf_take(&name);
		line->box = (struct imap_box){.id = (int64_t)i + 1,
		    .messages = UINT64_MAX,
		    .uid_next = UINT32_MAX};
		line->selected = true;
	}
}

static size_t
count(struct str text, struct str what)
{
	size_t n = 0, at;

	while (str_find_str(text, what, &at)) {
		n++;
		text = str_after(text, at + what.len);
	}
	return n;
}

static void
output_is_bounded(void)
{
	struct imap *p = logged_in();
	struct imap_list_op *o = ask(
	    p, STR("b LIST \"\" * RETURN (STATUS (MESSAGES))\r\n"));
	size_t lists = 0, statuses = 0, drains = 0;
	struct str in = {NULL, 0};
	enum imap_event ev;

	CHECK(o->status == IMAP_STATUS_MESSAGES && o->select == 0);
	answer(o, MANY);
	imap_done(p);
	do {
		struct str out;

		ev = imap_step(p, 0, &in);
		out = buf_str(imap_output(p));
		CHECK(out.len < IMAP_OUTPUT_HIGH + 4 * KB);
		CHECK(ev == IMAP_DRAIN || ev == IMAP_NONE);
		/* lines are whole between two steps */
		CHECK(out.len > 0 && out.at[out.len - 1] == '\n');
		lists += count(out, STR("* LIST (\\HasNoChildren) \"/\" "));
		statuses += count(out, STR("(MESSAGES 18446744073709551615)"));
		drains += ev == IMAP_DRAIN;
		if (ev == IMAP_NONE)
			CHECK(count(out, STR("\r\nb OK ")) == 1);
		buf_clear(imap_output(p));
	} while (ev == IMAP_DRAIN);
	CHECK(lists == MANY && statuses == MANY && drains > 5);
	imap_free(p);
}

/* The client goes in the middle of it, or before the answer. */
static void
ends_early(void)
{
	struct imap *p = logged_in();
	struct str in = {NULL, 0};

	answer(ask(p, STR("b LIST \"\" *\r\n")), MANY);
	imap_done(p);
	CHECK(imap_step(p, 0, &in) == IMAP_DRAIN);
	imap_free(p);

	p = logged_in();
	answer(ask(p, STR("b LIST \"\" *\r\n")), 3);
	imap_free(p);

	p = logged_in();
	answer(ask(p, STR("b LIST \"\" *\r\n")), 3);
	imap_op_free(imap_take_op(p));
	imap_free(p);
}

/* Patterns go to the op in UTF-8, each behind its reference. */
static void
patterns_are_handed_on(void)
{
	struct imap *p = logged_in();
	struct imap_list_op *o = ask(p,
	    STR("b LIST (SUBSCRIBED) \"&AOk-/\" (a% \"\" inbox \"b c*\")\r\n"));
	struct str want = STR("\xc3\xa9/\0a%\0\xc3\xa9/\0INBOX\0"
			      "\xc3\xa9/\0b c*\0");

	CHECK(str_eq(buf_str(&o->patterns), want));
	CHECK(o->select == IMAP_LIST_SUBSCRIBED);
	imap_free(p);
}

static void
failure_is_told(void)
{
	struct imap *p = logged_in();
	struct imap_list_op *o = ask(p, STR("b LSUB \"\" *\r\n"));
	struct str in = {NULL, 0}, out;

	CHECK(o->select == IMAP_LIST_LSUB);
	o->op.rc = fail(&o->op.fail, FAIL_TEMP, "the disk sleeps");
	imap_done(p);
	CHECK(imap_step(p, 0, &in) == IMAP_NONE);
	out = buf_str(imap_output(p));
	CHECK(str_starts(out, STR("b NO [UNAVAILABLE] ")));
	imap_free(p);
}

int
main(void)
{
	output_is_bounded();
	ends_early();
	patterns_are_handed_on();
	failure_is_told();
	return TEST_EXIT();
}
