/* SPDX-License-Identifier: MIT */
/* What ops on mailboxes tell the host besides their answer: deltas, news, what
 * is gone; and what conversations cannot see. */
#include "popd/ops/ops.h"
#include "popd/proto/imap_box_op.h"
#include "tests/unit/store/fixture.h"

/* A string that may be written to, as ops have them. */
#define TEXT(text) ((char[]){text})

struct run {
	struct fixture *x;
	struct imap_op *op;
};

static int
run_op(struct db *db, void *arg, struct fail *f)
{
	struct run *r = arg;
	struct ops_context c = {.login = STR("alice@d.test"),
	    .peer = STR("192.0.2.1"),
	    .client = STR("test"),
	    .now_ms = NOW};
	int rc = ops_run(db, &c, r->op);

	*f = r->op->fail;
	return rc;
}

/* Carry an op of this size and kind out for alice. */
static int
carry_out(struct fixture *x, enum imap_op_kind kind, struct imap_op *op)
{
	struct run r = {.x = x, .op = op};
	struct fail f;

	op->kind = kind;
	op->account = x->alice;
	return ops_writes(kind) ? db_write(x->db, run_op, &r, &f)
	                        : db_read(x->db, run_op, &r, &f);
}

/* What the host has from an op. */
static void
release(struct imap_op *op)
{
	for (size_t i = 0; i < op->n_deltas; i++) {
		free((void *)op->deltas[i].messages);
		free((void *)op->deltas[i].gone);
	}
	for (size_t i = 0; i < op->n_news; i++) {
		free(op->news[i].name);
		free(op->news[i].old_name);
	}
	free(op->deltas);
	free(op->news);
}

static int
create(struct fixture *x, const char *name, unsigned special)
{
	struct imap_create_op o = {
	    .name = mem_dup(str_of(name)), .special = special};
	int rc = carry_out(x, IMAP_OP_CREATE, &o.op);

	free(o.name);
	free(o.made);
	release(&o.op);
	return rc;
}

/* "new:NAME old:NAME kinds;" of each piece of news. */
static char *
news_text(const struct imap_op *op)
{
	struct buf b;

	buf_init(&b, 4 * KB);
	buf_addf(&b, "%s", "");
	for (size_t i = 0; i < op->n_news; i++) {
		const struct imap_news *n = &op->news[i];

		buf_addf(&b, "%s<%s %u%s;", n->name != NULL ? n->name : "-",
		    n->old_name != NULL ? n->old_name : "-", n->kinds,
		    n->mailbox != 0 ? "" : " nowhere");
	}
	return buf_take(&b);
}

static void
check_news(const struct imap_op *op, const char *want)
{
	char *got = news_text(op);

	CHECK_STR(got, want);
	free(got);
}

static void
create_tells_levels(void)
{
	struct fixture x;
	struct imap_create_op o = {.name = TEXT("a/b/c")};

	fixture_init(&x);
	CHECK(create(&x, "a", 0) == 0);
	CHECK(carry_out(&x, IMAP_OP_CREATE, &o.op) == 0);
	check_news(&o.op, "a/b<- 2;a/b/c<- 2;");
	CHECK_STR(o.made, "a/b/c");
	CHECK(o.mailbox > 0 && o.op.gone == 0 && o.op.n_deltas == 0);
	free(o.made);
	release(&o.op);
	fixture_release(&x);
}

