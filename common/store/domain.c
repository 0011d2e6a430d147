/* SPDX-License-Identifier: MIT */
#include "common/store/account.h"
#include "common/store/route_mark.h"
#include "common/store/sql.h"

static const char sql_add[] =
    "INSERT INTO domain (name, created) VALUES (?1, ?2)";
static const char sql_find[] = "SELECT id FROM domain WHERE name = ?1";
static const char sql_used[] = "SELECT count(*) FROM address"
			       " WHERE domain = ?1 AND account IS NOT NULL";
static const char sql_remove[] = "DELETE FROM domain WHERE id = ?1";
static const char sql_each[] = "SELECT name FROM domain ORDER BY name";

int
domain_add(struct db *db, struct str name, int64_t now_ms, struct fail *f)
{
	int got = domain_find(db, name, f);

	if (got == 1)
		return fail(f, FAIL_PERM, "%.*s is a domain of ours already",
		    STR_FMT(name));
	if (got == -1)
		return -1;
	if (name.len == 0 || name.len > 253) /* RFC 1035 s2.3.4 */
		return fail(
		    f, FAIL_PERM, "\"%.*s\" is no domain name", STR_FMT(name));
	if (route_mark_change(db, f) == -1)
		return -1;
	return sql_run(db, sql_add, f, "ti", name, now_ms);
}

int
domain_remove(struct db *db, struct str name, struct fail *f)
{
	int64_t id = 0, used = 0;
	int got = sql_number(db, &id, sql_find, f, "t", name);

	if (got == 0)
		return fail(f, FAIL_PERM, "%.*s is not a domain of ours",
		    STR_FMT(name));
	if (got == -1 || sql_number(db, &used, sql_used, f, "i", id) == -1)
		return -1;
	if (used > 0)
		return fail(f, FAIL_PERM,
		    "%.*s still has %lld accounts; remove them first",
		    STR_FMT(name), (long long)used);
	if (route_mark_change(db, f) == -1)
		return -1;
	return sql_run(db, sql_remove, f, "i", id);
}

int
domain_find(struct db *db, struct str name, struct fail *f)
{
	int64_t id;

	return sql_number(db, &id, sql_find, f, "t", name);
}

int
domain_each(struct db *db, bool (*each)(void *arg, struct str name), void *arg,
    struct fail *f)
{
	sqlite3_stmt *st = sql_bind(db, sql_each, f, "");
	int got;

	while ((got = sql_step(st, f)) == 1)
		if (!each(arg, sql_text(st, 0))) {
			sqlite3_reset(st);
			return 0;
		}
	return got;
}
