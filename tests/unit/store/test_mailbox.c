/* SPDX-License-Identifier: MIT */
#include "tests/unit/store/fixture.h"

/* One change of alice's mailboxes; said goes into the model's answer. */
struct change {
	int64_t account;
	enum {
		ADD,
		REMOVE,
		RENAME,
		SUBSCRIBE,
		UNSUBSCRIBE
	} what;
	struct str name, to;
	unsigned special;
	int64_t id;
	enum mailbox_refusal refusal;
};

static int
change(struct db *db, void *arg, struct fail *f)
{
	struct change *c = arg;
	struct hop who = {
	    .at_ms = NOW, .daemon = HOP_POPD, .recipient = STR("alice@d.test")};

	switch (c->what) {
	case ADD:
		return mailbox_add(db, c->account, c->name, c->special, NOW,
		    &c->id, &c->refusal, f);
	case REMOVE:
		return mailbox_remove(
		    db, c->account, c->name, &who, &c->refusal, f);
	case RENAME:
		return mailbox_rename(
		    db, c->account, c->name, c->to, NOW, &c->refusal, f);
	case SUBSCRIBE:
	case UNSUBSCRIBE:
		return mailbox_subscribe(
		    db, c->account, c->name, c->what == SUBSCRIBE, f);
	}
	return -1;
}

static enum mailbox_refusal
add(struct fixture *x, const char *name, unsigned special)
{
	struct change c = {
	    .account = x->alice, .name = str_of(name), .special = special};

	MUST(db_write(x->db, change, &c, &why));
	CHECK((c.refusal == MAILBOX_DONE) == (c.id != 0) ||
	      c.refusal == MAILBOX_EXISTS);
	return c.refusal;
}

static enum mailbox_refusal
take_away(struct fixture *x, const char *name)
{
	struct change c = {
	    .account = x->alice, .what = REMOVE, .name = str_of(name)};

	MUST(db_write(x->db, change, &c, &why));
	return c.refusal;
}

static enum mailbox_refusal
change_name(struct fixture *x, const char *from, const char *to)
{
	struct change c = {.account = x->alice,
	    .what = RENAME,
	    .name = str_of(from),
	    .to = str_of(to)};

	MUST(db_write(x->db, change, &c, &why));
	return c.refusal;
}

static void
subscribe(struct fixture *x, const char *name, bool on)
{
	struct change c = {.account = x->alice,
	    .what = on ? SUBSCRIBE : UNSUBSCRIBE,
	    .name = str_of(name)};

	MUST(db_write(x->db, change, &c, &why));
}

/* Names of the list: + has children, - no mailbox, s subscribed. */
static void
check_list(struct fixture *x, int line, const char *want)
{
	struct mailbox_list l;
	struct buf b;

	buf_init(&b, 1 << 20);
	buf_add(&b, STR(""));
	MUST(mailbox_list(x->db, x->alice, &l, &why));
	for (size_t i = 0; i < l.n; i++)
		buf_addf(&b, "%s%s%s%s%s", i > 0 ? " " : "", l.lines[i].name,
		    l.lines[i].mailbox.id == 0 ? "-" : "",
		    l.lines[i].children ? "+" : "",
		    l.lines[i].subscribed ? ":s" : "");
	if (strcmp(b.data != NULL ? b.data : "", want) != 0)
		fprintf(stderr, "line %d\n", line);
	CHECK_STR(b.data != NULL ? b.data : "", want);
	buf_release(&b);
	mailbox_list_release(&l);
	CHECK(l.n == 0 && l.lines == NULL);
	CHECK(fixture_is_clean(x));
}

#define LIST(want) check_list(&x, __LINE__, want)

/* No mailbox but INBOX, so that lists are short. */
static void
bare(struct fixture *x)
{
	static const char *const usual[] = {
	    "Sent", "Drafts", "Junk", "Trash", "Archive"};

	fixture_init(x);
	for (size_t i = 0; i < 5; i++) {
		CHECK(take_away(x, usual[i]) == MAILBOX_DONE);
		subscribe(x, usual[i], false);
	}
	subscribe(x, "INBOX", false);
}

