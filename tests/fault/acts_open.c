/* SPDX-License-Identifier: MIT */
/* Opening a store that is not there yet, or of an earlier version. */
#include "common/store/schema.h"
#include "tests/fault/acts_parts.h"

int
act_open(struct world *w, struct fail *f)
{
	return world_open(w, f);
}

static void
run(sqlite3 *sqlite, const char *sql)
{
	char *words = NULL;

	if (sqlite3_exec(sqlite, sql, NULL, NULL, &words) == SQLITE_OK)
		return;
	fprintf(stderr, "%.200s: %s\n", sql, words);
	exit(1);
}

/* The columns an old table has. */
static void
copy_table(sqlite3 *sqlite, const char *table)
{
	sqlite3_stmt *st;
	char columns[1500] = "", sql[4000];

	snprintf(sql, sizeof(sql),
	    "SELECT group_concat('\"' || name || '\"')"
	    " FROM pragma_table_info('%s', 'main')",
	    table);
	if (sqlite3_prepare_v2(sqlite, sql, -1, &st, NULL) == SQLITE_OK &&
	    sqlite3_step(st) == SQLITE_ROW)
		snprintf(columns, sizeof(columns), "%s",
		    (const char *)sqlite3_column_text(st, 0));
	sqlite3_finalize(st);
	snprintf(sql, sizeof(sql),
	    "INSERT INTO main.\"%s\" (%s) SELECT %s FROM new.\"%s\"", table,
	    columns, columns, table);
	run(sqlite, sql);
}

static void
copy_tables(sqlite3 *sqlite)
{
	sqlite3_stmt *st;

	if (sqlite3_prepare_v2(sqlite,
		"SELECT name FROM main.sqlite_schema WHERE type = 'table'"
		" AND name NOT LIKE 'sqlite_%'",
		-1, &st, NULL) != SQLITE_OK)
		exit(1);
	while (sqlite3_step(st) == SQLITE_ROW)
		copy_table(sqlite, (const char *)sqlite3_column_text(st, 0));
	sqlite3_finalize(st);
}

static const char *
first_schema(void)
{
	for (const struct schema_step *s = schema_steps; s->database != NULL;
	     s++)
		if (strcmp(s->database, "mail") == 0 && s->version == 1)
			return s->sql;
	exit(1);
}

/* The store of the first version with the mail of this one. */
void
act_prepare_old(struct world *w)
{
	char path[100], old[100], sql[300];
	sqlite3 *sqlite;

	world_close(w);
	snprintf(path, sizeof(path), "%s/mail.db", w->x.dir);
	snprintf(old, sizeof(old), "%s/old.db", w->x.dir);
	ENSURE(sqlite3_open(old, &sqlite) == SQLITE_OK);
	run(sqlite, "PRAGMA page_size = 4096;"
		    "PRAGMA auto_vacuum = INCREMENTAL;"
		    "PRAGMA journal_mode = WAL; BEGIN");
	run(sqlite, first_schema());
	run(sqlite, "PRAGMA application_id = 0x50506d6c;"
		    "PRAGMA user_version = 1; COMMIT");
	snprintf(sql, sizeof(sql), "ATTACH '%s' AS new", path);
	run(sqlite, sql);
	copy_tables(sqlite);
	run(sqlite, "DETACH new");
	ENSURE(sqlite3_close(sqlite) == SQLITE_OK);
	ENSURE(rename(old, path) == 0);
	snprintf(path, sizeof(path), "%s/mail.db-wal", w->x.dir);
	unlink(path);
}
