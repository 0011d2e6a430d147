/* SPDX-License-Identifier: MIT */
#include "common/store/signing_key.h"

#include "common/store/sql.h"

static const char sql_domain[] = "SELECT id FROM domain WHERE name = ?1";
static const char sql_has[] = "SELECT 1 FROM signing_key"
			      " WHERE domain = ?1 AND selector = ?2";
static const char sql_add[] =
    "INSERT INTO signing_key"
    " (domain, selector, algorithm, record, state, created, changed)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
static const char sql_set_state[] =
    "UPDATE signing_key SET state = ?3, changed = ?4"
    " WHERE selector = ?2"
    " AND domain = (SELECT id FROM domain WHERE name = ?1)";
static const char sql_remove[] =
    "DELETE FROM signing_key WHERE selector = ?2"
    " AND domain = (SELECT id FROM domain WHERE name = ?1)";
static const char sql_of_domain[] =
    "SELECT d.name, k.selector, k.algorithm, k.state, k.created, k.changed,"
    " k.record FROM signing_key k JOIN domain d ON d.id = k.domain"
    " WHERE d.name = ?1 ORDER BY k.selector";
static const char sql_all[] =
    "SELECT d.name, k.selector, k.algorithm, k.state, k.created, k.changed,"
    " k.record FROM signing_key k JOIN domain d ON d.id = k.domain"
    " ORDER BY d.name, k.selector";
static const char sql_put_secret[] =
    "INSERT INTO signing_secret (domain, selector, secret) VALUES (?1, ?2, ?3)"
    " ON CONFLICT (domain, selector) DO UPDATE SET secret = ?3";
static const char sql_remove_secret[] =
    "DELETE FROM signing_secret"
    " WHERE domain = ?1 AND (?2 = '' OR selector = ?2)";
static const char sql_secret[] =
    "SELECT secret FROM signing_secret WHERE domain = ?1 AND selector = ?2";

/* ---- mail.db ---- */

int
signing_key_add(struct db *db, const struct signing_key *k, struct fail *f)
{
	struct str domain = str_of(k->domain), selector = str_of(k->selector);
	int64_t id, one;
	int got = sql_number(db, &id, sql_domain, f, "t", domain);

	if (got == 0)
		return fail(
		    f, FAIL_PERM, "%s is not a domain of ours", k->domain);
	if (got == -1)
		return -1;
	got = sql_number(db, &one, sql_has, f, "it", id, selector);
	if (got == 1)
		return fail(f, FAIL_PERM, "%s has a key %s already", k->domain,
		    k->selector);
	if (got == -1)
		return -1;
	return sql_run(db, sql_add, f, "ititiii", id, selector,
	    (int64_t)k->algorithm, k->record, (int64_t)k->state, k->created_ms,
	    k->changed_ms);
}

static int
fail_no_key(struct str domain, struct str selector, struct fail *f)
{
	return fail(f, FAIL_PERM, "%.*s has no key %.*s", STR_FMT(domain),
	    STR_FMT(selector));
}

int
signing_key_set_state(struct db *db, struct str domain, struct str selector,
    enum signing_key_state state, int64_t now_ms, struct fail *f)
{
	if (sql_run(db, sql_set_state, f, "ttii", domain, selector,
		(int64_t)state, now_ms) == -1)
		return -1;
	return sql_changes(db) > 0 ? 0 : fail_no_key(domain, selector, f);
}

int
signing_key_remove(
    struct db *db, struct str domain, struct str selector, struct fail *f)
{
	if (sql_run(db, sql_remove, f, "tt", domain, selector) == -1)
		return -1;
	return sql_changes(db) > 0 ? 0 : fail_no_key(domain, selector, f);
}

int
signing_key_each(struct db *db, struct str domain,
    bool (*fn)(void *arg, const struct signing_key *k), void *arg,
    struct fail *f)
{
	sqlite3_stmt *st = domain.len > 0
	                       ? sql_bind(db, sql_of_domain, f, "t", domain)
	                       : sql_bind(db, sql_all, f, "");
	struct signing_key k;
	int got;

	while ((got = sql_step(st, f)) == 1) {
		snprintf(k.domain, sizeof(k.domain), "%.*s",
		    STR_FMT(sql_text(st, 0)));
		snprintf(k.selector, sizeof(k.selector), "%.*s",
		    STR_FMT(sql_text(st, 1)));
		k.algorithm = (int)sql_int(st, 2);
		k.state = (enum signing_key_state)sql_int(st, 3);
		k.created_ms = sql_int(st, 4);
		k.changed_ms = sql_int(st, 5);
		k.record = sql_text(st, 6);
		if (!fn(arg, &k)) {
			sqlite3_reset(st);
			return 0;
		}
	}
	return got;
}

/* ---- auth.db ---- */

int
signing_secret_put(struct db *db, struct str domain, struct str selector,
    struct str secret, struct fail *f)
{
	return sql_run(db, sql_put_secret, f, "ttb", domain, selector, secret);
}

int
signing_secret_remove(
    struct db *db, struct str domain, struct str selector, struct fail *f)
{
	return sql_run(db, sql_remove_secret, f, "tt", domain, selector);
}

int
signing_secret_get(struct db *db, struct str domain, struct str selector,
    struct buf *out, struct fail *f)
{
	sqlite3_stmt *st = sql_bind(db, sql_secret, f, "tt", domain, selector);
	int got = sql_step(st, f);
	struct str secret;

	if (got != 1)
		return got;
	secret = sql_text(st, 0);
	/* at once: growing would leave pieces of it behind */
	if (buf_reserve(out, secret.len) == NULL)
		got = fail(f, FAIL_TEMP, "store: a key is too long");
	else
		buf_add(out, secret);
	sqlite3_reset(st);
	return got;
}
