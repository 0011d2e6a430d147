/* SPDX-License-Identifier: MIT */
#include "common/store/app_password.h"

#include "common/store/sql.h"

#define HOUR_MS (INT64_C(60) * 60 * 1000)

static const char sql_has[] = "SELECT 1 FROM app_password"
			      " WHERE login = ?1 AND name = ?2";
static const char sql_add[] =
    "INSERT INTO app_password (login, name, scopes, hash, created)"
    " VALUES (?1, ?2, ?3, ?4, ?5)";
static const char sql_remove[] = "DELETE FROM app_password"
				 " WHERE login = ?1 AND name = ?2";
static const char sql_remove_all[] =
    "DELETE FROM app_password WHERE login = ?1";
static const char sql_each[] =
    "SELECT id, name, scopes, created, coalesce(used, 0),"
    " coalesce(used_from, ''), coalesce(used_for, '') FROM app_password"
    " WHERE login = ?1 ORDER BY created, id";
static const char sql_find[] =
    "SELECT id, scopes, created, coalesce(used, 0) FROM app_password"
    " WHERE hash = ?2 AND login = ?1";
static const char sql_used[] =
    "UPDATE app_password SET used = ?2, used_from = ?3, used_for = ?4"
    " WHERE id = ?1 AND (used IS NULL OR used < ?2)";

static struct str
octets(const uint8_t hash[APP_PASSWORD_HASH_LEN])
{
	return (struct str){(const char *)hash, APP_PASSWORD_HASH_LEN};
}

int
app_password_add(struct db *db, struct str login, struct str name,
    unsigned scopes, const uint8_t hash[APP_PASSWORD_HASH_LEN], int64_t now_ms,
    struct fail *f)
{
	int64_t one;
	int got = sql_number(db, &one, sql_has, f, "tt", login, name);

	if (got == 1)
		return fail(f, FAIL_PERM,
		    "%.*s has an app password \"%.*s\" already", STR_FMT(login),
		    STR_FMT(name));
	if (got == -1)
		return -1;
	return sql_run(db, sql_add, f, "ttibi", login, name, (int64_t)scopes,
	    octets(hash), now_ms);
}

int
app_password_remove(
    struct db *db, struct str login, struct str name, struct fail *f)
{
	if (sql_run(db, sql_remove, f, "tt", login, name) == -1)
		return -1;
	return sql_changes(db) > 0;
}

int
app_password_remove_all(struct db *db, struct str login, struct fail *f)
{
	return sql_run(db, sql_remove_all, f, "t", login);
}

int
app_password_each(struct db *db, struct str login,
    bool (*fn)(void *arg, const struct app_password *p), void *arg,
    struct fail *f)
{
	sqlite3_stmt *st = sql_bind(db, sql_each, f, "t", login);
	int got;

	while ((got = sql_step(st, f)) == 1) {
		const struct app_password p = {
		    .id = sql_int(st, 0),
		    .login = login,
		    .name = sql_text(st, 1),
		    .scopes = (unsigned)sql_int(st, 2),
		    .created_ms = sql_int(st, 3),
		    .used_ms = sql_int(st, 4),
		    .used_from = sql_text(st, 5),
		    .used_for = sql_text(st, 6),
		};

		if (!fn(arg, &p)) {
			sqlite3_reset(st);
			return 0;
		}
	}
	return got;
}

int
app_password_find(struct db *db, struct str login,
    const uint8_t hash[APP_PASSWORD_HASH_LEN], struct app_password *out,
    struct fail *f)
{
	sqlite3_stmt *st = sql_bind(db, sql_find, f, "tb", login, octets(hash));
	int got = sql_step(st, f);

	if (got != 1)
		return got;
	*out = (struct app_password){
	    .id = sql_int(st, 0),
	    .scopes = (unsigned)sql_int(st, 1),
	    .created_ms = sql_int(st, 2),
	    .used_ms = sql_int(st, 3),
	};
	sqlite3_reset(st);
	return 1;
}

static int64_t
hour_of(int64_t ms)
{
	return ms - ms % HOUR_MS;
}

bool
app_password_is_news(const struct app_password *p, int64_t now_ms)
{
	return p->used_ms < hour_of(now_ms);
}

int
app_password_used(struct db *db, int64_t id, int64_t now_ms, struct str from,
    struct str proto, struct fail *f)
{
	return sql_run(
	    db, sql_used, f, "iitt", id, hour_of(now_ms), from, proto);
}
