/* SPDX-License-Identifier: MIT */
/*
 * sql: a connection from the inside; only for the files of this directory
 * (and tests of them).
 *
 * Each statement is a static const char[] at the top of the file that runs
 * it.  It is prepared at its first use and then found by its address; values
 * are bound by position with letters that say their types:
 *	t struct str   i int64_t   b bytes (struct str)
 *	o struct str, NULL when it is empty   n NULL
 * Bound text is borrowed until the statement is bound again or reset.
 *
 *	sqlite3_stmt *st = sql_bind(db, sql_find, f, "it", id, name);
 *	int got = sql_step(st, f);
 */
#ifndef STORE_SQL_H
#define STORE_SQL_H

#include <sqlite3.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/store/db.h"
#include "common/store/lock.h"
#include "common/util/buf.h"

#define SQL_CACHE                                                              \
	512 /* statements a connection can hold: twice what we have            \
	     */

struct sql_prepared {
	const char *text;
	sqlite3_stmt *st;
};

struct db {
	sqlite3 *sqlite;
	struct gather *gather; /* of a writer's log, or NULL */
	char *dir;
	enum db_file file;
	enum db_mode mode;
	dev_t device; /* of the file, when it was opened */
	ino_t inode;
	struct lock *lock;       /* DB_WRITER only */
	bool locked;             /* we hold it */
	atomic_bool interrupted; /* no check may go on */
	bool unsound;            /* a COMMIT failed: docs/design.md s6 */
	bool routes_change;      /* by what is written now: route_mark.h */
	int64_t log_pages; /* in the write-ahead log after our last commit */
	int64_t
	    copied_pages; /* of them, into the file by our last checkpoint */
	struct ZSTD_DCtx_s
	    *unpacker;     /* of whole bodies and texts, when needed */
	struct db *search; /* DB_SEARCH reader, opened when first needed */
	bool searched;     /* that was tried, and not again by search_text() */
	struct buf
	    doomed; /* object names, NUL after each: unlinked after COMMIT */
	struct sql_prepared cache[SQL_CACHE];
};

/* The statement, reset and with every value bound; NULL with *f. */
sqlite3_stmt *sql_bind(
    struct db *db, const char *text, struct fail *f, const char *types, ...);

/* 1 a row, 0 no more (reset), -1 failed (reset).  NULL is -1 with *f as it is.
 */
int sql_step(sqlite3_stmt *st, struct fail *f);

/* Bind and run a statement that gives no rows. */
int sql_run(
    struct db *db, const char *text, struct fail *f, const char *types, ...);

/* Bind, and take the integer of the first row: 1, 0 (no row), -1. */
int sql_number(struct db *db, int64_t *out, const char *text, struct fail *f,
    const char *types, ...);

/* Rows changed by the statement just run. */
int64_t sql_changes(struct db *db);

/* A column's bytes, valid until the next step or reset. */
struct str sql_text(sqlite3_stmt *st, int column);
int64_t sql_int(sqlite3_stmt *st, int column);
char *sql_dup(sqlite3_stmt *st, int column); /* malloc'd; NULL for NULL */

/* Say why the last call on this connection failed.  Always -1. */
int sql_fail(sqlite3 *sqlite, struct fail *f);

/* Run text that is not worth keeping: pragmas, schema. */
int sql_exec(sqlite3 *sqlite, const char *text, struct fail *f);

/* Is a statement still stepping?  Nothing may be when a transaction ends. */
bool sql_is_busy(struct db *db);
void sql_forget_all(struct db *db); /* finalize every statement */

#endif
