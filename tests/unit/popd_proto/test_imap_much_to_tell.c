/* SPDX-License-Identifier: MIT */
/*
 * A mailbox of which there is more to tell than output may hold: it comes in
 * pieces, each bounded, nothing twice and nothing left out, and the tagged
 * response last.
 */
#include <stdlib.h>

#include "common/util/mem.h"
#include "popd/proto/imap.h"
#include "popd/proto/imap_box_op.h"
#include "popd/proto/imap_out.h"
#include "popd/proto/imap_selected_op.h"
#include "popd/proto/mirror.h"
#include "tests/test.h"

#define MANY 6000

struct talk {
	struct imap *p;
	struct mirror *mirror;
	struct buf said;
	size_t drains;
};

/* UIDs 1 to MANY, no flags, modseq 9. */
static struct mirror *
many_messages(void)
{
	const struct mirror_facts facts = {.mailbox = 7,
	    .account = 1,
	    .uid_validity = 1,
	    .uid_next = MANY + 1,
	    .modseq = 9,
	    .recent_uid = MANY + 1};
	struct mirror_message *m = mem_new(MANY, sizeof(*m));

	for (uint32_t i = 0; i < MANY; i++)
		m[i] = (struct mirror_message){.uid = i + 1, .modseq = 9};
	return mirror_new(&facts, m, MANY);
}

/* All of them are changed. */
static void
run_store(struct talk *t, struct imap_store_op *op)
{
	struct mirror_message *now = mem_new(op->uids.n, sizeof(*now));
	struct mirror_delta d = {.mailbox = 7,
	    .modseq = 10,
	    .contiguous = true,
	    .messages = now,
	    .n_messages = op->uids.n};

	op->changes = mem_new(op->uids.n, sizeof(*op->changes));
	for (size_t i = 0; i < op->uids.n; i++) {
		now[i] = (struct mirror_message){
		    .uid = op->uids.uids[i], .flags = op->flags, .modseq = 10};
		op->changes[i] = (struct imap_store_change){
		    .now = now[i], .before = 9};
	}
	op->n_changes = op->uids.n;
	CHECK(mirror_apply(t->mirror, &d));
	free(now);
}

static void
run_op(struct talk *t)
{
	struct imap_op *op = imap_op(t->p);

	if (op->kind == IMAP_OP_SELECT) {
		((struct imap_select_op *)op)->mailbox = 7;
		((struct imap_select_op *)op)->stored = mem_dup(STR("INBOX"));
		((struct imap_select_op *)op)->mirror = t->mirror;
	} else if (op->kind == IMAP_OP_STORE) {
		run_store(t, (struct imap_store_op *)op);
	} else if (op->kind == IMAP_OP_NEWS) {
		((struct imap_news_op *)op)->lines = MEM_NEW(
		    struct imap_list_lines);
	} else {
		CHECK(op->kind == IMAP_OP_POLL || op->kind == IMAP_OP_VANISHED);
	}
	imap_done(t->p);
}

/* Whatever is said to it, until it has nothing to do any more. */
static void
say(struct talk *t, const char *text)
{
	struct str in = str_of(text);
	enum imap_event ev;

	buf_clear(&t->said);
	t->drains = 0;
	do {
		struct buf *out = imap_output(t->p);

		ev = imap_step(t->p, 1795341600, &in);
		CHECK(out->len < IMAP_OUTPUT_HIGH + KB);
		if (ev == IMAP_OP)
			run_op(t);
		else if (ev == IMAP_LOGIN)
			imap_logged_in(t->p, 1, "a", "");
		else if (ev == IMAP_DRAIN)
			t->drains++;
		/* only who is asked to takes it away */
		if (ev == IMAP_DRAIN || ev == IMAP_NONE) {
			buf_add(&t->said, buf_str(out));
			buf_clear(out);
		}
	} while (ev != IMAP_NONE);
	CHECK(in.len == 0 && !t->said.overrun);
}

/* How many lines have this in them. */
static size_t
count(const struct talk *t, const char *what)
{
	struct str rest = buf_str(&t->said);
	size_t n = 0, at;

	while (rest.len > 0)
		n += str_find_str(str_cut(&rest, '\n'), str_of(what), &at);
	return n;
}

static bool
ends(const struct talk *t, const char *what)
{
	return str_ends_nocase(buf_str(&t->said), str_of(what));
}

static void
begin(struct talk *t, const char *enable)
{
	const struct imap_options o = {.hostname = "mx.test",
	    .allow_plaintext = true,
	    .max_errors = 10,
	    .message_max = MB,
	    .off = ""};

	*t = (struct talk){.p = imap_new(&o), .mirror = many_messages()};
	buf_init(&t->said, 16 * MB);
	say(t, "l LOGIN a b\r\n");
	say(t, enable);
}

static void
end(struct talk *t)
{
	imap_free(t->p);
	mirror_free(t->mirror);
	buf_release(&t->said);
}

