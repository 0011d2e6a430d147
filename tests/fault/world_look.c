/* SPDX-License-Identifier: MIT */
#include "tests/fault/world.h"

/* FNV-1a, with two starts: nobody means harm here. */
struct hash {
	uint64_t a, b;
};

static void
hash_bytes(struct hash *hash, const void *at, size_t n)
{
	const unsigned char *p = at;

	for (size_t i = 0; i < n; i++) {
		hash->a = (hash->a ^ p[i]) * 0x100000001b3ULL;
		hash->b = (hash->b ^ p[i]) * 0x9e3779b97f4a7c15ULL;
		hash->b ^= hash->b >> 29;
	}
}

static void
hash_value(struct hash *hash, sqlite3_stmt *st, int column)
{
	int type = sqlite3_column_type(st, column);
	const void *at = sqlite3_column_blob(st, column);
	int n = sqlite3_column_bytes(st, column);

	hash_bytes(hash, &type, sizeof(type));
	hash_bytes(hash, &n, sizeof(n));
	if (n > 0)
		hash_bytes(hash, at, (size_t)n);
}

/* What cannot be read is like nothing that was ever there. */
static void
hash_damage(struct hash *hash, sqlite3 *sqlite)
{
	const char *what = sqlite3_errmsg(sqlite);

	hash_bytes(hash, "damaged: ", 9);
	hash_bytes(hash, what, strlen(what));
}

static void
hash_rows(struct hash *hash, sqlite3 *sqlite, const char *sql)
{
	sqlite3_stmt *st;
	int rc;

	if (sqlite3_prepare_v2(sqlite, sql, -1, &st, NULL) != SQLITE_OK) {
		hash_damage(hash, sqlite);
		return;
	}
	while ((rc = sqlite3_step(st)) == SQLITE_ROW)
		for (int i = 0; i < sqlite3_column_count(st); i++)
			hash_value(hash, st, i);
	if (rc != SQLITE_DONE)
		hash_damage(hash, sqlite);
	sqlite3_finalize(st);
}

/* Names of object files are random, and `proof' and `after' are about
 * writing, not mail. */
static const struct special {
	const char *table, *sql;
} specials[] = {
    {"body", "SELECT id, size, stored, codec, hash, file IS NULL, refs"
	     " FROM body ORDER BY id"},
    {"meta", "SELECT * FROM meta WHERE key NOT IN ('proof', 'after')"
	     " ORDER BY key"         },
};

static const char sql_tables[] =
    "SELECT name FROM sqlite_schema WHERE type = 'table'"
    " AND sql NOT LIKE 'CREATE VIRTUAL%' ORDER BY name";

static void
hash_table(struct hash *hash, sqlite3 *sqlite, const char *table)
{
	char sql[200];

	snprintf(sql, sizeof(sql), "SELECT * FROM \"%.80s\"", table);
	for (size_t i = 0; i < sizeof(specials) / sizeof(specials[0]); i++)
		if (strcmp(specials[i].table, table) == 0)
			snprintf(sql, sizeof(sql), "%s", specials[i].sql);
	hash_bytes(hash, table, strlen(table) + 1);
	hash_rows(hash, sqlite, sql);
}

static void
hash_all(struct hash *hash, sqlite3 *sqlite)
{
	sqlite3_stmt *st;

	ENSURE(
	    sqlite3_prepare_v2(sqlite, sql_tables, -1, &st, NULL) == SQLITE_OK);
	while (sqlite3_step(st) == SQLITE_ROW)
		hash_table(
		    hash, sqlite, (const char *)sqlite3_column_text(st, 0));
	sqlite3_finalize(st);
}

void
world_look(struct world *w, const struct act *act, struct world_state *s)
{
	struct hash hash = {1, 2};

	hash_all(&hash, w->x.db->sqlite);
	if (act->account) {
		struct fail f;
		struct db *auth = db_open(w->x.dir, DB_AUTH, DB_WRITER, &f);

		/* one that does not open is like no other */
		if (auth != NULL)
			hash_all(&hash, auth->sqlite);
		db_close(auth);
	}
	memcpy(s->digest, &hash, sizeof(s->digest));
}
