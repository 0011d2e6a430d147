/* SPDX-License-Identifier: MIT */
/*
 * The rule of docs/design.md s6, "The lock": forced here is the interleaving
 * in which SQLite 3.7.0 to 3.51.2 loses committed rows.
 *
 *	A: checkpoint: reads the log's header: M frames
 *	B:					  commits, which resets the log
 *	A: copies "M frames" of a log that has fewer, and notes M as copied
 *	B:					  commits: never copied
 *
 * Without the lock it must do its damage (or this test shows nothing); with
 * it, B waits until A is done.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "tests/fault/faulty_vfs.h"
#include "tests/unit/store/fixture.h"

#define ROWS 300 /* before and after; M is about as many frames */

static const char sql_table[] =
    "CREATE TABLE row (id INTEGER PRIMARY KEY, filler TEXT NOT NULL)";
static const char sql_row[] =
    "INSERT INTO row (filler) VALUES (hex(randomblob(600)))";

/* Is this version one of those with the defect? */
static bool
has_defect(void)
{
	int v = sqlite3_libversion_number();

	return v < 3051003 && !(v >= 3050007 && v < 3051000) &&
	       !(v >= 3044006 && v < 3045000);
}

static void
raw_rows(sqlite3 *raw, int n)
{
	for (int i = 0; i < n; i++)
		if (sqlite3_exec(raw, sql_row, NULL, NULL, NULL) != SQLITE_OK)
			fprintf(stderr, "raw: %s\n", sqlite3_errmsg(raw));
}

static void
raw_commit(void *arg)
{
	raw_rows(arg, 1);
}

static sqlite3 *
raw_open(const char *dir)
{
	char path[100];
	sqlite3 *raw;

	snprintf(path, sizeof(path), "%s/raw.db", dir);
	CHECK(sqlite3_open(path, &raw) == SQLITE_OK);
	CHECK(sqlite3_exec(raw,
		  "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0",
		  NULL, NULL, NULL) == SQLITE_OK);
	return raw;
}

static int64_t
raw_number(sqlite3 *raw, const char *sql)
{
	sqlite3_stmt *st;
	int64_t n = -1;

	if (sqlite3_prepare_v2(raw, sql, -1, &st, NULL) == SQLITE_OK &&
	    sqlite3_step(st) == SQLITE_ROW)
		n = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return n;
}

/* As SQLite does it by itself, without our lock. */
static void
without_the_lock(void)
{
	char dir[64];
	sqlite3 *a, *b, *later;
	int64_t rows;

	fixture_dir(dir);
	a = raw_open(dir);
	b = raw_open(dir);
	CHECK(sqlite3_exec(b, sql_table, NULL, NULL, NULL) == SQLITE_OK);
	CHECK(raw_number(a, "SELECT count(*) FROM row") == 0);
	raw_rows(b, ROWS);
	CHECK(sqlite3_wal_checkpoint_v2(
		  b, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL) == SQLITE_OK);
	faulty_on_checkpoint(raw_commit, b);
	sqlite3_wal_checkpoint_v2(
	    a, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	/* enough to fill the log beyond M, then a checkpoint and a new log */
	raw_rows(b, ROWS);
	sqlite3_wal_checkpoint_v2(
	    b, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	raw_rows(b, ROWS);
	sqlite3_close(a);
	sqlite3_close(b);
	later = raw_open(dir);
	rows = raw_number(later, "SELECT count(*) FROM row NOT INDEXED");
	if (has_defect())
		CHECK(rows != 3 * ROWS + 1 ||
		      raw_number(later,
			  "SELECT count(*) FROM pragma_integrity_check"
			  " WHERE integrity_check = 'ok'") != 1);
	else
		CHECK(rows == 3 * ROWS + 1);
	printf("SQLite %s without the lock: %lld of %d rows left\n",
	    sqlite3_libversion(), (long long)rows, 3 * ROWS + 1);
	sqlite3_close(later);
	fixture_remove_dir(dir);
}

static int
make_table(struct db *db, void *arg, struct fail *f)
{
	(void)arg;
	return sql_exec(db->sqlite, sql_table, f);
}

static int
add_row(struct db *db, void *arg, struct fail *f)
{
	(void)arg;
	return sql_exec(db->sqlite, sql_row, f);
}

struct second {
	struct db *db;
	atomic_int committed;
	bool forced;
	pthread_t thread;
};

static void *
commit_one(void *arg)
{
	struct second *b = arg;

	MUST(db_write(b->db, add_row, NULL, &why));
	atomic_fetch_add(&b->committed, 1);
	return NULL;
}

/* In the middle of A's checkpoint: B tries, and must be kept out. */
static void
try_commit(void *arg)
{
	struct second *b = arg;

	b->forced = true;
	CHECK(pthread_create(&b->thread, NULL, commit_one, b) == 0);
	nanosleep(&(struct timespec){0, 300000000}, NULL);
	CHECK(atomic_load(&b->committed) == 0);
}

static void
force_checkpoint(struct db *db)
{
	MUST(txn_lock(db, &why));
	db->log_pages = db->copied_pages + 100000;
	MUST(txn_checkpoint(db, true, &why));
	txn_unlock(db);
}

static void
with_the_lock(void)
{
	struct fixture x;
	struct second b = {0};
	struct fail f;

	fixture_init(&x);
	MUST(db_write(x.db, make_table, NULL, &why));
	b.db = db_open(x.dir, DB_MAIL, DB_WRITER, &f);
	CHECK(b.db != NULL);
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < ROWS; i++)
			MUST(db_write(b.db, add_row, NULL, &why));
		force_checkpoint(b.db);
		b.forced = false;
		faulty_on_checkpoint(try_commit, &b);
		force_checkpoint(x.db);
		CHECK(b.forced);
		pthread_join(b.thread, NULL);
		CHECK(atomic_exchange(&b.committed, 0) == 1);
	}
	for (int i = 0; i < ROWS; i++)
		MUST(db_write(b.db, add_row, NULL, &why));
	force_checkpoint(x.db);
	for (int i = 0; i < ROWS; i++)
		MUST(db_write(x.db, add_row, NULL, &why));
	db_close(b.db);
	db_close(x.db);
	fixture_open(&x);
	CHECK(fixture_number(&x, "SELECT count(*) FROM row NOT INDEXED") ==
	      5 * ROWS + 3);
	CHECK(fixture_is_clean(&x));
	fixture_release(&x);
}

int
main(void)
{
	faulty_install();
	without_the_lock();
	with_the_lock();
	return TEST_EXIT();
}
