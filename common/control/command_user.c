/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <string.h>

#include "common/auth/password.h"
#include "common/auth/scram.h"
#include "common/control/call.h"
#include "common/store/account.h"
#include "common/store/app_password.h"
#include "common/store/credential.h"
#include "common/util/rand.h"

/*
 * An account is in mail.db and its verifier in auth.db: two transactions.
 * The order is such that a crash between them leaves an account without
 * a password, which nobody can log in to and `passwd' or `remove' mend, and
 * never a password without its account.  A removal that was cut short leaves
 * an account without addresses, which a second `remove' ends.
 */

#define REMOVED_AT_ONCE 1000 /* messages: some 20 ms */

enum {
	ADDRESS,
	PASSWORD,
	QUOTA
}; /* arguments of user.add and user.passwd */

static struct str
text_of(const struct call *call, size_t arg)
{
	return buf_str(&call->args[arg].text);
}

static int
need_account(struct call *call, struct db *db, struct fail *f)
{
	struct account a;
	int got = account_find(db, text_of(call, ADDRESS), &a, f);

	if (got != 0)
		return got == 1 ? 0 : -1;
	return fail(f, FAIL_PERM, "there is no account %.*s",
	    STR_FMT(text_of(call, ADDRESS)));
}

static int
look_account(struct db *db, void *arg, struct fail *f)
{
	return need_account(arg, db, f);
}

static int
add_account(struct db *db, void *arg, struct fail *f)
{
	struct call *call = arg;
	uint64_t quota = (uint64_t)call->args[QUOTA].number;
	int64_t id;

	if (account_add(
		db, text_of(call, ADDRESS), quota, call->now_ms, &id, f) == -1)
		return -1;
	json_object_set_new(call->reply, "account", json_integer(id));
	return 0;
}

static int
begin_removal(struct db *db, void *arg, struct fail *f)
{
	return account_remove_begin(db, text_of(arg, ADDRESS), f);
}

struct removal {
	struct call *call;
	bool over;
};

static int
remove_some(struct db *db, void *arg, struct fail *f)
{
	struct removal *r = arg;

	return account_remove_some(db, text_of(r->call, ADDRESS),
	    REMOVED_AT_ONCE, r->call->now_ms, &r->over, f);
}

/* In short transactions, between which mail is delivered. */
static int
remove_account(struct call *call, struct fail *f)
{
	struct db *db = call->control->mail;
	struct removal r = {call, false};

	if (db_write(db, begin_removal, call, f) == -1)
		return -1;
	while (!r.over)
		if (db_write(db, remove_some, &r, f) == -1)
			return -1;
	return 0;
}

static int
set_quota(struct db *db, void *arg, struct fail *f)
{
	struct call *call = arg;

	if (need_account(call, db, f) == -1)
		return -1;
	/* `address' and `quota' are the two arguments of user.quota */
	return account_set_quota(db, text_of(call, ADDRESS),
	    (uint64_t)call->args[ADDRESS + 1].number, f);
}

static int
disable(struct db *db, void *arg, struct fail *f)
{
	return account_set_disabled(db, text_of(arg, ADDRESS), true, f);
}

static int
enable(struct db *db, void *arg, struct fail *f)
{
	return account_set_disabled(db, text_of(arg, ADDRESS), false, f);
}

struct verifier {
	struct str login;
	int64_t now_ms;
	char text[PASSWORD_VERIFIER_MAX];
	struct credential_scram scram;
};

static int
set_verifier(struct db *db, void *arg, struct fail *f)
{
	const struct verifier *v = arg;

	if (credential_set(db, v->login, v->text, v->now_ms, f) == -1)
		return -1;
	return credential_set_scram(db, v->login, &v->scram, f);
}

/* With all that else lets somebody in. */
static int
remove_verifier(struct db *db, void *arg, struct fail *f)
{
	const struct verifier *v = arg;

	if (app_password_remove_all(db, v->login, f) == -1)
		return -1;
	return credential_remove(db, v->login, f);
}

