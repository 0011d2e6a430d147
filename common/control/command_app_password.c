/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <string.h>

#include "common/auth/generated.h"
#include "common/control/call.h"
#include "common/store/account.h"
#include "common/store/app_password.h"
#include "common/store/credential.h"
#include "common/util/mem.h"
#include "common/util/secret.h"

#define NAME_LEN_MAX 100

enum {
	ADDRESS,
	NAME,
	SCOPE
}; /* arguments of app-password.add */

static const struct {
	struct str word;
	enum app_password_scope scope;
} scopes[] = {
    {STR("smtp"), APP_PASSWORD_SMTP},
    {STR("imap"), APP_PASSWORD_IMAP},
    {STR("pop3"), APP_PASSWORD_POP3},
};
#define N_SCOPES (sizeof(scopes) / sizeof(scopes[0]))

static struct str
text_of(const struct call *call, size_t arg)
{
	return buf_str(&call->args[arg].text);
}

static int
look_account(struct db *db, void *arg, struct fail *f)
{
	const struct call *call = arg;
	struct account a;
	int got = account_find(db, text_of(call, ADDRESS), &a, f);

	if (got != 0)
		return got == 1 ? 0 : -1;
	return fail(f, FAIL_PERM, "there is no account %.*s",
	    STR_FMT(text_of(call, ADDRESS)));
}

static void
tell(struct call *call, const char *name, size_t arg)
{
	json_object_set_new(
	    call->reply, name, call_json_text(text_of(call, arg)));
}

/* ---- add ---- */

static bool
find_scope(struct str word, unsigned *out)
{
	for (size_t i = 0; i < N_SCOPES; i++)
		if (str_eq_nocase(word, scopes[i].word)) {
			*out |= scopes[i].scope;
			return true;
		}
	return false;
}

/* "smtp,imap"; not given: all of them. */
static int
read_scopes(const struct call *call, unsigned *out, struct fail *f)
{
	struct str rest = text_of(call, SCOPE);

	*out = 0;
	if (!call->args[SCOPE].given)
		for (size_t i = 0; i < N_SCOPES; i++)
			*out |= scopes[i].scope;
	while (rest.len > 0) {
		struct str word = str_trim(str_cut(&rest, ','));

		if (!find_scope(word, out))
			return fail(f, FAIL_SYNTAX,
			    "\"%.*s\" is no scope: smtp, imap and pop3 are",
			    STR_FMT(word));
	}
	return 0;
}

struct addition {
	const struct call *call;
	struct str password;
	unsigned scopes;
};

static int
add(struct db *db, void *arg, struct fail *f)
{
	const struct addition *a = arg;
	const struct call *call = a->call;
	uint8_t key[CREDENTIAL_KEY_LEN], hash[APP_PASSWORD_HASH_LEN];
	int rc = credential_secret(db, CREDENTIAL_APP_PASSWORD, key, f);
	bool ours;

	static_assert(sizeof(key) == GENERATED_KEY_LEN &&
			  sizeof(hash) == GENERATED_HASH_LEN,
	    "what is stored is what is used");
	if (rc == 0) {
		ours = generated_hash(a->password, key, hash);
		assert(ours);
		rc = app_password_add(db, text_of(call, ADDRESS),
		    text_of(call, NAME), a->scopes, hash, call->now_ms, f);
	}
	explicit_bzero(key, sizeof(key));
	return rc;
}

static json_t *
json_scopes(unsigned set)
{
	json_t *words = json_array();

	for (size_t i = 0; i < N_SCOPES; i++)
		if ((set & scopes[i].scope) != 0)
			json_array_append_new(
			    words, json_string(scopes[i].word.at));
	return words;
}

int
call_app_password_add(struct call *call, struct fail *f)
{
	struct buf password;
	struct addition a = {.call = call};
	int rc;

	if (text_of(call, NAME).len > NAME_LEN_MAX)
		return fail(f, FAIL_SYNTAX,
		    "the name of an app password has at most %d octets",
		    NAME_LEN_MAX);
	if (read_scopes(call, &a.scopes, f) == -1 ||
	    db_read(call->control->mail, look_account, call, f) == -1)
		return -1;
	buf_init(&password, GENERATED_LEN);
	generated_make(&password);
	a.password = buf_str(&password);
	rc = db_write(call->control->auth, add, &a, f);
	if (rc == 0) {
		tell(call, "address", ADDRESS);
		tell(call, "name", NAME);
		json_object_set_new(
		    call->reply, "scope", json_scopes(a.scopes));
		json_object_set_new(
		    call->reply, "password", json_string(password.data));
	}
	secret_wipe(&password);
	return rc;
}

/* ---- remove ---- */

static int
remove_one(struct db *db, void *arg, struct fail *f)
{
	const struct call *call = arg;
	int got = app_password_remove(
	    db, text_of(call, ADDRESS), text_of(call, NAME), f);

	if (got != 0)
		return got == 1 ? 0 : -1;
	return fail(f, FAIL_PERM, "%.*s has no app password \"%.*s\"",
	    STR_FMT(text_of(call, ADDRESS)), STR_FMT(text_of(call, NAME)));
}

int
call_app_password_remove(struct call *call, struct fail *f)
{
	if (db_write(call->control->auth, remove_one, call, f) == -1)
		return -1;
	tell(call, "address", ADDRESS);
	tell(call, "name", NAME);
	return 0;
}

/* ---- list ---- */

static bool
list_one(void *arg, const struct app_password *p)
{
	json_t *one = json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "name",
	    call_json_text(p->name), "scope", json_scopes(p->scopes), "created",
	    call_json_time(p->created_ms), "used", call_json_time(p->used_ms),
	    "from", call_json_text(p->used_from), "for",
	    call_json_text(p->used_for));

	json_array_append_new(arg, one);
	return true;
}

static int
list(struct db *db, void *arg, struct fail *f)
{
	const struct call *call = arg;

	return app_password_each(db, text_of(call, ADDRESS), list_one,
	    json_object_get(call->reply, "passwords"), f);
}

int
call_app_password_list(struct call *call, struct fail *f)
{
	tell(call, "address", ADDRESS);
	json_object_set_new(call->reply, "passwords", json_array());
	if (db_read(call->control->mail, look_account, call, f) == -1)
		return -1;
	return db_read(call->control->auth, list, call, f);
}
