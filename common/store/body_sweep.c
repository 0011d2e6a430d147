/* SPDX-License-Identifier: MIT */
#include <assert.h>

#include "common/store/body.h"
#include "common/store/object.h"
#include "common/store/sql.h"
#include "common/store/sweep_pause.h"
#include "common/util/mem.h"

/* The highest id stays, or max + 1 would give it again. */
static const char sql_dead[] =
    "SELECT id, file FROM body"
    " WHERE refs = 0 AND id < (SELECT max(id) FROM body)"
    " LIMIT ?1";
static const char sql_delete_data[] = "DELETE FROM body_data WHERE body = ?1";
static const char sql_delete_info[] = "DELETE FROM body_info WHERE body = ?1";
static const char sql_delete[] = "DELETE FROM body WHERE id = ?1";
static const char sql_free_pages[] = "PRAGMA freelist_count";
static const char sql_pages[] = "PRAGMA page_count";
static const char sql_vacuum[] = "PRAGMA incremental_vacuum(64)";
static const char sql_names[] =
    "SELECT 1 FROM body WHERE hash = ?1 AND file = ?2";

struct dead {
	int64_t *ids;
	size_t n;
};

/* Up to max dead bodies; their files are doomed. */
static int
gather(struct db *db, size_t max, struct dead *dead, struct fail *f)
{
	sqlite3_stmt *st = sql_bind(db, sql_dead, f, "i", (int64_t)max);
	int got;

	while ((got = sql_step(st, f)) == 1) {
		assert(dead->n < max);
		dead->ids[dead->n++] = sql_int(st, 0);
		if (sqlite3_column_type(st, 1) == SQLITE_NULL)
			continue;
		buf_add(&db->doomed, sql_text(st, 1));
		buf_add_char(&db->doomed, '\0');
	}
	return got;
}

/* Give pages back to the file system, when a good part of the file is free. */
static int
shrink(struct db *db, struct fail *f)
{
	sqlite3_stmt *st;
	int64_t unused = 0, pages = 0;
	int got;

	if (sql_number(db, &unused, sql_free_pages, f, "") == -1 ||
	    sql_number(db, &pages, sql_pages, f, "") == -1)
		return -1;
	if (unused < 1024 || unused < pages / 4)
		return 0;
	st = sql_bind(db, sql_vacuum, f, "");
	while ((got = sql_step(st, f)) == 1)
		continue;
	return got;
}

int
body_sweep(struct db *db, size_t max, size_t *n, struct fail *f)
{
	struct dead dead = {mem_new(max, sizeof(int64_t)), 0};
	int paused = sweep_pause_look(db->dir, f), rc = -1;

	*n = 0;
	if (paused != 0) {
		rc = paused == 1 ? 0 : -1;
		goto out;
	}
	if (gather(db, max, &dead, f) == -1)
		goto out;
	for (size_t i = 0; i < dead.n; i++)
		if (sql_run(db, sql_delete_data, f, "i", dead.ids[i]) == -1 ||
		    sql_run(db, sql_delete_info, f, "i", dead.ids[i]) == -1 ||
		    sql_run(db, sql_delete, f, "i", dead.ids[i]) == -1)
			goto out;
	if (dead.n > 0 && shrink(db, f) == -1)
		goto out;
	*n = dead.n;
	rc = 0;
out:
	free(dead.ids);
	return rc;
}

struct sweep {
	struct db *db;
	size_t n;
};

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The hash in "objects/xx/<64 hex digits>.<nonce>". */
static bool
hash_of(struct str name, unsigned char hash[32])
{
	size_t slash;

	if (!str_find_last(name, '/', &slash))
		return false;
	name = str_after(name, slash + 1);
	if (name.len < 65 || name.at[64] != '.')
		return false;
	for (size_t i = 0; i < 32; i++) {
		int high = hex_value(name.at[2 * i]);
		int low = hex_value(name.at[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		hash[i] = (unsigned char)(high << 4 | low);
	}
	return true;
}

/* 1: an orphan. */
static int
judge(void *arg, const char *name, struct fail *f)
{
	struct sweep *sweep = arg;
	unsigned char hash[32];
	int64_t one;
	int got = 0;

	if (hash_of(str_of(name), hash)) {
		got = sql_number(sweep->db, &one, sql_names, f, "bt",
		    (struct str){(char *)hash, sizeof(hash)}, str_of(name));
		if (got == -1)
			return -1;
	}
	if (got == 1)
		return 0;
	sweep->n++;
	return 1;
}

int
body_sweep_files(struct db *db, size_t *n, struct fail *f)
{
	struct sweep sweep = {db, 0};
	int rc = object_each(db->dir, judge, &sweep, f);

	*n = sweep.n;
	return rc;
}
