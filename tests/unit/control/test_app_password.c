/* SPDX-License-Identifier: MIT */
/* app-password.*, and what user.* does to all that lets somebody in. */
#include <ftw.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/auth/generated.h"
#include "common/auth/password.h"
#include "common/auth/scram.h"
#include "common/control/command.h"
#include "common/store/app_password.h"
#include "common/store/credential.h"
#include "common/util/mem.h"
#include "common/util/rand.h"
#include "tests/test.h"

#define NOW 1795000000000LL

static char dir[64];
static struct control control;
static struct control_outcome outcome;

static int64_t
fixed_time(void *arg)
{
	(void)arg;
	return NOW;
}

static const struct clock fixed_clock = {fixed_time, fixed_time, NULL};

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *w)
{
	(void)st;
	(void)type;
	(void)w;
	return remove(path);
}

/* Run a request given as JSON text with ' for ". */
static json_t *
ask(const char *text)
{
	char *line = mem_dup(str_of(text));
	json_t *request, *reply;

	for (char *c = line; *c != '\0'; c++)
		if (*c == '\'')
			*c = '"';
	request = json_loads(line, 0, NULL);
	if (request == NULL)
		abort();
	reply = control_run(&control, request, &outcome);
	json_decref(request);
	free(line);
	return reply;
}

/* "ok", or kind and text of the refusal. */
static const char *
result(const char *text)
{
	static char said[600];
	json_t *reply = ask(text);
	const char *kind = json_string_value(json_object_get(reply, "kind"));
	const char *words = json_string_value(json_object_get(reply, "text"));

	snprintf(said, sizeof(said), "%s%s%s", kind != NULL ? kind : "ok",
	    words != NULL ? ": " : "", words != NULL ? words : "");
	json_decref(reply);
	return said;
}

struct look {
	const char *password;
	int app, scram, verifier;
	unsigned scopes;
	struct credential_scram keys;
};

static int
look(struct db *db, void *arg, struct fail *f)
{
	struct look *l = arg;
	struct str bob = STR("bob@d.test");
	uint8_t key[CREDENTIAL_KEY_LEN], hash[APP_PASSWORD_HASH_LEN];
	char verifier[CREDENTIAL_VERIFIER_MAX];
	struct app_password p = {.scopes = 0};

	if (credential_secret(db, CREDENTIAL_APP_PASSWORD, key, f) == -1)
		return -1;
	l->app = generated_hash(str_of(l->password), key, hash)
	             ? app_password_find(db, bob, hash, &p, f)
	             : 0;
	l->scopes = p.scopes;
	l->scram = credential_find_scram(db, bob, &l->keys, f);
	l->verifier = credential_find(db, bob, verifier, f);
	return 0;
}

static struct look
bob_has(const char *password)
{
	struct look l = {.password = password};
	struct fail f;

	CHECK(db_write(control.auth, look, &l, &f) == 0);
	return l;
}

/* The keys are those of the password: the server key is the same. */
static bool
scram_is_of(struct str password)
{
	struct look l = bob_has("");
	struct scram_keys k;

	if (l.scram != 1)
		return false;
	scram_keys_make(&k, password, l.keys.salt, l.keys.iterations);
	return l.keys.iterations == SCRAM_ITERATIONS &&
	       memcmp(k.server, l.keys.server, sizeof(k.server)) == 0 &&
	       memcmp(k.stored, l.keys.stored, sizeof(k.stored)) == 0;
}

static void
test_scram(void)
{
	struct look before;

	CHECK_STR(result("{'command':'user.add','address':'bob@d.test',"
			 "'password':'one'}"),
	    "ok");
	CHECK(scram_is_of(STR("one")));
	before = bob_has("");
	CHECK_STR(result("{'command':'user.passwd','address':'bob@d.test',"
			 "'password':'a\\u0308 b'}"),
	    "ok");
	/* composed, as the verifier is */
	CHECK(scram_is_of(STR("\xc3\xa4 b")));
	CHECK(memcmp(before.keys.salt, bob_has("").keys.salt,
		  sizeof(before.keys.salt)) != 0);
}

