/* SPDX-License-Identifier: MIT */
#include "common/store/smarthost.h"

#include "common/store/sql.h"

static const char sql_put[] =
    "INSERT INTO smarthost (domain, host, port, tls, login, changed)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (domain) DO UPDATE SET"
    " host = ?2, port = ?3, tls = ?4, login = ?5, changed = ?6";
static const char sql_remove[] = "DELETE FROM smarthost WHERE domain = ?1";
static const char sql_list[] =
    "SELECT domain, host, port, tls, login FROM smarthost ORDER BY domain";
static const char sql_put_secret[] =
    "INSERT INTO smarthost_secret (domain, secret) VALUES (?1, ?2)"
    " ON CONFLICT (domain) DO UPDATE SET secret = ?2";
static const char sql_remove_secret[] =
    "DELETE FROM smarthost_secret WHERE domain = ?1";
static const char sql_get_secret[] =
    "SELECT secret FROM smarthost_secret WHERE domain = ?1";

int
smarthost_put(
    struct db *mail, const struct smarthost *s, int64_t now_ms, struct fail *f)
{
	return sql_run(mail, sql_put, f, "ttiioi", s->domain, s->host,
	    (int64_t)s->port, (int64_t)s->tls, s->login, now_ms);
}

int
smarthost_remove(struct db *mail, struct str domain, struct fail *f)
{
	if (sql_run(mail, sql_remove, f, "t", domain) == -1)
		return -1;
	return sql_changes(mail) > 0 ? 1 : 0;
}

/* What no program of ours writes asks for the most. */
static enum smarthost_tls
tls_of(int64_t number)
{
	if (number == SMARTHOST_TLS_MAY || number == SMARTHOST_TLS_INSIDE)
		return (enum smarthost_tls)number;
	return SMARTHOST_TLS_VERIFY;
}

int
smarthost_list(struct db *mail,
    void (*fn)(void *arg, const struct smarthost *s), void *arg, struct fail *f)
{
	sqlite3_stmt *st = sql_bind(mail, sql_list, f, "");
	int got;

	while ((got = sql_step(st, f)) == 1)
		fn(arg, &(struct smarthost){
			    .domain = sql_text(st, 0),
			    .host = sql_text(st, 1),
			    .port = (uint16_t)sql_int(st, 2),
			    .tls = tls_of(sql_int(st, 3)),
			    .login = sql_text(st, 4),
			});
	return got;
}

int
smarthost_secret_put(
    struct db *auth, struct str domain, struct str secret, struct fail *f)
{
	if (secret.len == 0)
		return sql_run(auth, sql_remove_secret, f, "t", domain);
	return sql_run(auth, sql_put_secret, f, "tt", domain, secret);
}

int
smarthost_secret_get(
    struct db *auth, struct str domain, struct buf *out, struct fail *f)
{
	sqlite3_stmt *st = sql_bind(auth, sql_get_secret, f, "t", domain);
	int got = sql_step(st, f);

	if (got != 1)
		return got;
	buf_add(out, sql_text(st, 0));
	sqlite3_reset(st);
	return 1;
}
