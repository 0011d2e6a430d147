/* SPDX-License-Identifier: MIT */
#include "common/store/app_password.h"

#include "common/store/credential.h"
#include "tests/unit/store/fixture.h"

#define HOUR 3600000LL

static const uint8_t one[APP_PASSWORD_HASH_LEN] = {1};
static const uint8_t two[APP_PASSWORD_HASH_LEN] = {2};
static const struct str alice = STR("alice@d.test"), bob = STR("bob@d.test");

struct seen {
	size_t n;
	int64_t used_ms;
	unsigned scopes;
	char names[200], from[100], proto[20];
};

static bool
see(void *arg, const struct app_password *p)
{
	struct seen *s = arg;

	s->n++;
	s->used_ms = p->used_ms;
	s->scopes = p->scopes;
	snprintf(s->names + strlen(s->names),
	    sizeof(s->names) - strlen(s->names), "%.*s;", STR_FMT(p->name));
	snprintf(s->from, sizeof(s->from), "%.*s", STR_FMT(p->used_from));
	snprintf(s->proto, sizeof(s->proto), "%.*s", STR_FMT(p->used_for));
	return true;
}

static struct seen
look(struct db *db, struct str login)
{
	struct seen s = {.n = 0};

	MUST(app_password_each(db, login, see, &s, &why));
	return s;
}

static int
test(struct db *db, void *arg, struct fail *f)
{
	struct app_password p = {.id = 0};
	struct fail said = {0};

	(void)arg;
	MUST(app_password_add(
	    db, bob, STR("telephone"), APP_PASSWORD_SMTP, one, NOW, f));
	MUST(app_password_add(db, bob, STR("tablet"),
	    APP_PASSWORD_IMAP | APP_PASSWORD_POP3, two, NOW + 1, f));
	CHECK(app_password_add(db, bob, STR("tablet"), APP_PASSWORD_IMAP,
		  (const uint8_t[APP_PASSWORD_HASH_LEN]){3}, NOW, &said) == -1);
	CHECK(said.kind == FAIL_PERM);
	CHECK_STR(look(db, bob).names, "telephone;tablet;");
	CHECK(look(db, alice).n == 0);

	/* found by who has it, and with it */
	CHECK(app_password_find(db, bob, one, &p, f) == 1);
	CHECK(p.id > 0 && p.scopes == APP_PASSWORD_SMTP && p.used_ms == 0 &&
	      p.created_ms == NOW);
	CHECK(app_password_find(db, alice, one, &p, f) == 0);
	CHECK(app_password_find(db, bob,
		  (const uint8_t[APP_PASSWORD_HASH_LEN]){3}, &p, f) == 0);

	/* to the hour, and only forward */
	CHECK(app_password_find(db, bob, two, &p, f) == 1);
	CHECK(app_password_is_news(&p, NOW));
	MUST(
	    app_password_used(db, p.id, NOW, STR("192.0.2.1"), STR("imap"), f));
	CHECK(look(db, bob).used_ms == NOW - NOW % HOUR);
	CHECK_STR(look(db, bob).from, "192.0.2.1");
	CHECK_STR(look(db, bob).proto, "imap");
	CHECK(app_password_find(db, bob, two, &p, f) == 1);
	CHECK(!app_password_is_news(&p, NOW));
	CHECK(!app_password_is_news(&p, p.used_ms + HOUR - 1));
	CHECK(app_password_is_news(&p, p.used_ms + HOUR));
	MUST(app_password_used(
	    db, p.id, NOW - HOUR, STR("192.0.2.2"), STR("pop3"), f));
	CHECK_STR(look(db, bob).from, "192.0.2.1");

	CHECK(app_password_remove(db, bob, STR("tablet"), f) == 1);
	CHECK(app_password_remove(db, bob, STR("tablet"), f) == 0);
	CHECK(app_password_remove(db, alice, STR("telephone"), f) == 0);
	CHECK(app_password_find(db, bob, two, &p, f) == 0);
	MUST(app_password_add(
	    db, alice, STR("telephone"), APP_PASSWORD_SMTP, two, NOW, f));
	MUST(app_password_remove_all(db, bob, f));
	CHECK(look(db, bob).n == 0 && look(db, alice).n == 1);
	return 0;
}

static int
test_scram(struct db *db, void *arg, struct fail *f)
{
	struct credential_scram k = {{1}, 4096, {2}, {3}}, got;

	(void)arg;
	CHECK(credential_find_scram(db, bob, &got, f) == 0);
	/* of a password that was right: while it is */
	MUST(credential_add_scram(db, bob, "verifier", &k, f));
	CHECK(credential_find_scram(db, bob, &got, f) == 0);
	MUST(credential_set(db, bob, "other", NOW, f));
	MUST(credential_add_scram(db, bob, "verifier", &k, f));
	CHECK(credential_find_scram(db, bob, &got, f) == 0);
	MUST(credential_add_scram(db, bob, "other", &k, f));
	CHECK(credential_find_scram(db, bob, &got, f) == 1);
	CHECK(memcmp(&got, &k, sizeof(k)) == 0);
	/* and never over what is there */
	k.iterations = 5000;
	MUST(credential_add_scram(db, bob, "other", &k, f));
	CHECK(credential_find_scram(db, bob, &got, f) == 1);
	CHECK(got.iterations == 4096);
	MUST(credential_set_scram(db, bob, &k, f));
	CHECK(credential_find_scram(db, bob, &got, f) == 1);
	CHECK(got.iterations == 5000);
	MUST(credential_remove(db, bob, f));
	CHECK(credential_find_scram(db, bob, &got, f) == 0);
	return 0;
}

static int
test_secrets(struct db *db, void *arg, struct fail *f)
{
	uint8_t first[CREDENTIAL_KEY_LEN], again[CREDENTIAL_KEY_LEN];
	uint8_t other[CREDENTIAL_KEY_LEN];

	(void)arg;
	MUST(credential_secret(db, CREDENTIAL_APP_PASSWORD, first, f));
	MUST(credential_secret(db, CREDENTIAL_APP_PASSWORD, again, f));
	MUST(credential_secret(db, CREDENTIAL_NOBODY, other, f));
	CHECK(memcmp(first, again, sizeof(first)) == 0);
	CHECK(memcmp(first, other, sizeof(first)) != 0);
	return 0;
}

int
main(void)
{
	struct db *db;
	char dir[64];
	struct fail f;

	fixture_dir(dir);
	db = db_open(dir, DB_AUTH, DB_WRITER, &f);
	CHECK(db != NULL);
	MUST(db_write(db, test, NULL, &why));
	MUST(db_write(db, test_scram, NULL, &why));
	MUST(db_write(db, test_secrets, NULL, &why));
	db_close(db);
	fixture_remove_dir(dir);
	return TEST_EXIT();
}