static void
test_store(void)
{
	struct talk t;

	begin(&t, "e NOOP\r\n");
	say(&t, "s SELECT INBOX\r\n");
	say(&t, "t STORE 1:* +FLAGS (\\Seen)\r\n");
	CHECK(t.drains > 2);
	CHECK(count(&t, " FETCH (") == MANY && count(&t, "\\Seen") == MANY);
	CHECK(str_starts(buf_str(&t.said), STR("* 1 FETCH (")));
	CHECK(count(&t, "* 6000 FETCH (") == 1);
	CHECK(ends(&t, "t OK STORE completed\r\n"));
	end(&t);
}

/* QRESYNC: all that changed since, at SELECT (RFC 7162 s3.2.5.1). */
static void
test_resync(void)
{
	struct talk t;

	begin(&t, "e ENABLE QRESYNC\r\n");
	say(&t, "s SELECT INBOX (QRESYNC (1 5))\r\n");
	CHECK(t.drains > 2);
	CHECK(count(&t, " FETCH (UID ") == MANY);
	CHECK(count(&t, "MODSEQ (9)") == MANY);
	CHECK(ends(&t, "s OK [READ-WRITE] SELECT completed\r\n"));
	say(&t, "t SELECT INBOX (QRESYNC (1 9))\r\n");
	CHECK(count(&t, " FETCH (") == 0);
	end(&t);
}

static void
somebody_expunges_all(struct talk *t)
{
	struct seqrange all = {1, MANY};
	struct mirror_delta d = {.mailbox = 7,
	    .modseq = 10,
	    .contiguous = true,
	    .gone = &all,
	    .n_gone = 1};

	CHECK(mirror_apply(t->mirror, &d));
}

/* Expunged by somebody else: told at the end of a command, and in IDLE. */
static void
test_expunged(void)
{
	struct talk t;

	begin(&t, "e NOOP\r\n");
	say(&t, "s SELECT INBOX\r\n");
	somebody_expunges_all(&t);
	say(&t, "n NOOP\r\n");
	CHECK(t.drains > 1);
	CHECK(count(&t, " EXPUNGE") == MANY);
	CHECK(ends(&t, "n OK NOOP done\r\n"));
	end(&t);

	begin(&t, "e NOOP\r\n");
	say(&t, "s SELECT INBOX\r\n");
	say(&t, "i IDLE\r\n");
	CHECK(ends(&t, "+ idling\r\n"));
	somebody_expunges_all(&t);
	imap_poke(t.p, NULL);
	say(&t, "");
	CHECK(t.drains > 1);
	CHECK(count(&t, " EXPUNGE") == MANY);
	say(&t, "DONE\r\n");
	CHECK_STR(t.said.data, "i OK IDLE done\r\n");
	end(&t);
}

/* NOTIFY tells between commands: as much as there is room for, then the rest.
 */
static void
test_notify(void)
{
	struct talk t;

	begin(&t, "e NOOP\r\n");
	say(&t, "s SELECT INBOX\r\n");
	say(&t, "n NOTIFY SET (selected (MessageNew MessageExpunge))\r\n");
	CHECK(ends(&t, "n OK NOTIFY done\r\n"));
	somebody_expunges_all(&t);
	imap_poke(t.p, NULL);
	say(&t, "");
	CHECK(t.drains > 1);
	CHECK(count(&t, " EXPUNGE") == MANY && ends(&t, "* 1 EXPUNGE\r\n"));
	end(&t);
}

/* Every second message: VANISHED has a thousand ranges at most. */
static void
test_vanished(void)
{
	struct seqrange *gone = mem_new(MANY / 2, sizeof(*gone));
	struct mirror_delta d = {.mailbox = 7,
	    .modseq = 10,
	    .contiguous = true,
	    .gone = gone,
	    .n_gone = MANY / 2};
	struct seqset told = {.ranges = NULL};
	struct talk t;
	struct str rest;

	for (uint32_t i = 0; i < MANY / 2; i++)
		gone[i] = (struct seqrange){2 * i + 1, 2 * i + 1};
	begin(&t, "e ENABLE QRESYNC\r\n");
	say(&t, "s SELECT INBOX\r\n");
	CHECK(mirror_apply(t.mirror, &d));
	say(&t, "n NOOP\r\n");
	CHECK(count(&t, "* VANISHED ") == 3);
	CHECK(ends(&t, "n OK NOOP done\r\n"));
	for (rest = buf_str(&t.said); rest.len > 0;) {
		struct str line = str_cut(&rest, '\r');

		str_take(&rest, '\n');
		if (str_take_nocase(&line, STR("* VANISHED ")))
			CHECK(seqset_take(&line, &told) == 1 && line.len == 0);
	}
	CHECK(seqset_count(&told) == MANY / 2);
	CHECK(seqset_has(&told, 1) && seqset_has(&told, MANY - 1));
	CHECK(!seqset_has(&told, 2) && !seqset_has(&told, MANY));
	seqset_release(&told);
	free(gone);
	end(&t);
}

int
main(void)
{
	test_store();
	test_resync();
	test_expunged();
	test_notify();
	test_vanished();
	return TEST_EXIT();
}