static void
names_are_folded_or_refused(void)
{
	static char long_level[257], long_name[1002], deep[70], deeper[70];
	static const struct {
		const char *name, *folded; /* NULL: refused */
	} cases[] = {
	    {"a",                "a"               },
	    {"inbox",            "INBOX"           },
	    {"iNbOx/Deep/iNBOX", "INBOX/Deep/iNBOX"},
	    {"inboxes",          "inboxes"         },
	    {"a/inbox",          "a/inbox"         },
	    {"u\314\210ber/x",   "\303\274ber/x"   },
	    {"a b \\ \" & ~ .x", "a b \\ \" & ~ .x"},
	    {"...",              "..."             },
	    {"",		 NULL              },
	    {"/a",               NULL              },
	    {"a/",               NULL              },
	    {"a//b",             NULL              },
	    {"/",                NULL              },
	    {".",                NULL              },
	    {"..",               NULL              },
	    {"a/../b",           NULL              },
	    {"a/.",              NULL              },
	    {"a*",               NULL              },
	    {"a%b",              NULL              },
	    {"a\nb",             NULL              },
	    {"a\177",            NULL              },
	    {"a\302\205",        NULL              }, /* U+0085 */
	    {"a\377",            NULL              },
	    {"a\355\240\200",    NULL              }, /* a surrogate */
	    {"INBOX/INBOX",      NULL              },
	    {"inbox/Inbox/a",    NULL              },
	    {long_level,         NULL              },
	    {long_level + 1,     long_level + 1    },
	    {long_name,          NULL              },
	    {long_name + 1,      long_name + 1     },
	    {deep,               deep              },
	    {deeper,             NULL              },
	};
	struct fail f;

	memset(long_level, 'l', sizeof(long_level) - 1);
	memset(long_name, 'n', sizeof(long_name) - 1);
	for (size_t i = 250; i < 1000; i += 250)
		long_name[i] = '/';
	for (size_t i = 0; i < 63; i++)
		deep[i] = i % 2 == 0 ? 'd' : '/';
	for (size_t i = 0; i < 65; i++)
		deeper[i] = i % 2 == 0 ? 'd' : '/';
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf b;
		bool good;

		buf_init(&b, 1000);
		good = mailbox_name_fold(str_of(cases[i].name), &b, &f);
		if (good != (cases[i].folded != NULL))
			fprintf(stderr, "name %zu\n", i);
		CHECK(good == (cases[i].folded != NULL));
		if (good && cases[i].folded != NULL)
			CHECK_STR(b.data, cases[i].folded);
		else
			CHECK(b.len == 0 && f.kind == FAIL_SYNTAX);
		buf_release(&b);
	}
	/* a NUL is a control character */
	struct buf b;

	buf_init(&b, 1000);
	CHECK(!mailbox_name_fold((struct str){"a\0b", 3}, &b, &f));
	buf_release(&b);
}

static void
a_new_account_has_the_usual_ones(void)
{
	struct fixture x;
	struct mailbox m;
	struct fail f;
	char *name;

	fixture_init(&x);
	LIST("INBOX:s Archive:s Drafts:s Junk:s Sent:s Trash:s");
	CHECK(mailbox_find(x.db, x.alice, STR("inbox"), &m, &f) == 1);
	CHECK(m.account == x.alice && m.special == 0 && m.uid_next == 1);
	CHECK(m.modseq == 1 && m.changed == 1 && m.recent_uid == 1);
	CHECK(m.created_ms == NOW && m.uid_validity >= NOW / 1000);
	CHECK(mailbox_find(x.db, x.alice, STR("Trash"), &m, &f) == 1);
	CHECK(m.special == MAILBOX_TRASH);
	CHECK(mailbox_find_id(x.db, m.id, &m, &f) == 1);
	CHECK(mailbox_name(x.db, m.id, &name, &f) == 1);
	CHECK_STR(name, "Trash");
	free(name);
	CHECK(mailbox_find(x.db, x.alice, STR("trash"), &m, &f) == 0);
	CHECK(mailbox_find(x.db, x.alice, STR("a//b"), &m, &f) == 0);
	CHECK(mailbox_find(x.db, 4711, STR("INBOX"), &m, &f) == 0);
	CHECK(mailbox_find_id(x.db, 4711, &m, &f) == 0);
	CHECK(mailbox_name(x.db, 4711, &name, &f) == 0 && name == NULL);
	fixture_release(&x);
}

