/* SPDX-License-Identifier: MIT */
#include "tests/unit/store/fixture.h"

/* One change, as a row of a table: what it is, on what, and what it says. */
struct change {
	enum {
		ACCOUNT_ADD,
		ACCOUNT_REMOVE,
		DOMAIN_ADD,
		DOMAIN_REMOVE,
		ALIAS_ADD,
		ALIAS_REMOVE,
		QUOTA,
		DISABLE,
		ENABLE
	} what;
	const char *a, *b;
	const char *refusal; /* a part of it; NULL: it works */
};

/* All of a removal in one transaction. */
static int
remove_all(struct db *db, struct str login, size_t step, struct fail *f)
{
	bool over = false;

	if (account_remove_begin(db, login, f) == -1)
		return -1;
	while (!over)
		if (account_remove_some(db, login, step, NOW, &over, f) == -1)
			return -1;
	return 0;
}

static int
apply(struct db *db, void *arg, struct fail *f)
{
	const struct change *c = arg;
	struct str a = str_of(c->a), b = str_of(c->b);
	int64_t id;

	switch (c->what) {
	case ACCOUNT_ADD:
		return account_add(db, a, 0, NOW, &id, f);
	case ACCOUNT_REMOVE:
		return remove_all(db, a, 1, f);
	case DOMAIN_ADD:
		return domain_add(db, a, NOW, f);
	case DOMAIN_REMOVE:
		return domain_remove(db, a, f);
	case ALIAS_ADD:
		return alias_add(db, a, b, f);
	case ALIAS_REMOVE:
		return alias_remove(db, a, b, f);
	case QUOTA:
		return account_set_quota(db, a, 5, f);
	case DISABLE:
	case ENABLE:
		return account_set_disabled(db, a, c->what == DISABLE, f);
	}
	return -1;
}

static const struct change changes[] = {
    {ACCOUNT_ADD,    "dave@d.test",   NULL,            NULL               },
    {ACCOUNT_ADD,    "dave@d.test",   NULL,            "exists already"   },
    {ACCOUNT_ADD,    "dave@x.test",   NULL,            "domain add x.test"},
    {ACCOUNT_ADD,    "dave",          NULL,            "no address"       },
    {ACCOUNT_ADD,    "@d.test",       NULL,            "no address"       },
    {DOMAIN_ADD,     "x.test",        NULL,            NULL               },
    {DOMAIN_ADD,     "x.test",        NULL,            "already"          },
    {DOMAIN_ADD,     "",              NULL,            "no domain name"   },
    {ACCOUNT_ADD,    "dave@x.test",   NULL,            NULL               },
    {DOMAIN_REMOVE,  "x.test",        NULL,            "1 accounts"       },
    {DOMAIN_REMOVE,  "y.test",        NULL,            "not a domain"     },
    {ACCOUNT_REMOVE, "dave@x.test",   NULL,            NULL               },
    {ACCOUNT_REMOVE, "dave@x.test",   NULL,            "no account"       },
    {ALIAS_ADD,      "all@x.test",    "alice@d.test",  NULL               },
    {DOMAIN_REMOVE,  "x.test",        NULL,            NULL               },
    {ALIAS_ADD,      "team@d.test",   "alice@d.test",  NULL               },
    {ALIAS_ADD,      "team@d.test",   "alice@d.test",  "already"          },
    {ALIAS_ADD,      "team@d.test",   "bob@d.test",    NULL               },
    {ALIAS_ADD,      "team@d.test",   "nobody@d.test", "no nobody@d.test" },
    {ALIAS_ADD,      "team@d.test",   "team@d.test",   "back to itself"   },
    {ALIAS_ADD,      "alice@d.test",  "x@remote.test", "is an account"    },
    {ALIAS_ADD,      "x@y.test",      "alice@d.test",  "not a domain"     },
    {ALIAS_ADD,      "x@d.test",      "alice",         "no address"       },
    {ACCOUNT_ADD,    "team@d.test",   NULL,            "exists already"   },
    {ALIAS_ADD,      "crew@d.test",   "team@d.test",   NULL               },
    {ALIAS_ADD,      "team@d.test",   "crew@d.test",   "back to itself"   },
    {ALIAS_ADD,      "fwd@d.test",    "x@remote.test", NULL               },
    {ALIAS_ADD,      "@e.test",       "carol@e.test",  NULL               },
    {ALIAS_ADD,      "@d.test",       "nobody@d.test", "back to itself"   },
    {ALIAS_REMOVE,   "crew@d.test",   "alice@d.test",  "does not go to"   },
    {ALIAS_REMOVE,   "crew@d.test",   "",              NULL               },
    {ALIAS_REMOVE,   "crew@d.test",   "",              "no alias"         },
    {ALIAS_REMOVE,   "alice@d.test",  "",              "no alias"         },
    {ALIAS_REMOVE,   "team@d.test",   "alice@d.test",  NULL               },
    {QUOTA,          "alice@d.test",  NULL,            NULL               },
    {QUOTA,          "nobody@d.test", NULL,            "no account"       },
    {DISABLE,        "alice@d.test",  NULL,            NULL               },
    {DISABLE,        "bob@d.test",    NULL,            NULL               },
    {ENABLE,         "bob@d.test",    NULL,            NULL               },
    {ENABLE,         "bob@d.test",    NULL,            NULL               },
    {DISABLE,        "nobody@d.test", NULL,            "no account"       },
    {DISABLE,        "team@d.test",   NULL,            "no account"       },
};

