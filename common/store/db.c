/* SPDX-License-Identifier: MIT */
#include "common/store/db.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include "common/store/backup_place.h"
#include "common/store/disk.h"
#include "common/store/gather.h"
#include "common/store/migrate.h"
#include "common/store/object.h"
#include "common/store/route_mark.h"
#include "common/store/rules.h"
#include "common/store/sql.h"
#include "common/store/txn.h"
#include "common/util/mem.h"

#define DOOMED_MAX (64 * MB) /* names of object files in one transaction */

static const char sql_begin[] = "BEGIN";
static const char sql_rollback[] = "ROLLBACK";

/* A sandbox (net/sandbox.h) knows files by their inodes, and search.db is made
 * anew while others run: its folder stays. */
static const struct file {
	const char *folder; /* in the store, or NULL */
	const char *name, *lock;
	mode_t mode;
} files[] = {
    [DB_MAIL] = {NULL,     "mail.db",   "lock",        0660},
 /* maild's alone */
    [DB_AUTH] = {NULL,     "auth.db",   "lock",        0600},
    [DB_SEARCH] = {"search", "search.db", "search.lock", 0660},
};

/* The folder that a file is in, malloc'd. */
static char *
folder_of(const char *dir, enum db_file file)
{
	return files[file].folder != NULL ? disk_path(dir, files[file].folder)
	                                  : mem_dup(str_of(dir));
}

static char *
path_of(const char *dir, enum db_file file)
{
	char *folder = folder_of(dir, file),
	     *path = disk_path(folder, files[file].name);

	free(folder);
	return path;
}

/* SQLite asks before each commit: refused unless we hold the lock. */
static int
refuse_commit(void *arg)
{
	const struct db *db = arg;

	return !db->locked;
}

/* SQLite tells how long the log is after each commit.  That this hook is
 * ours also means that SQLite's own, which checkpoints, is not there. */
static int
note_log(void *arg, sqlite3 *sqlite, const char *schema, int pages)
{
	struct db *db = arg;

	(void)sqlite;
	(void)schema;
	assert(gather_is_empty(db->gather)); /* the commit was synced */
	db->log_pages = pages;
	route_mark_committed(db);
	return SQLITE_OK;
}

static int
connect_file(struct db *db, struct fail *f)
{
	char *path = path_of(db->dir, db->file);
	struct stat st;
	int rc = 0;

	if (stat(path, &st) == -1)
		rc = fail(f, errno == ENOENT ? FAIL_PERM : FAIL_TEMP,
		    "store: %s: %s", path, strerror(errno));
	/* search.db does not sync its commits */
	else if (db->mode == DB_WRITER && db->file != DB_SEARCH &&
		 (db->gather = gather_new(f)) == NULL)
		rc = -1;
	else if (sqlite3_open_v2(path, &db->sqlite,
		     SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX |
			 SQLITE_OPEN_PRIVATECACHE,
		     gather_vfs(db->gather)) != SQLITE_OK)
		rc = fail(f, FAIL_TEMP, "store: %s: %s", path,
		    db->sqlite != NULL ? sqlite3_errmsg(db->sqlite)
				       : "out of memory");
	free(path);
	if (rc == -1)
		return -1;
	db->device = st.st_dev;
	db->inode = st.st_ino;
	sqlite3_extended_result_codes(db->sqlite, 1);
	sqlite3_commit_hook(db->sqlite, refuse_commit, db);
	return 0;
}

/* Set the rules, make or migrate the file, and see that all of it holds. */
static int
prepare(struct db *db, struct fail *f)
{
	enum migrate_state state = migrate_look(db, schema_steps, f);

	if (state == MIGRATE_FAILED || state == MIGRATE_FOREIGN)
		return -1;
	if (db->mode == DB_READER && state != MIGRATE_CURRENT)
		return fail(f, FAIL_PERM, "store: %s/%s has no current schema",
		    db->dir, files[db->file].name);
	if (rules_set(db, state == MIGRATE_EMPTY, f) == -1)
		return -1;
	sqlite3_wal_hook(db->sqlite, note_log, db);
	if (rules_verify(db, f) == -1)
		return -1;
	gather_set(db->gather, true);
	if (state == MIGRATE_CURRENT)
		return 0;
	return migrate_run(db, schema_steps, f);
}

/* The log goes last: without it the file might be taken for whole. */
static int
remove_file(const char *folder, const char *file, struct fail *f)
{
	static const char *const ends[] = {"", "-wal", "-shm"};
	int rc = 0;

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		char name[DISK_NAME_MAX], *path;

		snprintf(name, sizeof(name), "%s%s", file, ends[i]);
		path = disk_path(folder, name);
		if (unlink(path) == -1 && errno != ENOENT && rc == 0)
			rc = fail(f, FAIL_TEMP, "store: %s: %s", path,
			    strerror(errno));
		free(path);
	}
	return rc;
}