static void
refusals_have_codes(void)
{
	static const struct {
		const char *name;
		unsigned special;
		enum imap_code code;
	} cases[] = {
	    {"a",				       0,             IMAP_CODE_ALREADYEXISTS},
	    {"inbox",				   0,             IMAP_CODE_ALREADYEXISTS},
	    {"b",				       IMAP_USE_JUNK, IMAP_CODE_USEATTR      },
	    {"a//b",				    0,             IMAP_CODE_CANNOT       },
	    {"..",				      0,             IMAP_CODE_CANNOT       },
	    {"a%",				      0,             IMAP_CODE_CANNOT       },
	    {"a\x01",				   0,             IMAP_CODE_CANNOT       },
	    {"",					0,             IMAP_CODE_CANNOT       },
	    {"1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17/18/19/20/21/22/23/24/"
	     "25/26/27/28/29/30/31/32/33", 0,             IMAP_CODE_LIMIT        },
	};
	struct fixture x;

	fixture_init(&x);
	CHECK(create(&x, "a", 0) == 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct imap_create_op o = {
		    .name = (char *)cases[i].name, .special = cases[i].special};

		CHECK(carry_out(&x, IMAP_OP_CREATE, &o.op) == -1);
		if (o.op.code != cases[i].code)
			fprintf(stderr, "\"%s\": %d\n", cases[i].name,
			    (int)o.op.code);
		CHECK(o.op.code == cases[i].code);
		CHECK(o.op.fail.kind == FAIL_PERM && o.op.fail.text[0] != '\0');
		CHECK(o.made == NULL);
		release(&o.op);
	}
	fixture_release(&x);
}

static void
delete_tells_what_is_gone(void)
{
	struct fixture x;
	struct mailbox m;
	struct imap_delete_op o = {.name = TEXT("a")},
			      again = {.name = TEXT("a")},
			      missing = {.name = TEXT("z")},
			      inbox = {.name = TEXT("Inbox")};
	struct fail f;

	fixture_init(&x);
	CHECK(create(&x, "a/b", 0) == 0);
	CHECK(mailbox_find(x.db, x.alice, STR("a"), &m, &f) == 1);
	CHECK(carry_out(&x, IMAP_OP_DELETE, &o.op) == 0);
	CHECK(o.op.gone == m.id);
	check_news(&o.op, "-<a 2;");
	CHECK_STR(o.was, "a");
	free(o.was);
	release(&o.op);
	/* now only a level */
	CHECK(carry_out(&x, IMAP_OP_DELETE, &again.op) == -1);
	CHECK(again.op.code == IMAP_CODE_HASCHILDREN && again.op.gone == 0);
	CHECK(carry_out(&x, IMAP_OP_DELETE, &missing.op) == -1);
	CHECK(missing.op.code == IMAP_CODE_NONEXISTENT);
	CHECK(carry_out(&x, IMAP_OP_DELETE, &inbox.op) == -1);
	CHECK(inbox.op.code == IMAP_CODE_CANNOT);
	fixture_release(&x);
}

/* iOS takes a mailbox of the same UIDVALIDITY for the one it knew. */
static void
uid_validity_is_never_repeated(void)
{
	struct fixture x;
	struct mailbox m, other;
	struct imap_delete_op o = {.name = TEXT("a")};
	uint32_t before;
	struct fail f;

	fixture_init(&x);
	CHECK(create(&x, "a", 0) == 0 && create(&x, "b", 0) == 0);
	CHECK(mailbox_find(x.db, x.alice, STR("a"), &m, &f) == 1);
	CHECK(mailbox_find(x.db, x.alice, STR("b"), &other, &f) == 1);
	CHECK(m.uid_validity != other.uid_validity);
	before = m.uid_validity;
	CHECK(carry_out(&x, IMAP_OP_DELETE, &o.op) == 0);
	free(o.was);
	release(&o.op);
	CHECK(create(&x, "a", 0) == 0);
	CHECK(mailbox_find(x.db, x.alice, STR("a"), &m, &f) == 1);
	CHECK(m.uid_validity > before && m.uid_validity > other.uid_validity);
	fixture_release(&x);
}