static void
adding(void)
{
	struct fixture x;

	bare(&x);
	LIST("INBOX");
	CHECK(add(&x, "a/b/c", 0) == MAILBOX_DONE);
	CHECK(add(&x, "a b", 0) == MAILBOX_DONE);
	CHECK(add(&x, "inbox/x", 0) == MAILBOX_DONE);
	LIST("INBOX+ INBOX/x a+ a/b+ a/b/c a b");
	CHECK(add(&x, "a/b", 0) == MAILBOX_EXISTS);
	CHECK(add(&x, "iNBOX", 0) == MAILBOX_EXISTS);
	CHECK(add(&x, "a//b", 0) == MAILBOX_CANNOT);
	CHECK(add(&x, "s/Sent", MAILBOX_SENT) == MAILBOX_DONE);
	CHECK(add(&x, "Sent", MAILBOX_SENT) == MAILBOX_USE);
	CHECK(add(&x, "Sent", MAILBOX_JUNK | MAILBOX_SENT) == MAILBOX_USE);
	CHECK(add(&x, "Both", MAILBOX_JUNK | MAILBOX_TRASH) == MAILBOX_DONE);
	CHECK(fixture_number(
		  &x, "SELECT special FROM mailbox WHERE name = 's'") == 0);
	/* what only has mailboxes below it becomes one */
	CHECK(take_away(&x, "a/b") == MAILBOX_DONE);
	LIST("INBOX+ INBOX/x Both a+ a/b-+ a/b/c a b s+ s/Sent");
	CHECK(add(&x, "a/b", 0) == MAILBOX_DONE);
	LIST("INBOX+ INBOX/x Both a+ a/b+ a/b/c a b s+ s/Sent");
	CHECK(fixture_number(&x, "SELECT count(DISTINCT uid_validity) ="
				 " count(*) FROM mailbox") == 1);
	fixture_release(&x);
}

static void
deliver_some(struct fixture *x, int n)
{
	struct delivery_target t = {
	    x->alice, STR("alice@d.test"), .original = STR("")};
	struct fail f;

	for (int i = 0; i < n; i++)
		CHECK(fixture_deliver(x, STR("12345\r\n"), &t, 1, &f) > 0);
}

static void
removing(void)
{
	struct fixture x;
	struct mailbox m;
	struct fail f;

	bare(&x);
	add(&x, "a/b", 0);
	subscribe(&x, "a", true);
	CHECK(take_away(&x, "inbox") == MAILBOX_CANNOT);
	CHECK(take_away(&x, "nobody") == MAILBOX_MISSING);
	CHECK(take_away(&x, "a//") == MAILBOX_MISSING);
	CHECK(take_away(&x, "a") == MAILBOX_DONE);
	LIST("INBOX a-+:s a/b");
	CHECK(take_away(&x, "a") == MAILBOX_CANNOT);
	CHECK(take_away(&x, "a/b") == MAILBOX_DONE);
	LIST("INBOX a-:s");
	CHECK(take_away(&x, "a") == MAILBOX_MISSING);
	/* with what is in it */
	deliver_some(&x, 3);
	CHECK(change_name(&x, "INBOX", "full") == MAILBOX_DONE);
	deliver_some(&x, 1);
	CHECK(take_away(&x, "full") == MAILBOX_DONE);
	LIST("INBOX a-:s");
	CHECK(mailbox_find(x.db, x.alice, STR("INBOX"), &m, &f) == 1);
	CHECK(m.messages == 1);
	CHECK(fixture_number(&x, "SELECT messages FROM account_use"
				 " WHERE account = 1") == 1);
	CHECK(fixture_number(&x, "SELECT count(*) FROM hop WHERE kind = 11"
				 " AND recipient = 'alice@d.test'") == 3);
	/* the three that were removed were INBOX's before */
	CHECK(fixture_number(&x, "SELECT count(*) FROM expunged") == 1);
	fixture_release(&x);
}

