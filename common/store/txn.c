/* SPDX-License-Identifier: MIT */
#include "common/store/txn.h"

#include <assert.h>

#include "common/store/gather.h"
#include "common/store/object.h"
#include "common/store/sql.h"
#include "common/util/mem.h"

#define PAGE              4096
#define CHECKPOINT_IDLE   ((int64_t)(4 * MB))
#define CHECKPOINT_ALWAYS ((int64_t)(16 * MB))

static const char sql_begin[] = "BEGIN IMMEDIATE";
static const char sql_commit[] = "COMMIT";
static const char sql_rollback[] = "ROLLBACK";
static const char sql_savepoint[] = "SAVEPOINT job";
static const char sql_release[] = "RELEASE job";
static const char sql_undo[] = "ROLLBACK TO job";

/* Something that differs each time, so that the log's next frames differ from
 * whatever a failed COMMIT left there. */
static const char sql_prove[] =
    "INSERT INTO meta (key, value) VALUES ('proof', 1)"
    " ON CONFLICT (key) DO UPDATE SET value = value + 1";

int
txn_lock(struct db *db, struct fail *f)
{
	assert(db->mode == DB_WRITER && !db->locked);
	if (lock_take(db->lock, f) == -1)
		return -1;
	db->locked = true;
	return 0;
}

void
txn_unlock(struct db *db)
{
	assert(db->locked);
	/* none: the file could not be made, or opened */
	assert(db->sqlite == NULL || sqlite3_get_autocommit(db->sqlite));
	gather_forget(db->gather);
	db->locked = false;
	lock_give(db->lock);
}

/* What takes it back is prepared first: without memory it must go, too. */
static int
begin(struct db *db, struct fail *f)
{
	if (sql_bind(db, sql_rollback, f, "") == NULL)
		return -1;
	return sql_run(db, sql_begin, f, "");
}

int
txn_begin(struct db *db, struct fail *f)
{
	assert(db->locked && db->doomed.len == 0);
	if (db->unsound && txn_prove(db, f) == -1)
		return -1;
	return begin(db, f);
}

bool
txn_is_lost(const struct db *db)
{
	return sqlite3_get_autocommit(db->sqlite) != 0;
}

int
txn_run(struct db *db, db_work *work, void *arg, bool *left, struct fail *f)
{
	int64_t rows = sqlite3_total_changes64(db->sqlite);
	size_t doomed = db->doomed.len;
	int rc;

	assert(db->locked && !txn_is_lost(db));
	rc = work(db, arg, f);
	*left = rc == -1 && rows != sqlite3_total_changes64(db->sqlite);
	if (rc == -1)
		buf_cut(&db->doomed, doomed);
	return rc;
}

int
txn_try(struct db *db, db_work *work, void *arg, struct fail *f)
{
	size_t doomed = db->doomed.len;
	struct fail ignored;

	assert(db->locked && !txn_is_lost(db));
	if (sql_run(db, sql_savepoint, f, "") == -1)
		return -1;
	if (work(db, arg, f) == 0) {
		assert(!sql_is_busy(db));
		if (sql_run(db, sql_release, f, "") == 0)
			return 0;
	}
	buf_cut(&db->doomed, doomed);
	assert(!sql_is_busy(db));
	/* a savepoint that cannot be undone takes everything with it: the
	 * work reported failure and must leave nothing */
	if (!txn_is_lost(db) &&
	    (sql_run(db, sql_undo, &ignored, "") == -1 ||
		sql_run(db, sql_release, &ignored, "") == -1))
		txn_rollback(db);
	return -1;
}

/* Unlink the object files whose rows went with the transaction.  One that
 * stays behind is an orphan, which body_sweep_files() finds. */
static void
bury(struct db *db)
{
	struct str rest = buf_str(&db->doomed);

	while (rest.len > 0) {
		struct str name = str_cut(&rest, '\0');

		if (object_is_name(name.at))
			object_unlink(db->dir, name.at);
	}
	buf_clear(&db->doomed);
}

int
txn_commit(struct db *db, struct fail *f)
{
	assert(db->locked && !sql_is_busy(db));
	if (sql_run(db, sql_commit, f, "") == -1) {
		db->unsound = true;
		txn_rollback(db);
		return -1;
	}
	bury(db);
	return 0;
}

void
txn_rollback(struct db *db)
{
	struct fail ignored;

	assert(db->locked);
	buf_clear(&db->doomed);
	/* where the schema was changed it is prepared anew */
	if (!txn_is_lost(db) && sql_run(db, sql_rollback, &ignored, "") == -1 &&
	    sql_run(db, sql_rollback, &ignored, "") == -1)
		mem_gone("a transaction cannot be taken back");
	gather_forget(db->gather);
	assert(txn_is_lost(db));
}

bool
txn_is_sound(const struct db *db)
{
	return !db->unsound;
}

int
txn_prove(struct db *db, struct fail *f)
{
	assert(db->locked);
	if (begin(db, f) == -1)
		return -1;
	if (sql_run(db, sql_prove, f, "") == -1) {
		txn_rollback(db);
		return -1;
	}
	if (txn_commit(db, f) == -1)
		return -1;
	db->unsound = false;
	return 0;
}

int
txn_checkpoint(struct db *db, bool idle, struct fail *f)
{
	int64_t due = idle ? CHECKPOINT_IDLE : CHECKPOINT_ALWAYS;
	int in_log = 0, copied = 0;

	assert(db->locked && txn_is_lost(db));
	if (db->log_pages < db->copied_pages)
		db->copied_pages = 0; /* the log began anew */
	if ((db->log_pages - db->copied_pages) * PAGE < due)
		return 0;
	if (sqlite3_wal_checkpoint_v2(db->sqlite, NULL,
		SQLITE_CHECKPOINT_PASSIVE, &in_log, &copied) != SQLITE_OK)
		return sql_fail(db->sqlite, f);
	db->log_pages = in_log;
	db->copied_pages = copied;
	return 0;
}
