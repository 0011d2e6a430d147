/* SPDX-License-Identifier: MIT */
#include "common/store/signing_key.h"

#include "tests/unit/store/fixture.h"

static const struct str d = STR("d.test"), e = STR("e.test");

struct seen {
	char text[1000];
	size_t most; /* then stop */
};

static bool
see(void *arg, const struct signing_key *k)
{
	struct seen *s = arg;
	size_t n = strlen(s->text);

	snprintf(s->text + n, sizeof(s->text) - n, "%s %s %d %d %.*s;",
	    k->selector, k->domain, k->algorithm, (int)k->state,
	    STR_FMT(k->record));
	return --s->most > 0;
}

static void
check_keys(struct db *db, struct str domain, size_t most, const char *want)
{
	struct seen s = {"", most};

	MUST(signing_key_each(db, domain, see, &s, &why));
	CHECK_STR(s.text, want);
}

static struct signing_key
key_of(const char *domain, const char *selector, int algorithm)
{
	struct signing_key k = {.algorithm = algorithm,
	    .state = SIGNING_KEY_SIGNS,
	    .created_ms = NOW,
	    .changed_ms = NOW,
	    .record = STR("v=DKIM1; p=x")};

	snprintf(k.domain, sizeof(k.domain), "%s", domain);
	snprintf(k.selector, sizeof(k.selector), "%s", selector);
	return k;
}

static int
test_public(struct db *db, void *arg, struct fail *f)
{
	struct signing_key r = key_of("d.test", "r1", 0);
	struct signing_key ed = key_of("d.test", "e1", 1);
	struct signing_key other = key_of("e.test", "r1", 0);
	struct signing_key far = key_of("far.test", "r1", 0);
	struct fail said = {0};

	(void)arg;
	MUST(signing_key_add(db, &r, f));
	MUST(signing_key_add(db, &ed, f));
	MUST(signing_key_add(db, &other, f));
	CHECK(signing_key_add(db, &r, &said) == -1 && said.kind == FAIL_PERM);
	CHECK(signing_key_add(db, &far, &said) == -1 && said.kind == FAIL_PERM);
	check_keys(
	    db, d, 9, "e1 d.test 1 0 v=DKIM1; p=x;r1 d.test 0 0 v=DKIM1; p=x;");
	check_keys(db, d, 1, "e1 d.test 1 0 v=DKIM1; p=x;");
	check_keys(db, STR("far.test"), 9, "");
	check_keys(db, STR(""), 9,
	    "e1 d.test 1 0 v=DKIM1; p=x;r1 d.test 0 0 v=DKIM1; p=x;"
	    "r1 e.test 0 0 v=DKIM1; p=x;");

	MUST(signing_key_set_state(
	    db, d, STR("r1"), SIGNING_KEY_RETIRED, NOW + 1, f));
	CHECK(signing_key_set_state(
		  db, d, STR("r2"), SIGNING_KEY_SIGNS, NOW, &said) == -1);
	check_keys(
	    db, d, 9, "e1 d.test 1 0 v=DKIM1; p=x;r1 d.test 0 2 v=DKIM1; p=x;");
	MUST(signing_key_remove(db, d, STR("r1"), f));
	CHECK(signing_key_remove(db, d, STR("r1"), &said) == -1);
	check_keys(db, d, 9, "e1 d.test 1 0 v=DKIM1; p=x;");
	check_keys(db, e, 9, "r1 e.test 0 0 v=DKIM1; p=x;");
	return 0;
}

static void
check_secret(
    struct db *db, struct str domain, struct str selector, const char *want)
{
	struct fail said = {0};
	struct buf out;
	int got;

	buf_init(&out, 100);
	got = signing_secret_get(db, domain, selector, &out, &said);
	CHECK(got == (want != NULL));
	if (want != NULL)
		CHECK_STR(out.data, want);
	buf_release(&out);
	buf_init(&out, 2);
	CHECK(signing_secret_get(db, domain, selector, &out, &said) ==
	      (want != NULL ? -1 : 0));
	buf_release(&out);
}

static int
test_secret(struct db *db, void *arg, struct fail *f)
{
	(void)arg;
	MUST(signing_secret_put(db, d, STR("r1"), STR("one"), f));
	MUST(signing_secret_put(db, e, STR("r1"), STR("two"), f));
	check_secret(db, d, STR("r1"), "one");
	check_secret(db, d, STR("r2"), NULL);
	MUST(signing_secret_put(db, d, STR("r1"), STR("three"), f));
	check_secret(db, d, STR("r1"), "three");
	MUST(signing_secret_remove(db, d, STR("r1"), f));
	check_secret(db, d, STR("r1"), NULL);
	check_secret(db, e, STR("r1"), "two");
	return 0;
}

int
main(void)
{
	struct fixture x;
	struct db *auth;
	struct fail f;

	fixture_init(&x);
	MUST(db_write(x.db, test_public, NULL, &why));
	auth = db_open(x.dir, DB_AUTH, DB_WRITER, &f);
	CHECK(auth != NULL);
	MUST(db_write(auth, test_secret, NULL, &why));
	db_close(auth);
	fixture_release(&x);
	return TEST_EXIT();
}