static bool
add_alias(void *arg, struct str alias, struct str target)
{
	buf_addf(arg, "%.*s>%.*s ", STR_FMT(alias), STR_FMT(target));
	return true;
}

static bool
add_account(void *arg, const struct account *a)
{
	buf_addf(arg, "%s %d%s ", a->login, (int)a->quota_bytes,
	    a->disabled ? " off" : "");
	return true;
}

static bool
add_domain(void *arg, struct str name)
{
	buf_addf(arg, "%.*s ", STR_FMT(name));
	return name.at[0] != 'e'; /* stop early */
}

static void
changes_and_refusals(void)
{
	struct fixture x;
	struct buf b;

	fixture_init(&x);
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		struct change c = changes[i];
		struct fail f = {0};
		int rc = db_write(x.db, apply, &c, &f);

		CHECK((rc == 0) == (c.refusal == NULL));
		if (c.refusal != NULL && strstr(f.text, c.refusal) == NULL) {
			fprintf(stderr, "%zu %s: \"%s\"\n", i, c.a, f.text);
			CHECK(!"the refusal says what is wrong");
		}
		CHECK(c.refusal == NULL || f.kind == FAIL_PERM);
	}
	buf_init(&b, 1000);
	MUST(alias_each(x.db, add_alias, &b, &why));
	CHECK_STR(b.data, "fwd@d.test>x@remote.test team@d.test>bob@d.test "
			  "@e.test>carol@e.test ");
	buf_clear(&b);
	MUST(account_each(x.db, add_account, &b, &why));
	CHECK_STR(b.data,
	    "alice@d.test 5 off bob@d.test 0 carol@e.test 0 dave@d.test 0 ");
	buf_clear(&b);
	MUST(domain_each(x.db, add_domain, &b, &why));
	CHECK_STR(b.data, "d.test e.test ");
	buf_release(&b);
	CHECK(fixture_is_clean(&x));
	fixture_release(&x);
}

static void
removal_takes_everything_along(void)
{
	struct fixture x;
	struct delivery_target both[2];
	struct change remove = {ACCOUNT_REMOVE, "alice@d.test", NULL, NULL};
	struct change again = {ACCOUNT_ADD, "alice@d.test", NULL, NULL};
	struct change alias = {ALIAS_ADD, "al@d.test", "alice@d.test", NULL};
	struct account a;
	struct fail f;

	fixture_init(&x);
	MUST(db_write(x.db, apply, &alias, &why));
	both[0] = (struct delivery_target){
	    x.alice, STR("alice@d.test"), .original = STR("")};
	both[1] = (struct delivery_target){
	    x.bob, STR("bob@d.test"), .original = STR("")};
	CHECK(fixture_deliver(&x, STR("one\r\n"), both, 2, &f) > 0);
	CHECK(fixture_deliver(&x, STR("two\r\n"), both, 1, &f) > 0);
	MUST(db_write(x.db, apply, &remove, &why));
	CHECK(fixture_number(&x, "SELECT count(*) FROM message") == 1);
	CHECK(fixture_number(&x, "SELECT sum(refs) FROM body") == 1);
	CHECK(fixture_number(&x, "SELECT count(*) FROM hop WHERE kind = 11") ==
	      2);
	CHECK(fixture_number(&x, "SELECT count(*) FROM address") == 2);
	CHECK(fixture_is_clean(&x));
	/* a namesake is somebody else */
	MUST(db_write(x.db, apply, &again, &why));
	CHECK(account_find(x.db, STR("alice@d.test"), &a, &f) == 1);
	CHECK(a.id > x.carol && a.messages == 0);
	CHECK(fixture_number(&x, "SELECT id FROM mailbox"
				 " ORDER BY uid_validity DESC") == 24);
	CHECK(fixture_number(&x, "SELECT max(id) FROM mailbox") == 24);
	fixture_release(&x);
}

static int
add_mailbox(struct db *db, void *arg, struct fail *f)
{
	static int count;
	char name[16];
	enum mailbox_refusal refusal;
	int64_t id;

	snprintf(name, sizeof(name), "box%d", count++);
	return mailbox_add(
	    db, 1, str_of(name), 0, *(int64_t *)arg, &id, &refusal, f);
}

