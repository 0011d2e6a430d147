/* SPDX-License-Identifier: MIT */
#include "common/store/credential.h"

#include "common/store/sql.h"

static const char sql_find[] =
    "SELECT verifier FROM credential WHERE login = ?1";
static const char sql_set[] =
    "INSERT INTO credential (login, verifier, changed) VALUES (?1, ?2, ?3)"
    " ON CONFLICT (login) DO UPDATE SET verifier = ?2, changed = ?3";
static const char sql_remove[] = "DELETE FROM credential WHERE login = ?1";

int
credential_find(struct db *db, struct str login,
    char verifier[CREDENTIAL_VERIFIER_MAX], struct fail *f)
{
	sqlite3_stmt *st = sql_bind(db, sql_find, f, "t", login);
	int got = sql_step(st, f);
	struct str text;

	if (got != 1)
		return got;
	text = sql_text(st, 0);
	if (text.len >= CREDENTIAL_VERIFIER_MAX)
		got = fail(f, FAIL_TEMP, "store: a verifier is too long");
	else
		snprintf(
		    verifier, CREDENTIAL_VERIFIER_MAX, "%.*s", STR_FMT(text));
	sqlite3_reset(st);
	return got;
}

int
credential_set(struct db *db, struct str login, const char *verifier,
    int64_t now_ms, struct fail *f)
{
	if (strlen(verifier) >= CREDENTIAL_VERIFIER_MAX)
		return fail(f, FAIL_PERM, "that verifier is too long");
	return sql_run(db, sql_set, f, "tti", login, str_of(verifier), now_ms);
}

int
credential_remove(struct db *db, struct str login, struct fail *f)
{
	return sql_run(db, sql_remove, f, "t", login);
}