static int
make_file(struct db *db, struct fail *f)
{
	const struct file *file = &files[db->file];
	char *folder = folder_of(db->dir, db->file);
	struct fail ignored;
	int rc = 0;

	if (file->folder != NULL) {
		/* it was beside mail.db once */
		remove_file(db->dir, file->name, &ignored);
		rc = disk_make_dir(folder, f);
	}
	if (rc == 0 && db->file == DB_MAIL)
		rc = disk_make_file(folder, ROUTE_MARK_FILE, file->mode, f);
	if (rc == 0)
		rc = disk_make_file(folder, file->name, file->mode, f);
	free(folder);
	return rc;
}

static int
open_writer(struct db *db, struct fail *f)
{
	int rc = -1;

	if (disk_make_dir(db->dir, f) == -1 ||
	    (db->file == DB_MAIL &&
		backup_place_may_open(db->dir, true, f) == -1))
		return -1;
	db->lock = lock_new(db->dir, files[db->file].lock, f);
	if (db->lock == NULL || txn_lock(db, f) == -1)
		return -1;
	if ((db->file != DB_MAIL || object_make_folders(db->dir, f) == 0) &&
	    make_file(db, f) == 0 && connect_file(db, f) == 0)
		rc = prepare(db, f);
	txn_unlock(db);
	return rc;
}

struct db *
db_open(const char *dir, enum db_file file, enum db_mode mode, struct fail *f)
{
	struct db *db = MEM_NEW(struct db);
	int rc;

	db->dir = mem_dup(str_of(dir));
	db->file = file;
	db->mode = mode;
	buf_init(&db->doomed, DOOMED_MAX);
	if (mode == DB_WRITER)
		rc = open_writer(db, f);
	else
		rc = connect_file(db, f) == 0 ? prepare(db, f) : -1;
	if (rc == -1) {
		struct fail why = *f;

		/* SQLite does not say of which file it speaks */
		if (strstr(why.text, files[file].name) == NULL)
			fail(f, why.kind, "%s/%s: %s", dir, files[file].name,
			    why.text);
		db_close(db);
		return NULL;
	}
	return db;
}

void
db_close(struct db *db)
{
	if (db == NULL)
		return;
	assert(!db->locked);
	db_close(db->search);
	ZSTD_freeDCtx(db->unpacker);
	sql_forget_all(db);
	if (db->sqlite != NULL) {
		int rc = sqlite3_close(db->sqlite);

		assert(rc == SQLITE_OK);
	}
	gather_free(db->gather);
	lock_free(db->lock);
	buf_release(&db->doomed);
	free(db->dir);
	free(db);
}

bool
db_is_current(const struct db *db)
{
	char *path = path_of(db->dir, db->file);
	struct stat st;
	bool same = stat(path, &st) == 0 && st.st_dev == db->device &&
	            st.st_ino == db->inode;

	free(path);
	return same;
}

int
db_discard(const char *dir, enum db_file file, struct fail *f)
{
	char *folder = folder_of(dir, file);
	struct lock *lock;
	int rc = -1;

	assert(file == DB_SEARCH);
	lock = lock_new(dir, files[file].lock, f);
	if (lock == NULL || lock_take(lock, f) == -1)
		goto out;
	rc = remove_file(folder, files[file].name, f);
	lock_give(lock);
out:
	lock_free(lock);
	free(folder);
	return rc;
}

int
db_read(struct db *db, db_work *work, void *arg, struct fail *f)
{
	struct fail ignored;
	int rc;

	/* its end is prepared first: without memory it must come, too */
	if (sql_bind(db, sql_rollback, f, "") == NULL ||
	    sql_run(db, sql_begin, f, "") == -1)
		return -1;
	rc = work(db, arg, f);
	assert(!sql_is_busy(db));
	if (!txn_is_lost(db))
		sql_run(db, sql_rollback, &ignored, "");
	return rc;
}

int
db_write(struct db *db, db_work *work, void *arg, struct fail *f)
{
	struct fail ignored;
	int rc = -1;

	if (txn_lock(db, f) == -1)
		return -1;
	if (txn_begin(db, f) == -1)
		goto out;
	if (work(db, arg, f) == -1) {
		txn_rollback(db);
		goto out;
	}
	if (txn_is_lost(db)) {
		fail(f, FAIL_TEMP, "store: the disk undid the transaction");
		goto out;
	}
	if (txn_commit(db, f) == -1)
		goto out;
	rc = 0;
	/* committed is committed: the next one tries the checkpoint again */
	txn_checkpoint(db, true, &ignored);
out:
	txn_unlock(db);
	return rc;
}

const char *
db_dir(const struct db *db)
{
	return db->dir;
}