static void
uid_validity_rises(void)
{
	struct fixture x;
	int64_t times[] = {NOW, NOW, 5000, NOW + 10000000, NOW, NOW + 10000000};
	int64_t last = 0;

	fixture_init(&x);
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		int64_t now;

		MUST(db_write(x.db, add_mailbox, &times[i], &why));
		now = fixture_number(&x, "SELECT uid_validity FROM mailbox"
					 " ORDER BY id DESC");
		CHECK(now > last && now >= times[i] / 1000);
		last = now;
	}
	fixture_release(&x);
}

static void
who_owns_what(void)
{
	static const struct {
		const char *address;
		char owner; /* a, b, c, or - */
	} cases[] = {
	    {"alice@d.test",      'a'},
	    {"alice+shop@d.test", 'a'},
	    {"bob@d.test",        'b'},
	    {"team@d.test",       '-'},
	    {"al@d.test",         'a'},
	    {"al+x@d.test",       'a'},
	    {"al2@d.test",        'a'},
	    {"fwd@d.test",        '-'},
	    {"postmaster@d.test", '-'},
	    {"nobody@d.test",     '-'},
	    {"anything@e.test",   'c'},
	    {"alice@remote.test", '-'},
	    {"",		  '-'},
	};
	static const struct change aliases[] = {
	    {ALIAS_ADD, "team@d.test", "alice@d.test",  NULL},
	    {ALIAS_ADD, "team@d.test", "bob@d.test",    NULL},
	    {ALIAS_ADD, "al@d.test",   "alice@d.test",  NULL},
	    {ALIAS_ADD, "al2@d.test",  "al@d.test",     NULL},
	    {ALIAS_ADD, "fwd@d.test",  "x@remote.test", NULL},
	    {ALIAS_ADD, "@e.test",     "carol@e.test",  NULL},
	};
	struct fixture x;
	struct fail f;

	fixture_init(&x);
	for (size_t i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++) {
		struct change c = aliases[i];

		MUST(db_write(x.db, apply, &c, &why));
	}
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct str a = str_of(cases[i].address);

		CHECK(account_owns(x.db, x.alice, a, &f) ==
		      (cases[i].owner == 'a'));
		CHECK(account_owns(x.db, x.bob, a, &f) ==
		      (cases[i].owner == 'b'));
		CHECK(account_owns(x.db, x.carol, a, &f) ==
		      (cases[i].owner == 'c'));
	}
	fixture_release(&x);
}

/* What a crash in the middle of a removal leaves, and how it goes on. */
static void
removal_goes_in_steps(void)
{
	struct fixture x;
	struct str login = STR("alice@d.test");
	struct delivery_target alice = {0, login, .original = STR("")};
	struct change refused[] = {
	    {ACCOUNT_ADD, "alice@d.test", NULL, "still being removed"},
	    {ENABLE,      "alice@d.test", NULL, "no account"         },
	};
	struct account a;
	struct fail f;
	bool over = false;

	fixture_init(&x);
	alice.account = x.alice;
	for (int i = 0; i < 5; i++)
		CHECK(fixture_deliver(&x, STR("a\r\n"), &alice, 1, &f) > 0);
	MUST(txn_lock(x.db, &why));
	MUST(txn_begin(x.db, &why));
	MUST(account_remove_begin(x.db, login, &why));
	MUST(account_remove_some(x.db, login, 2, NOW, &over, &why));
	CHECK(!over);
	MUST(txn_commit(x.db, &why));
	txn_unlock(x.db);
	CHECK(fixture_number(&x, "SELECT count(*) FROM message") == 3);
	CHECK(account_find(x.db, login, &a, &f) == 1);
	CHECK(a.disabled && a.going && a.messages == 3);
	CHECK(fixture_is_clean(&x));
	CHECK(fixture_deliver(&x, STR("late\r\n"), &alice, 1, &f) == -1);
	CHECK(f.kind == FAIL_TEMP);
	CHECK(account_owns(x.db, x.alice, login, &f) == 0);
	for (size_t i = 0; i < 2; i++) {
		CHECK(db_write(x.db, apply, &refused[i], &f) == -1);
		CHECK(strstr(f.text, refused[i].refusal) != NULL);
	}
	MUST(txn_lock(x.db, &why));
	MUST(txn_begin(x.db, &why));
	MUST(remove_all(x.db, login, 2, &why));
	MUST(txn_commit(x.db, &why));
	txn_unlock(x.db);
	CHECK(account_find(x.db, login, &a, &f) == 0);
	CHECK(fixture_number(&x, "SELECT count(*) FROM message") == 0);
	CHECK(fixture_number(&x, "SELECT count(*) FROM expunged") == 0);
	CHECK(fixture_number(&x, "SELECT count(*) FROM hop WHERE kind = 11") ==
	      5);
	CHECK(fixture_is_clean(&x));
	fixture_release(&x);
}

int
main(void)
{
	changes_and_refusals();
	removal_takes_everything_along();
	removal_goes_in_steps();
	uid_validity_rises();
	who_owns_what();
	return TEST_EXIT();
}
