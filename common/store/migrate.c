/* SPDX-License-Identifier: MIT */
#include "common/store/migrate.h"

#include <assert.h>

#include "common/store/sql.h"
#include "common/store/txn.h"

static const char sql_application[] = "PRAGMA application_id";
static const char sql_version[] = "PRAGMA user_version";
static const char sql_things[] = "SELECT count(*) FROM sqlite_schema";

/* "PPml", "PPau", "PPse", as file(1) would show them */
static const struct kind {
	const char *name;
	int64_t application;
} kinds[] = {
    [DB_MAIL] = {"mail",   0x50506d6c},
    [DB_AUTH] = {"auth",   0x50506175},
    [DB_SEARCH] = {"search", 0x50507365},
};

static int64_t
latest(const struct db *db, const struct schema_step *steps)
{
	int64_t version = 0;

	for (; steps->database != NULL; steps++)
		if (str_eq(str_of(steps->database),
			str_of(kinds[db->file].name)) &&
		    steps->version > version)
			version = steps->version;
	return version;
}

enum migrate_state
migrate_look(struct db *db, const struct schema_step *steps, struct fail *f)
{
	int64_t application = 0, version = 0, things = 0;
	const char *name = kinds[db->file].name;

	if (sql_number(db, &application, sql_application, f, "") != 1 ||
	    sql_number(db, &version, sql_version, f, "") != 1 ||
	    sql_number(db, &things, sql_things, f, "") != 1)
		return MIGRATE_FAILED;
	if (application == 0 && version == 0 && things == 0)
		return MIGRATE_EMPTY;
	if (application != kinds[db->file].application) {
		fail(f, FAIL_PERM,
		    "%s/%s.db is a database, but not Penny Post's %s.db",
		    db->dir, name, name);
		return MIGRATE_FOREIGN;
	}
	if (version > latest(db, steps)) {
		fail(f, FAIL_PERM,
		    "%s/%s.db was made by a newer version (schema %lld, this "
		    "program knows %lld)",
		    db->dir, name, (long long)version,
		    (long long)latest(db, steps));
		return MIGRATE_FOREIGN;
	}
	return version == latest(db, steps) ? MIGRATE_CURRENT : MIGRATE_OLDER;
}

/* Pragmas take no bound values. */
static int
set_pragma(struct db *db, const char *pragma, int64_t value, struct fail *f)
{
	char text[64];

	snprintf(text, sizeof(text), "%s = %lld", pragma, (long long)value);
	return sql_exec(db->sqlite, text, f);
}

static int
apply(struct db *db, const struct schema_step *steps, struct fail *f)
{
	const struct kind *kind = &kinds[db->file];
	int64_t version = 0;

	if (sql_number(db, &version, sql_version, f, "") != 1)
		return -1;
	for (; steps->database != NULL; steps++) {
		if (!str_eq(str_of(steps->database), str_of(kind->name)) ||
		    steps->version <= version)
			continue;
		assert(steps->version == version + 1);
		if (sql_exec(db->sqlite, steps->sql, f) == -1)
			return -1;
		version = steps->version;
	}
	if (set_pragma(db, sql_application, kind->application, f) == -1)
		return -1;
	return set_pragma(db, sql_version, version, f);
}

int
migrate_run(struct db *db, const struct schema_step *steps, struct fail *f)
{
	if (txn_begin(db, f) == -1)
		return -1;
	if (apply(db, steps, f) == -1) {
		txn_rollback(db);
		return -1;
	}
	return txn_commit(db, f);
}
