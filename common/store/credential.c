/* SPDX-License-Identifier: MIT */
#include "common/store/credential.h"

#include <assert.h>
#include <string.h>

#include "common/store/meta_secret.h"
#include "common/store/sql.h"

static_assert(CREDENTIAL_KEY_LEN == META_SECRET_OCTETS, "one length for all");

static const char sql_find[] =
    "SELECT verifier FROM credential WHERE login = ?1";
static const char sql_set[] =
    "INSERT INTO credential (login, verifier, changed) VALUES (?1, ?2, ?3)"
    " ON CONFLICT (login) DO UPDATE SET verifier = ?2, changed = ?3";
static const char sql_remove[] = "DELETE FROM credential WHERE login = ?1";
static const char sql_find_scram[] =
    "SELECT salt, iterations, stored_key, server_key FROM scram"
    " WHERE login = ?1";
static const char sql_set_scram[] =
    "INSERT INTO scram (login, salt, iterations, stored_key, server_key)"
    " VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (login) DO UPDATE SET"
    " salt = ?2, iterations = ?3, stored_key = ?4, server_key = ?5";
static const char sql_add_scram[] =
    "INSERT INTO scram (login, salt, iterations, stored_key, server_key)"
    " SELECT ?1, ?2, ?3, ?4, ?5 FROM credential"
    " WHERE login = ?1 AND verifier = ?6"
    " ON CONFLICT (login) DO NOTHING";
static const char sql_remove_scram[] = "DELETE FROM scram WHERE login = ?1";

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
	if (sql_run(db, sql_remove_scram, f, "t", login) == -1)
		return -1;
	return sql_run(db, sql_remove, f, "t", login);
}

/* ---- SCRAM ---- */

static struct str
octets(const uint8_t *at, size_t n)
{
	return (struct str){(const char *)at, n};
}

/* A column of n octets.  False if it has not as many. */
static bool
take_octets(sqlite3_stmt *st, int column, uint8_t *out, size_t n)
{
	struct str value = sql_text(st, column);

	if (value.len == n)
		memcpy(out, value.at, n);
	return value.len == n;
}

int
credential_find_scram(
    struct db *db, struct str login, struct credential_scram *k, struct fail *f)
{
	sqlite3_stmt *st = sql_bind(db, sql_find_scram, f, "t", login);
	int got = sql_step(st, f);

	if (got != 1)
		return got;
	k->iterations = (unsigned)sql_int(st, 1);
	if (!take_octets(st, 0, k->salt, sizeof(k->salt)) ||
	    !take_octets(st, 2, k->stored, sizeof(k->stored)) ||
	    !take_octets(st, 3, k->server, sizeof(k->server)))
		got = fail(f, FAIL_TEMP, "store: keys for SCRAM make no sense");
	sqlite3_reset(st);
	return got;
}

int
credential_set_scram(struct db *db, struct str login,
    const struct credential_scram *k, struct fail *f)
{
	return sql_run(db, sql_set_scram, f, "tbibb", login,
	    octets(k->salt, sizeof(k->salt)), (int64_t)k->iterations,
	    octets(k->stored, sizeof(k->stored)),
	    octets(k->server, sizeof(k->server)));
}

int
credential_add_scram(struct db *db, struct str login, const char *verifier,
    const struct credential_scram *k, struct fail *f)
{
	return sql_run(db, sql_add_scram, f, "tbibbt", login,
	    octets(k->salt, sizeof(k->salt)), (int64_t)k->iterations,
	    octets(k->stored, sizeof(k->stored)),
	    octets(k->server, sizeof(k->server)), str_of(verifier));
}

/* ---- secrets of the store itself ---- */

int
credential_secret(struct db *db, enum credential_secret which,
    uint8_t out[CREDENTIAL_KEY_LEN], struct fail *f)
{
	static const char *const keys[] = {
#define R(name, key) key,
	    CREDENTIAL_SECRETS(R)
#undef R
	};

	return meta_secret_make(db, keys[which], out, f);
}
