/* SPDX-License-Identifier: MIT */
#include "common/store/sts_policy.h"

#include "common/store/sql.h"

static const char sql_find[] =
    "SELECT id, text, fetched, expires, used FROM sts_policy"
    " WHERE domain = ?1 AND expires > ?2";
static const char sql_put[] = "INSERT OR REPLACE INTO sts_policy"
			      " (domain, id, text, fetched, expires, used)"
			      " VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
static const char sql_old[] =
    "SELECT domain FROM sts_policy WHERE fetched < ?1 AND used >= ?2"
    " ORDER BY expires LIMIT ?3";
static const char sql_sweep[] =
    "DELETE FROM sts_policy WHERE domain IN"
    " (SELECT domain FROM sts_policy WHERE expires <= ?1 LIMIT ?2)";

int
sts_policy_find(struct db *db, struct str domain, int64_t now_ms,
    struct sts_policy *out, struct buf *text, struct fail *f)
{
	sqlite3_stmt *st = sql_bind(db, sql_find, f, "ti", domain, now_ms);
	int got = sql_step(st, f);
	size_t id_len;

	buf_clear(text);
	if (got != 1)
		return got;
	id_len = sql_text(st, 0).len;
	buf_add(text, sql_text(st, 0));
	buf_add(text, sql_text(st, 1));
	*out = (struct sts_policy){
	    .domain = domain,
	    .id = str_first(buf_str(text), id_len),
	    .text = str_after(buf_str(text), id_len),
	    .fetched_ms = sql_int(st, 2),
	    .expires_ms = sql_int(st, 3),
	    .used_ms = sql_int(st, 4),
	};
	sqlite3_reset(st);
	return 1;
}

int
sts_policy_put(struct db *db, const struct sts_policy *p, struct fail *f)
{
	return sql_run(db, sql_put, f, "tttiii", p->domain, p->id, p->text,
	    p->fetched_ms, p->expires_ms, p->used_ms);
}

int
sts_policy_old(struct db *db, int64_t fetched_before_ms, int64_t used_since_ms,
    size_t max, struct buf *domains, struct fail *f)
{
	sqlite3_stmt *st = sql_bind(db, sql_old, f, "iii", fetched_before_ms,
	    used_since_ms, (int64_t)max);
	int got;

	while ((got = sql_step(st, f)) == 1) {
		buf_add(domains, sql_text(st, 0));
		buf_add_char(domains, '\0');
	}
	return got;
}

int
sts_policy_sweep(
    struct db *db, int64_t now_ms, size_t max, size_t *n, struct fail *f)
{
	*n = 0;
	if (sql_run(db, sql_sweep, f, "ii", now_ms, (int64_t)max) == -1)
		return -1;
	*n = (size_t)sql_changes(db);
	return 0;
}