static void
renaming(void)
{
	struct fixture x;
	struct mailbox before, m;
	struct fail f;

	bare(&x);
	add(&x, "a/b/c", 0);
	add(&x, "ab", 0);
	add(&x, "x", 0);
	MUST(mailbox_find(x.db, x.alice, STR("a/b"), &before, &why));
	CHECK(change_name(&x, "a", "n/e/w") == MAILBOX_DONE);
	LIST("INBOX ab n+ n/e+ n/e/w+ n/e/w/b+ n/e/w/b/c x");
	CHECK(mailbox_find(x.db, x.alice, STR("n/e/w/b"), &m, &f) == 1);
	CHECK(m.id == before.id && m.uid_validity == before.uid_validity);
	CHECK(change_name(&x, "ab", "x") == MAILBOX_EXISTS);
	CHECK(change_name(&x, "x", "x") == MAILBOX_EXISTS);
	CHECK(change_name(&x, "x", "x/y") == MAILBOX_CANNOT);
	CHECK(change_name(&x, "x", "Inbox") == MAILBOX_EXISTS);
	CHECK(change_name(&x, "x", "a//b") == MAILBOX_CANNOT);
	CHECK(change_name(&x, "y", "z") == MAILBOX_MISSING);
	CHECK(change_name(&x, "y//", "z") == MAILBOX_MISSING);
	/* to a level of its own name, one up: b takes w's place, and b/c b's */
	take_away(&x, "n/e/w");
	CHECK(change_name(&x, "n/e/w/b", "n/e/w") == MAILBOX_DONE);
	LIST("INBOX ab n+ n/e+ n/e/w+ n/e/w/c x");
	add(&x, "n/e/w/w/w", 0);
	CHECK(take_away(&x, "n/e/w") == MAILBOX_DONE);
	CHECK(change_name(&x, "n/e/w/w", "n/e/w") == MAILBOX_DONE);
	LIST("INBOX ab n+ n/e+ n/e/w+ n/e/w/c n/e/w/w x");
	/* a level that is no mailbox, with what is below it */
	take_away(&x, "n/e");
	CHECK(change_name(&x, "n/e", "e") == MAILBOX_DONE);
	LIST("INBOX ab e-+ e/w+ e/w/c e/w/w n x");
	/* one below it is in the way */
	add(&x, "f/c", 0);
	take_away(&x, "f");
	CHECK(change_name(&x, "e/w", "f") == MAILBOX_EXISTS);
	LIST("INBOX ab e-+ e/w+ e/w/c e/w/w f-+ f/c n x");
	CHECK(change_name(&x, "x", "f/x") == MAILBOX_DONE);
	LIST("INBOX ab e-+ e/w+ e/w/c e/w/w f+ f/c f/x n");
	fixture_release(&x);
}

static void
renaming_inbox(void)
{
	struct fixture x;
	struct mailbox before, inbox, m;
	struct message_state *s;
	struct fail f;
	size_t n;

	bare(&x);
	add(&x, "INBOX/kept", 0);
	deliver_some(&x, 3);
	MUST(mailbox_find(x.db, x.alice, STR("INBOX"), &before, &why));
	CHECK(change_name(&x, "INBOX", "INBOX/kept") == MAILBOX_EXISTS);
	CHECK(change_name(&x, "inbox", "old/2026") == MAILBOX_DONE);
	LIST("INBOX+ INBOX/kept old+ old/2026");
	CHECK(mailbox_find(x.db, x.alice, STR("INBOX"), &inbox, &f) == 1);
	CHECK(
	    inbox.id == before.id && inbox.uid_validity == before.uid_validity);
	CHECK(inbox.messages == 0 && inbox.uid_next == 4);
	CHECK(
	    inbox.modseq == before.modseq + 1 && inbox.changed == inbox.modseq);
	CHECK(mailbox_find(x.db, x.alice, STR("old/2026"), &m, &f) == 1);
	CHECK(m.messages == 3 && m.uid_next == 4 && m.changed == 1);
	MUST(message_states(x.db, m.id, 0, 0, &s, &n, &why));
	CHECK(n == 3 && s[0].uid == 1 && s[2].uid == 3);
	free(s);
	fixture_release(&x);
}

