/* SPDX-License-Identifier: MIT */
#include "common/store/metadata.h"

#include <assert.h>

#include "common/store/sql.h"

static const char sql_each[] =
    "SELECT name, value FROM metadata WHERE account = ?1 AND mailbox = ?2"
    " ORDER BY name";
static const char sql_others[] =
    "SELECT count(*) FROM metadata WHERE account = ?1"
    " AND NOT (mailbox = ?2 AND name = ?3)";
static const char sql_set[] =
    "INSERT INTO metadata (account, mailbox, name, value)"
    " VALUES (?1, ?2, ?3, ?4)"
    " ON CONFLICT (account, mailbox, name) DO UPDATE SET value = ?4";
static const char sql_remove[] =
    "DELETE FROM metadata WHERE account = ?1 AND mailbox = ?2 AND name = ?3";

int
metadata_each(struct db *db, int64_t account, int64_t mailbox,
    void (*each)(void *arg, struct str name, struct str value), void *arg,
    struct fail *f)
{
	sqlite3_stmt *st = sql_bind(db, sql_each, f, "ii", account, mailbox);
	int got;

	while ((got = sql_step(st, f)) == 1)
		each(arg, sql_text(st, 0), sql_text(st, 1));
	return got;
}

int
metadata_set(struct db *db, int64_t account, int64_t mailbox, struct str name,
    const struct str *value, struct fail *f)
{
	int64_t others = 0;

	if (value == NULL)
		return sql_run(db, sql_remove, f, "iit", account, mailbox,
			   name) == 0
		           ? 1
		           : -1;
	assert(value->len <= METADATA_VALUE_MAX);
	if (sql_number(db, &others, sql_others, f, "iit", account, mailbox,
		name) == -1)
		return -1;
	if (others >= METADATA_ENTRIES_MAX)
		return 0;
	return sql_run(
		   db, sql_set, f, "iitb", account, mailbox, name, *value) == 0
	           ? 1
	           : -1;
}