static void
make_scram(struct str password, struct credential_scram *out)
{
	struct scram_keys k;
	uint8_t salt[SCRAM_SALT_LEN];
	struct secret ready;

	static_assert(SCRAM_SALT_LEN == CREDENTIAL_SALT_LEN &&
			  SCRAM_KEY_LEN == CREDENTIAL_KEY_LEN,
	    "what is stored is what is used");
	secret_init(&ready);
	password_prepare(password, &ready);
	rand_bytes(salt, sizeof(salt));
	scram_keys_make(&k, secret_str(&ready), salt, SCRAM_ITERATIONS);
	secret_release(&ready);
	memcpy(out->salt, k.salt, sizeof(out->salt));
	out->iterations = k.iterations;
	memcpy(out->stored, k.stored, sizeof(out->stored));
	memcpy(out->server, k.server, sizeof(out->server));
	explicit_bzero(&k, sizeof(k));
}

static int
set_password(struct call *call, struct fail *f)
{
	struct verifier v = {
	    .login = text_of(call, ADDRESS), .now_ms = call->now_ms};
	int rc;

	password_hash(text_of(call, PASSWORD), v.text);
	make_scram(text_of(call, PASSWORD), &v.scram);
	rc = db_write(call->control->auth, set_verifier, &v, f);
	explicit_bzero(&v, sizeof(v));
	return rc;
}

static void
tell_address(struct call *call)
{
	json_object_set_new(
	    call->reply, "address", call_json_text(text_of(call, ADDRESS)));
}

int
call_user_add(struct call *call, struct fail *f)
{
	struct fail undo;

	if (db_write(call->control->mail, add_account, call, f) == -1)
		return -1;
	if (set_password(call, f) == -1) {
		remove_account(call, &undo);
		return -1;
	}
	tell_address(call);
	return 0;
}

int
call_user_passwd(struct call *call, struct fail *f)
{
	if (db_read(call->control->mail, look_account, call, f) == -1 ||
	    set_password(call, f) == -1)
		return -1;
	tell_address(call);
	return 0;
}

/* Commands that change the account's row alone. */
static int
change(struct call *call, db_work *work, struct fail *f)
{
	if (db_write(call->control->mail, work, call, f) == -1)
		return -1;
	tell_address(call);
	return 0;
}

int
call_user_quota(struct call *call, struct fail *f)
{
	return change(call, set_quota, f);
}

int
call_user_disable(struct call *call, struct fail *f)
{
	return change(call, disable, f);
}

int
call_user_enable(struct call *call, struct fail *f)
{
	return change(call, enable, f);
}

int
call_user_remove(struct call *call, struct fail *f)
{
	struct verifier v = {.login = text_of(call, ADDRESS)};

	if (db_read(call->control->mail, look_account, call, f) == -1 ||
	    db_write(call->control->auth, remove_verifier, &v, f) == -1 ||
	    remove_account(call, f) == -1)
		return -1;
	tell_address(call);
	return 0;
}

static bool
list_account(void *arg, const struct account *a)
{
	json_t *user = json_pack("{s:o, s:I, s:b, s:I, s:I, s:I, s:o}",
	    "address", call_json_text(str_of(a->login)), "account",
	    (json_int_t)a->id, "disabled", a->disabled, "quota",
	    (json_int_t)a->quota_bytes, "bytes", (json_int_t)a->bytes,
	    "messages", (json_int_t)a->messages, "created",
	    call_json_time(a->created_ms));

	json_array_append_new(arg, user);
	return true;
}

static int
list_accounts(struct db *db, void *arg, struct fail *f)
{
	return account_each(db, list_account, arg, f);
}

int
call_user_list(struct call *call, struct fail *f)
{
	json_t *users = json_array();

	json_object_set_new(call->reply, "users", users);
	return db_read(call->control->mail, list_accounts, users, f);
}