static void
limits(void)
{
	struct fixture x;
	char name[1001], *deep = mem_new(70, 1);

	bare(&x);
	for (size_t i = 0; i < 61; i++)
		deep[i] = i % 2 == 0 ? 'd' : '/';
	CHECK(add(&x, deep, 0) == MAILBOX_DONE); /* 31 levels */
	CHECK(change_name(&x, "d", "e/f") == MAILBOX_DONE);
	CHECK(change_name(&x, "e", "g/h") == MAILBOX_LIMIT);
	memset(name, 'n', 250);
	name[250] = '\0';
	CHECK(add(&x, "l", 0) == MAILBOX_DONE);
	for (int i = 0; i < 3; i++) { /* l/n.../n.../n...: 755 octets */
		char below[1001];

		snprintf(below, sizeof(below), "l/%.250s", name);
		if (i > 0) {
			char up[1001];

			CHECK(change_name(&x, "l", "m") == MAILBOX_DONE);
			snprintf(up, sizeof(up), "l/%.250s", name);
			CHECK(change_name(&x, "m", up) == MAILBOX_DONE);
		} else
			CHECK(add(&x, below, 0) == MAILBOX_DONE);
	}
	CHECK(change_name(&x, "l", name) == MAILBOX_LIMIT);
	free(deep);
	MUST(txn_lock(x.db, &why));
	MUST(sql_exec(x.db->sqlite,
	    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
	    " WHERE i < 9960) INSERT INTO mailbox (account, name,"
	    " uid_validity, created) SELECT 1, 'box' || i, 4000000000 + i, 0"
	    " FROM n; INSERT INTO mailbox_state (mailbox) SELECT id FROM"
	    " mailbox WHERE uid_validity > 4000000000;"
	    " UPDATE meta SET value = 4100000000 WHERE key = 'uid_validity'",
	    &why));
	txn_unlock(x.db);
	int64_t have = fixture_number(
	    &x, "SELECT count(*) FROM mailbox WHERE account = 1");

	CHECK(have < 9998);
	for (; have < 9998; have++) {
		snprintf(name, sizeof(name), "more%lld", (long long)have);
		CHECK(add(&x, name, 0) == MAILBOX_DONE);
	}
	CHECK(add(&x, "1/2/3", 0) == MAILBOX_LIMIT);
	CHECK(change_name(&x, "box1", "1/2/3/4") == MAILBOX_LIMIT);
	CHECK(add(&x, "1/2", 0) == MAILBOX_DONE);
	CHECK(add(&x, "3", 0) == MAILBOX_LIMIT);
	CHECK(fixture_is_clean(&x));
	fixture_release(&x);
}

static void
subscriptions_and_recent(void)
{
	struct fixture x;
	struct mailbox m;
	struct fail f;
	struct change c = {0};

	bare(&x);
	add(&x, "real", 0);
	subscribe(&x, "real", true);
	subscribe(&x, "real", true);
	subscribe(&x, "ghost/below", true);
	subscribe(&x, "inBOX", true);
	LIST("INBOX:s ghost/below-:s real:s");
	subscribe(&x, "ghost/below", false);
	subscribe(&x, "never", false);
	CHECK(change_name(&x, "real", "unreal") == MAILBOX_DONE);
	LIST("INBOX:s real-:s unreal");
	c = (struct change){
	    .account = x.alice, .what = SUBSCRIBE, .name = STR("a//b")};
	CHECK(db_write(x.db, change, &c, &f) == -1 && f.kind == FAIL_SYNTAX);
	deliver_some(&x, 3);
	MUST(mailbox_find(x.db, x.alice, STR("INBOX"), &m, &why));
	CHECK(m.recent_uid == 1);
	for (uint32_t uid = 3; uid < 9; uid += 3) {
		MUST(txn_lock(x.db, &why));
		MUST(mailbox_set_recent(x.db, m.id, uid, &why));
		MUST(mailbox_set_recent(x.db, m.id, uid - 1, &why));
		txn_unlock(x.db);
		MUST(mailbox_find(x.db, x.alice, STR("INBOX"), &m, &why));
		CHECK(m.recent_uid == (uid < 4 ? uid : 4));
	}
	CHECK(fixture_is_clean(&x));
	fixture_release(&x);
}

int
main(void)
{
	names_are_folded_or_refused();
	a_new_account_has_the_usual_ones();
	adding();
	removing();
	renaming();
	renaming_inbox();
	limits();
	subscriptions_and_recent();
	return TEST_EXIT();
}
