/* SPDX-License-Identifier: MIT */
#include "common/store/sql.h"

#include <assert.h>
#include <stdarg.h>

#include "common/util/mem.h"

int
sql_fail(sqlite3 *sqlite, struct fail *f)
{
	int code = sqlite3_extended_errcode(sqlite);

	if ((code & 0xff) == SQLITE_FULL)
		return fail(f, FAIL_DISK, "store: the disk is full");
	/* waiting makes no database of it */
	return fail(f, (code & 0xff) == SQLITE_NOTADB ? FAIL_PERM : FAIL_TEMP,
	    "store: %s (%d)", sqlite3_errmsg(sqlite), code);
}

int
sql_exec(sqlite3 *sqlite, const char *text, struct fail *f)
{
	if (sqlite3_exec(sqlite, text, NULL, NULL, NULL) != SQLITE_OK)
		return sql_fail(sqlite, f);
	return 0;
}

/* The statement from the cache, prepared if it is not there yet. */
static sqlite3_stmt *
find(struct db *db, const char *text, struct fail *f)
{
	size_t slot = ((uintptr_t)text >> 3) * 0x9e3779b1u % SQL_CACHE;

	for (size_t probes = 0; probes < SQL_CACHE; probes++) {
		struct sql_prepared
		    *p = &db->cache[(slot + probes) % SQL_CACHE];

		if (p->text == text)
			return p->st;
		if (p->text != NULL)
			continue;
		if (sqlite3_prepare_v3(db->sqlite, text, -1,
			SQLITE_PREPARE_PERSISTENT, &p->st, NULL) != SQLITE_OK) {
			sql_fail(db->sqlite, f);
			p->st = NULL;
			return NULL;
		}
		p->text = text;
		return p->st;
	}
	assert(!"SQL_CACHE is large enough");
	return NULL;
}

static int
bind_bytes(sqlite3_stmt *st, int at, char type, struct str s)
{
	const char *bytes = s.at != NULL ? s.at : "";

	if (type == 'o' && s.len == 0)
		return sqlite3_bind_null(st, at);
	if (type == 'b')
		return sqlite3_bind_blob64(st, at, bytes, s.len, SQLITE_STATIC);
	return sqlite3_bind_text64(
	    st, at, bytes, s.len, SQLITE_STATIC, SQLITE_UTF8);
}

static sqlite3_stmt *
bind_list(struct db *db, const char *text, struct fail *f, const char *types,
    va_list ap)
{
	sqlite3_stmt *st = find(db, text, f);
	int at = 0;

	if (st == NULL)
		return NULL;
	assert(!sqlite3_stmt_busy(st));
	/* a writer writes under the lock only; a reader's file refuses */
	assert(
	    db->locked || db->mode == DB_READER || sqlite3_stmt_readonly(st));
	for (; *types != '\0'; types++) {
		int rc = SQLITE_MISUSE;

		at++;
		if (*types == 'i')
			rc = sqlite3_bind_int64(st, at, va_arg(ap, int64_t));
		else if (*types == 'n')
			rc = sqlite3_bind_null(st, at);
		else if (*types == 't' || *types == 'o' || *types == 'b')
			rc = bind_bytes(st, at, *types, va_arg(ap, struct str));
		if (rc != SQLITE_OK) {
			/* too big or out of memory: never a wrong letter */
			assert(rc != SQLITE_MISUSE && rc != SQLITE_RANGE);
			sql_fail(db->sqlite, f);
			return NULL;
		}
	}
	assert(at == sqlite3_bind_parameter_count(st));
	return st;
}

sqlite3_stmt *
sql_bind(
    struct db *db, const char *text, struct fail *f, const char *types, ...)
{
	sqlite3_stmt *st;
	va_list ap;

	va_start(ap, types);
	st = bind_list(db, text, f, types, ap);
	va_end(ap);
	return st;
}

int
sql_step(sqlite3_stmt *st, struct fail *f)
{
	if (st == NULL)
		return -1;
	switch (sqlite3_step(st)) {
	case SQLITE_ROW:
		return 1;
	case SQLITE_DONE:
		sqlite3_reset(st);
		return 0;
	default:
		sql_fail(sqlite3_db_handle(st), f);
		sqlite3_reset(st);
		return -1;
	}
}

int
sql_run(struct db *db, const char *text, struct fail *f, const char *types, ...)
{
	sqlite3_stmt *st;
	va_list ap;
	int got;

	va_start(ap, types);
	st = bind_list(db, text, f, types, ap);
	va_end(ap);
	got = sql_step(st, f);
	assert(got != 1);
	return got;
}

int
sql_number(struct db *db, int64_t *out, const char *text, struct fail *f,
    const char *types, ...)
{
	sqlite3_stmt *st;
	va_list ap;
	int got;

	va_start(ap, types);
	st = bind_list(db, text, f, types, ap);
	va_end(ap);
	got = sql_step(st, f);
	if (got == 1) {
		*out = sqlite3_column_int64(st, 0);
		sqlite3_reset(st);
	}
	return got;
}

int64_t
sql_changes(struct db *db)
{
	return sqlite3_changes64(db->sqlite);
}

struct str
sql_text(sqlite3_stmt *st, int column)
{
	const char *at = sqlite3_column_blob(st, column);

	return (struct str){at, (size_t)sqlite3_column_bytes(st, column)};
}

int64_t
sql_int(sqlite3_stmt *st, int column)
{
	return sqlite3_column_int64(st, column);
}

char *
sql_dup(sqlite3_stmt *st, int column)
{
	if (sqlite3_column_type(st, column) == SQLITE_NULL)
		return NULL;
	return mem_dup(sql_text(st, column));
}

bool
sql_is_busy(struct db *db)
{
	for (size_t i = 0; i < SQL_CACHE; i++)
		if (db->cache[i].st != NULL &&
		    sqlite3_stmt_busy(db->cache[i].st))
			return true;
	return false;
}

void
sql_forget_all(struct db *db)
{
	for (size_t i = 0; i < SQL_CACHE; i++) {
		sqlite3_finalize(db->cache[i].st);
		db->cache[i] = (struct sql_prepared){0};
	}
}
