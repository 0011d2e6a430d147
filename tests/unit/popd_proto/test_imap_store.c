/* SPDX-License-Identifier: MIT */
/*
 * STORE where the mirror could not be brought up to date with what was
 * committed: reading the store may fail just then.
 */
#include "common/util/mem.h"
#include "popd/proto/imap.h"
#include "popd/proto/imap_out.h"
#include "popd/proto/imap_selected_op.h"
#include "popd/proto/mirror.h"
#include "tests/test.h"

static enum imap_event
say(struct imap *p, const char *text)
{
	struct str in = str_of(text);

	return imap_step(p, 1795341600, &in);
}

static bool
hears(struct imap *p, const char *text)
{
	bool so = str_eq(buf_str(imap_output(p)), str_of(text));

	if (!so)
		fprintf(stderr, "%s", imap_output(p)->data);
	buf_clear(imap_output(p));
	return so;
}

/* UID 5, without flags, modseq 9. */
static struct mirror *
one_message(void)
{
	const struct mirror_facts facts = {.mailbox = 7,
	    .account = 1,
	    .uid_validity = 1,
	    .uid_next = 6,
	    .modseq = 9,
	    .recent_uid = 6};
	struct mirror_message *m = mem_new(1, sizeof(*m));

	m[0] = (struct mirror_message){.uid = 5, .modseq = 9};
	return mirror_new(&facts, m, 1);
}

static struct imap *
selected(struct mirror *mirror)
{
	const struct imap_options o = {.hostname = "mx.test",
	    .allow_plaintext = true,
	    .max_errors = 10,
	    .message_max = MB,
	    .off = ""};
	struct imap *p = imap_new(&o);

	CHECK(say(p, "l LOGIN a b\r\n") == IMAP_LOGIN);
	imap_logged_in(p, 1, "a", "");
	CHECK(say(p, "s SELECT INBOX (CONDSTORE)\r\n") == IMAP_OP);
	((struct imap_select_op *)imap_op(p))->mailbox = 7;
	((struct imap_select_op *)imap_op(p))->mirror = mirror;
	imap_done(p);
	CHECK(say(p, "") == IMAP_NONE);
	buf_clear(imap_output(p));
	return p;
}

/* The op did it, as the answer says. */
static void
did(struct imap *p, struct mirror_message now)
{
	struct imap_store_op *op = (struct imap_store_op *)imap_op(p);

	op->changes = mem_new(1, sizeof(*op->changes));
	op->changes[0] = (struct imap_store_change){.now = now, .before = 9};
	op->n_changes = 1;
	imap_done(p);
	CHECK(say(p, "") == IMAP_NONE);
}

static void
catch_up(struct mirror *mirror, struct mirror_message now)
{
	const struct mirror_delta d = {.mailbox = 7,
	    .modseq = now.modseq,
	    .messages = &now,
	    .n_messages = 1};

	CHECK(mirror_apply(mirror, &d));
}

/* The client hears what was done, not what the mirror still has; and once more
 * when that knows it, names of keywords included. */
static void
test_behind(void)
{
	const struct mirror_message now = {
	    .uid = 5, .flags = IMAP_SEEN, .modseq = 11};
	struct mirror *mirror = one_message();
	struct imap *p = selected(mirror);

	CHECK(say(p, "a STORE 1 +FLAGS (\\Seen)\r\n") == IMAP_OP);
	did(p, now);
	CHECK(hears(p, "* 1 FETCH (UID 5 FLAGS (\\Seen) MODSEQ (11))\r\n"
		       "a OK STORE completed\r\n"));
	catch_up(mirror, now);
	CHECK(say(p, "b CAPABILITY x\r\n") == IMAP_NONE);
	CHECK(str_starts(buf_str(imap_output(p)),
	    STR("* 1 FETCH (UID 5 FLAGS (\\Seen) MODSEQ (11))\r\nb BAD ")));
	imap_free(p);
	mirror_free(mirror);
}

int
main(void)
{
	test_behind();
	return TEST_EXIT();
}
