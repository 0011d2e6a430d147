/* SPDX-License-Identifier: MIT */
#include "common/mime/addr.h"
#include "common/store/account.h"
#include "common/store/route.h"
#include "common/store/route_mark.h"
#include "common/store/sql.h"

static const char sql_domain[] = "SELECT id FROM domain WHERE name = ?1";
static const char sql_is_account[] =
    "SELECT 1 FROM address"
    " WHERE domain = ?1 AND local = ?2 AND account IS NOT NULL";
static const char sql_has[] =
    "SELECT 1 FROM address"
    " WHERE domain = ?1 AND local = ?2 AND forward = ?3";
static const char sql_add[] =
    "INSERT INTO address (domain, local, n, forward)"
    " SELECT ?1, ?2, (SELECT coalesce(max(n) + 1, 0) FROM address"
    " WHERE domain = ?1 AND local = ?2), ?3";
static const char sql_remove[] =
    "DELETE FROM address WHERE domain = ?1 AND local = ?2"
    " AND forward IS NOT NULL AND (?3 IS NULL OR forward IN (?3, ?4))";
static const char sql_each[] =
    "SELECT a.local || '@' || d.name, a.forward"
    " FROM address a JOIN domain d ON d.id = a.domain"
    " WHERE a.forward IS NOT NULL ORDER BY d.name, a.local, a.n";

/* The alias's local part ('' for "@domain", the catch-all) and domain. */
static int
place(struct db *db, struct str alias, struct str *local, int64_t *domain,
    struct fail *f)
{
	struct str name;
	int got;

	if (str_starts(alias, STR("@"))) {
		*local = STR("");
		name = str_after(alias, 1);
	} else if (!addr_split(alias, local, &name) || local->len == 0) {
		return fail(f, FAIL_PERM, "%.*s is no address", STR_FMT(alias));
	}
	if (local->len > 64 || name.len > 253)
		return fail(f, FAIL_PERM, "%.*s is too long", STR_FMT(alias));
	got = sql_number(db, domain, sql_domain, f, "t", name);
	if (got == 0)
		return fail(f, FAIL_PERM, "%.*s is not a domain of ours",
		    STR_FMT(name));
	return got == 1 ? 0 : -1;
}

/* A target as it is kept: of ours the local part is folded, elsewhere it is
 * not for us to change (RFC 5321 s2.4).  1 ours, 0 not, -1. */
static int
keep_target(struct db *db, struct str target, struct buf *out, struct fail *f)
{
	struct str local, domain;
	int64_t id;
	int got = 0;

	if (addr_split(target, &local, &domain))
		got = sql_number(db, &id, sql_domain, f, "t", domain);
	if (got == 1 && addr_fold(target, out))
		return 1;
	buf_add(out, target);
	return got == -1 ? -1 : 0;
}

static int
check_target(struct str target, struct fail *f)
{
	struct str local, domain;

	if (!addr_split(target, &local, &domain) || local.len == 0 ||
	    domain.len == 0)
		return fail(
		    f, FAIL_PERM, "%.*s is no address", STR_FMT(target));
	if (target.len >= sizeof(((struct route_target *)0)->address))
		return fail(f, FAIL_PERM, "%.*s is too long", STR_FMT(target));
	return 0;
}

/* With the alias in place: does mail for address arrive somewhere? */
static int
check_route(struct db *db, struct str address, struct str alias, struct fail *f)
{
	struct route_options o = {0};
	struct route r;
	enum route_result result;

	if (route_find(db, address, &o, &r, f) == -1)
		return -1;
	result = r.result;
	route_release(&r);
	if (result == ROUTE_UNKNOWN)
		return fail(f, FAIL_PERM, "there is no %.*s here to deliver to",
		    STR_FMT(address));
	if (result == ROUTE_LOOP)
		return fail(f, FAIL_PERM,
		    "%.*s would lead back to itself, or to more than %d "
		    "addresses",
		    STR_FMT(alias), ROUTE_TARGETS_MAX);
	return 0;
}

static int
add(struct db *db, struct str alias, struct str target, struct fail *f)
{
	struct str local;
	int64_t domain = 0, one;
	int got;

	if (place(db, alias, &local, &domain, f) == -1 ||
	    check_target(target, f) == -1)
		return -1;
	got = sql_number(db, &one, sql_is_account, f, "it", domain, local);
	if (got == 1)
		return fail(f, FAIL_PERM,
		    "%.*s is an account; an alias needs another name",
		    STR_FMT(alias));
	if (got == -1)
		return -1;
	got = sql_number(db, &one, sql_has, f, "itt", domain, local, target);
	if (got == 1)
		return fail(f, FAIL_PERM, "%.*s goes to %.*s already",
		    STR_FMT(alias), STR_FMT(target));
	if (got == -1 || route_mark_change(db, f) == -1 ||
	    sql_run(db, sql_add, f, "itt", domain, local, target) == -1)
		return -1;
	/* what is wrong now is undone by the caller's transaction */
	if (check_route(db, target, alias, f) == -1)
		return -1;
	return local.len > 0 ? check_route(db, alias, alias, f) : 0;
}

int
alias_add(struct db *db, struct str alias, struct str target, struct fail *f)
{
	struct buf kept;
	int rc;

	buf_init(&kept, target.len + ADDR_MAX);
	rc = keep_target(db, target, &kept, f);
	if (rc != -1)
		rc = add(db, alias, buf_str(&kept), f);
	buf_release(&kept);
	return rc;
}

int
alias_remove(struct db *db, struct str alias, struct str target, struct fail *f)
{
	struct buf kept;
	struct str local;
	int64_t domain = 0;
	int rc;

	buf_init(&kept, target.len + ADDR_MAX);
	/* as given too: its domain may have become ours since it was added */
	rc = place(db, alias, &local, &domain, f);
	if (rc == 0)
		rc = keep_target(db, target, &kept, f);
	if (rc != -1)
		rc = route_mark_change(db, f);
	if (rc == 0)
		rc = sql_run(db, sql_remove, f, "itoo", domain, local, target,
		    buf_str(&kept));
	buf_release(&kept);
	if (rc == -1)
		return -1;
	if (sql_changes(db) > 0)
		return 0;
	if (target.len > 0)
		return fail(f, FAIL_PERM, "%.*s does not go to %.*s",
		    STR_FMT(alias), STR_FMT(target));
	return fail(f, FAIL_PERM, "there is no alias %.*s", STR_FMT(alias));
}

int
alias_each(struct db *db,
    bool (*each)(void *arg, struct str alias, struct str target), void *arg,
    struct fail *f)
{
	sqlite3_stmt *st = sql_bind(db, sql_each, f, "");
	int got;

	while ((got = sql_step(st, f)) == 1)
		if (!each(arg, sql_text(st, 0), sql_text(st, 1))) {
			sqlite3_reset(st);
			return 0;
		}
	return got;
}
