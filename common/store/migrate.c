/* SPDX-License-Identifier: MIT */
#include "common/store/migrate.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "common/store/backup_place.h"
#include "common/store/db_copy.h"
#include "common/store/disk.h"
#include "common/store/sql.h"
#include "common/store/txn.h"
#include "common/util/mem.h"

#define ROOM_LEFT (4 * MB) /* for what the steps themselves write */

static const char sql_application[] = "PRAGMA application_id";
static const char sql_version[] = "PRAGMA user_version";
static const char sql_things[] = "SELECT count(*) FROM sqlite_schema";

/* "PPml", "PPau", "PPse", as file(1) would show them */
static const struct kind {
	const char *name;
	int64_t application;
	mode_t copy; /* mode of the copy kept; 0: none, it can be built again */
} kinds[] = {
    [DB_MAIL] = {"mail",   0x50506d6c, 0660},
    [DB_AUTH] = {"auth",   0x50506175, 0600},
    [DB_SEARCH] = {"search", 0x50507365, 0   },
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

static int
need_room(struct db *db, const char *path, struct fail *f)
{
	struct statvfs s;
	uint64_t octets, left;

	if (db_copy_size(db, &octets, f) == -1)
		return -1;
	if (statvfs(db->dir, &s) == -1)
		return fail(
		    f, FAIL_TEMP, "store: %s: %s", db->dir, strerror(errno));
	left = (uint64_t)s.f_bavail * s.f_frsize;
	if (left >= octets + ROOM_LEFT)
		return 0;
	return fail(f, FAIL_DISK,
	    "there is no room for %s, the copy kept before its schema is "
	    "changed: it takes %llu MB, %llu MB are free",
	    path, (unsigned long long)((octets + ROOM_LEFT) / MB + 1),
	    (unsigned long long)(left / MB));
}

/* On disk under its final name, or not at all. */
static int
settle_copy(struct db *db, const char *draft, const char *path, struct fail *f)
{
	int fd = open(draft, O_RDWR | O_CLOEXEC), rc = -1;

	if (fd == -1)
		return fail(
		    f, FAIL_TEMP, "store: %s: %s", draft, strerror(errno));
	if (disk_adopt(fd, db->dir, kinds[db->file].copy, f) == 0)
		rc = fsync(fd);
	if (close(fd) == -1 || rc == -1 || rename(draft, path) == -1)
		return fail(
		    f, FAIL_TEMP, "store: %s: %s", path, strerror(errno));
	return disk_sync_dir(db->dir, f);
}

/* What it was before, kept beside it until a person removes it: the state
 * stays while we hold the lock.  One that is there already is from a try that
 * failed, or from before the last one: since then the older program may have
 * taken mail. */
static int
keep_copy(struct db *db, int64_t version, struct fail *f)
{
	char name[DISK_NAME_MAX], *path, *draft;
	int rc;

	snprintf(name, sizeof(name), "%s.db.before-v%lld", kinds[db->file].name,
	    (long long)version);
	path = disk_path(db->dir, name);
	snprintf(name, sizeof(name), "%s.db.new-copy", kinds[db->file].name);
	draft = disk_path(db->dir, name);
	unlink(draft);
	rc = need_room(db, path, f);
	if (rc == 0)
		rc = db_copy(db, draft, NULL, NULL, f);
	if (rc == 0)
		rc = settle_copy(db, draft, path, f);
	if (rc == -1)
		unlink(draft);
	free(draft);
	free(path);
	return rc;
}

/* Before a file is made or changed. */
static int
prepare(struct db *db, const struct schema_step *steps, struct fail *f)
{
	int64_t version = 0;

	if (kinds[db->file].copy == 0)
		return 0;
	if (sql_number(db, &version, sql_version, f, "") != 1)
		return -1;
	if (version > 0)
		return keep_copy(db, latest(db, steps), f);
	return backup_place_may_open(db->dir, false, f);
}

int
migrate_run(struct db *db, const struct schema_step *steps, struct fail *f)
{
	if (prepare(db, steps, f) == -1 || txn_begin(db, f) == -1)
		return -1;
	if (apply(db, steps, f) == -1) {
		txn_rollback(db);
		return -1;
	}
	return txn_commit(db, f);
}