static void
test_add(void)
{
	json_t *reply = ask("{'command':'app-password.add',"
			    "'address':'Bob@D.Test','name':'tablet',"
			    "'scope':'imap, POP3'}");
	const char *password = json_string_value(
	    json_object_get(reply, "password"));

	CHECK(password != NULL && strlen(password) == GENERATED_LEN);
	CHECK(outcome.ok && outcome.effects == CONTROL_LOGIN);
	CHECK(strstr(outcome.summary, "tablet") != NULL);
	if (password == NULL)
		return;
	CHECK(strstr(outcome.summary, password) == NULL);
	CHECK(bob_has(password).app == 1);
	CHECK(bob_has(password).scopes ==
	      (APP_PASSWORD_IMAP | APP_PASSWORD_POP3));
	json_decref(reply);

	CHECK_STR(result("{'command':'app-password.add',"
			 "'address':'bob@d.test','name':'tablet'}"),
	    "permanent: bob@d.test has an app password \"tablet\" already");
	CHECK_STR(result("{'command':'app-password.add',"
			 "'address':'eve@d.test','name':'tablet'}"),
	    "permanent: there is no account eve@d.test");
	CHECK_STR(result("{'command':'app-password.add',"
			 "'address':'bob@d.test','name':'x','scope':'smtp,'}"),
	    "ok");
	CHECK_STR(result("{'command':'app-password.add',"
			 "'address':'bob@d.test','name':'y','scope':'smtp,x'}"),
	    "usage: \"x\" is no scope: smtp, imap and pop3 are");
	CHECK_STR(result("{'command':'app-password.add',"
			 "'address':'bob@d.test'}"),
	    "usage: app-password.add needs \"name\"");
}

static void
test_list_and_remove(void)
{
	json_t *reply = ask(
	    "{'command':'app-password.list','address':'bob@d.test'}");
	char *text = json_dumps(
	    json_object_get(reply, "passwords"), JSON_COMPACT | JSON_SORT_KEYS);

	CHECK_STR(text,
	    "[{\"created\":\"2026-11-18T11:06:40.000Z\",\"for\":\"\","
	    "\"from\":\"\",\"name\":\"tablet\",\"scope\":[\"imap\",\"pop3\"],"
	    "\"used\":null},"
	    "{\"created\":\"2026-11-18T11:06:40.000Z\",\"for\":\"\","
	    "\"from\":\"\",\"name\":\"x\",\"scope\":[\"smtp\"],"
	    "\"used\":null}]");
	CHECK(outcome.effects == 0);
	free(text);
	json_decref(reply);
	CHECK_STR(result("{'command':'app-password.list',"
			 "'address':'eve@d.test'}"),
	    "permanent: there is no account eve@d.test");
	CHECK_STR(result("{'command':'app-password.remove',"
			 "'address':'bob@d.test','name':'tablet'}"),
	    "ok");
	CHECK(outcome.effects == CONTROL_LOGIN);
	CHECK_STR(result("{'command':'app-password.remove',"
			 "'address':'bob@d.test','name':'tablet'}"),
	    "permanent: bob@d.test has no app password \"tablet\"");
}

/* Nothing is left that would let a namesake's predecessor in. */
static void
test_removal(void)
{
	json_t *reply = ask("{'command':'app-password.add',"
			    "'address':'bob@d.test','name':'last'}");
	const char *password = json_string_value(
	    json_object_get(reply, "password"));
	struct look l;

	CHECK(password != NULL && bob_has(password).app == 1);
	CHECK_STR(
	    result("{'command':'user.remove','address':'bob@d.test'}"), "ok");
	l = bob_has(password != NULL ? password : "");
	CHECK(l.app == 0 && l.scram == 0 && l.verifier == 0);
	json_decref(reply);
}

int
main(void)
{
	struct fail f = {0};

	rand_init();
	snprintf(dir, sizeof(dir), "/tmp/control-XXXXXX");
	if (mkdtemp(dir) == NULL)
		abort();
	control.mail = db_open(dir, DB_MAIL, DB_WRITER, &f);
	control.auth = db_open(dir, DB_AUTH, DB_WRITER, &f);
	control.clock = &fixed_clock;
	CHECK(control.mail != NULL && control.auth != NULL);
	CHECK_STR(result("{'command':'domain.add','domain':'d.test',"
			 "'keys':false}"),
	    "ok");
	test_scram();
	test_add();
	test_list_and_remove();
	test_removal();
	db_close(control.mail);
	db_close(control.auth);
	nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return TEST_EXIT();
}