static void
rename_keeps_the_mailbox(void)
{
	struct fixture x;
	struct mailbox before, after;
	struct imap_rename_op o = {.from = TEXT("a"), .to = TEXT("p/q")};
	struct fail f;

	fixture_init(&x);
	CHECK(create(&x, "a/b", 0) == 0);
	CHECK(mailbox_find(x.db, x.alice, STR("a"), &before, &f) == 1);
	CHECK(carry_out(&x, IMAP_OP_RENAME, &o.op) == 0);
	CHECK(mailbox_find(x.db, x.alice, STR("p/q"), &after, &f) == 1);
	CHECK(after.id == before.id && o.mailbox == before.id);
	CHECK(after.uid_validity == before.uid_validity);
	CHECK(mailbox_find(x.db, x.alice, STR("p/q/b"), &after, &f) == 1);
	check_news(&o.op, "p<- 2;p/q<a 2;");
	CHECK(o.op.n_deltas == 0);
	CHECK_STR(o.was, "a");
	CHECK_STR(o.made, "p/q");
	free(o.was);
	free(o.made);
	release(&o.op);
	fixture_release(&x);
}

/* Sessions that look at INBOX must learn that its messages went. */
static void
rename_of_inbox_is_a_delta(void)
{
	struct fixture x;
	struct delivery_target t;
	struct mailbox before, after;
	struct imap_rename_op o = {.from = TEXT("inbox"), .to = TEXT("old")};
	struct imap_rename_op empty = {
	    .from = TEXT("INBOX"), .to = TEXT("older")};
	struct fail f;

	fixture_init(&x);
	t = (struct delivery_target){
	    x.alice, STR("alice@d.test"), .original = STR("")};
	for (int i = 0; i < 3; i++)
		CHECK(fixture_deliver(&x, STR("12345\r\n"), &t, 1, &f) > 0);
	CHECK(mailbox_find(x.db, x.alice, STR("INBOX"), &before, &f) == 1);
	CHECK(carry_out(&x, IMAP_OP_RENAME, &o.op) == 0);
	CHECK(mailbox_find(x.db, x.alice, STR("INBOX"), &after, &f) == 1);
	CHECK(after.id == before.id && after.messages == 0);
	CHECK(o.op.n_deltas == 1);
	CHECK(o.op.deltas[0].mailbox == before.id);
	CHECK(o.op.deltas[0].modseq == after.modseq);
	CHECK(o.op.deltas[0].contiguous == (after.modseq == before.modseq + 1));
	CHECK(o.op.deltas[0].n_gone == 1 && o.op.deltas[0].gone[0].low == 1 &&
	      o.op.deltas[0].gone[0].high == 3);
	CHECK(o.mailbox != before.id);
	check_news(&o.op, "old<- 2;");
	CHECK(mailbox_find(x.db, x.alice, STR("old"), &after, &f) == 1);
	CHECK(after.messages == 3);
	free(o.was);
	free(o.made);
	release(&o.op);

	CHECK(carry_out(&x, IMAP_OP_RENAME, &empty.op) == 0);
	CHECK(empty.op.n_deltas == 0); /* nothing went */
	free(empty.was);
	free(empty.made);
	release(&empty.op);
	CHECK(fixture_is_clean(&x));
	fixture_release(&x);
}

static void
subscribe_is_news(void)
{
	struct fixture x;
	struct imap_subscribe_op o = {.name = TEXT("inbox"), .on = false},
				 none = {.name = TEXT("none"), .on = true};

	fixture_init(&x);
	CHECK(carry_out(&x, IMAP_OP_SUBSCRIBE, &o.op) == 0);
	check_news(&o.op, "INBOX<- 4;");
	release(&o.op);
	CHECK(carry_out(&x, IMAP_OP_SUBSCRIBE, &none.op) == 0);
	check_news(&none.op, "none<- 4 nowhere;");
	release(&none.op);
	fixture_release(&x);
}

/* ---- metadata: more than one op gives ---- */

static int
set(struct fixture *x, const char *mailbox, const char *name, size_t octets)
{
	struct imap_setmetadata_op o = {.mailbox = (char *)mailbox};
	struct imap_entry *e = imap_entries_add(&o.entries, str_of(name));
	int rc;

	for (size_t i = 0; i < octets; i++)
		buf_add_char(&e->value, 'x');
	rc = carry_out(x, IMAP_OP_SETMETADATA, &o.op);
	imap_entries_release(&o.entries);
	release(&o.op);
	return rc;
}

static void
metadata_comes_in_pieces(void)
{
	struct fixture x;
	size_t found = 0, pieces = 0;
	char *after = NULL;
	bool more = true;

	fixture_init(&x);
	for (int i = 0; i < 20; i++) {
		char name[64];

		snprintf(name, sizeof(name), "/private/%s%02d",
		    i % 2 == 0 ? "X" : "x", i);
		CHECK(set(&x, "Sent", name, 50000) == 0);
	}
	while (more) {
		struct imap_getmetadata_op o = {.mailbox = TEXT("Sent"),
		    .depth = IMAP_DEPTH_INFINITY,
		    .after = after};

		buf_init(&o.entries, KB);
		buf_add(&o.entries, (struct str){"/private", 9});
		CHECK(carry_out(&x, IMAP_OP_GETMETADATA, &o.op) == 0);
		CHECK(o.found.n > 0 && o.found.n < 10);
		found += o.found.n;
		pieces++;
		more = o.more && o.found.n > 0;
		free(after);
		after = mem_dup(str_of(o.found.at[o.found.n - 1].name));
		if (!more) /* computed, once */
			CHECK_STR(after, "/private/specialuse");
		imap_entries_release(&o.found);
		buf_release(&o.entries);
	}
	CHECK(found == 21);
	CHECK(pieces > 2);
	free(after);
	fixture_release(&x);
}

static void
metadata_is_news(void)
{
	struct fixture x;
	struct imap_setmetadata_op o = {.mailbox = TEXT("Sent")};
	struct imap_setmetadata_op server = {.mailbox = TEXT("")};

	fixture_init(&x);
	imap_entries_add(&o.entries, STR("/private/comment"))->nil = true;
	imap_entries_add(&o.entries, STR("/shared/a (b"))->nil = true;
	CHECK(carry_out(&x, IMAP_OP_SETMETADATA, &o.op) == 0);
	check_news(&o.op, "Sent</private/comment \"/shared/a (b\" 8;");
	imap_entries_release(&o.entries);
	release(&o.op);
	imap_entries_add(&server.entries, STR("/private/x"));
	CHECK(carry_out(&x, IMAP_OP_SETMETADATA, &server.op) == 0);
	check_news(&server.op, "-</private/x 8 nowhere;");
	imap_entries_release(&server.entries);
	release(&server.op);
	fixture_release(&x);
}

static void
metadata_has_limits(void)
{
	struct fixture x;
	struct imap_setmetadata_op o = {.mailbox = TEXT("")};
	int rc = 0;

	fixture_init(&x);
	for (int i = 0; i < 1000; i++) {
		char name[64];

		snprintf(name, sizeof(name), "/shared/vendor/test/%d", i);
		rc |= set(&x, "", name, 1);
	}
	CHECK(rc == 0);
	imap_entries_add(&o.entries, STR("/shared/vendor/test/1"))->nil = true;
	buf_add(
	    &imap_entries_add(&o.entries, STR("/shared/one"))->value, STR("1"));
	buf_add(
	    &imap_entries_add(&o.entries, STR("/shared/two"))->value, STR("2"));
	CHECK(carry_out(&x, IMAP_OP_SETMETADATA, &o.op) == -1);
	CHECK(o.op.code == IMAP_CODE_TOOMANY);
	imap_entries_release(&o.entries);
	release(&o.op);
	/* all or none: the first of them is still there */
	CHECK(fixture_number(&x, "SELECT count(*) FROM metadata") == 1000);
	fixture_release(&x);
}

int
main(void)
{
	create_tells_levels();
	refusals_have_codes();
	delete_tells_what_is_gone();
	uid_validity_is_never_repeated();
	rename_keeps_the_mailbox();
	rename_of_inbox_is_a_delta();
	subscribe_is_news();
	metadata_comes_in_pieces();
	metadata_is_news();
	metadata_has_limits();
	return TEST_EXIT();
}
