/* SPDX-License-Identifier: MIT */
#include "common/store/rules.h"

#include "common/store/sql.h"

#define WRITER  1
#define READER  2
#define MAIL    4 /* all but search.db, whose last commits may be lost */
#define SEARCH  8

#define WRITERS (WRITER | MAIL | SEARCH)
#define READERS (READER | MAIL | SEARCH)
#define ALL     (WRITERS | READERS)

static const struct rule {
	const char *set; /* NULL: of the file, set when it is made */
	const char *ask;
	const char *want;
	unsigned who;
} rules[] = {
    {"PRAGMA synchronous = FULL",            "PRAGMA synchronous",        "2",      ALL & ~SEARCH},
    {"PRAGMA synchronous = NORMAL",          "PRAGMA synchronous",        "1",      ALL & ~MAIL  },
    {"PRAGMA wal_autocheckpoint = 0",        "PRAGMA wal_autocheckpoint", "0",      ALL          },
    {"PRAGMA mmap_size = 0",                 "PRAGMA mmap_size",          "0",      ALL          },
    {"PRAGMA secure_delete = FAST",          "PRAGMA secure_delete",      "2",      WRITERS      },
    {"PRAGMA foreign_keys = ON",             "PRAGMA foreign_keys",       "1",      WRITERS      },
    {"PRAGMA temp_store = MEMORY",           "PRAGMA temp_store",         "2",      ALL          },
    {"PRAGMA trusted_schema = OFF",          "PRAGMA trusted_schema",     "0",      ALL          },
    {"PRAGMA cell_size_check = ON",          "PRAGMA cell_size_check",    "1",      ALL          },
    {"PRAGMA cache_size = -32768",           "PRAGMA cache_size",         "-32768", WRITERS      },
    {"PRAGMA cache_size = -8192",            "PRAGMA cache_size",         "-8192",  READERS      },
    {"PRAGMA journal_size_limit = 67108864", "PRAGMA journal_size_limit",
     "67108864",								    WRITERS      },
    {"PRAGMA query_only = ON",               "PRAGMA query_only",         "1",      READERS      },
    {NULL,				   "PRAGMA journal_mode",       "wal",    ALL          },
    {NULL,				   "PRAGMA page_size",          "4096",   ALL          },
    {NULL,				   "PRAGMA auto_vacuum",        "2",      ALL          },
};

/* Of a file that is still empty; the order matters to SQLite. */
static const char sql_make[] = "PRAGMA page_size = 4096;"
			       "PRAGMA auto_vacuum = INCREMENTAL;"
			       "PRAGMA journal_mode = WAL;";

static bool
is_for(const struct rule *r, const struct db *db)
{
	return (r->who & (db->mode == DB_WRITER ? WRITER : READER)) != 0 &&
	       (r->who & (db->file == DB_SEARCH ? SEARCH : MAIL)) != 0;
}

int
rules_set(struct db *db, bool make, struct fail *f)
{
	sqlite3 *sqlite = db->sqlite;

	/* a backstop only: the lock keeps writers apart */
	sqlite3_busy_timeout(sqlite, 5000);
	if (sqlite3_db_config(sqlite, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1,
		NULL) != SQLITE_OK ||
	    sqlite3_db_config(sqlite, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL) !=
		SQLITE_OK)
		return sql_fail(sqlite, f);
	if (make && sql_exec(sqlite, sql_make, f) == -1)
		return -1;
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (rules[i].set != NULL && is_for(&rules[i], db) &&
		    sql_exec(sqlite, rules[i].set, f) == -1)
			return -1;
	return 0;
}

static int
verify(sqlite3 *sqlite, const struct rule *r, struct fail *f)
{
	sqlite3_stmt *st;
	int rc = -1;

	if (sqlite3_prepare_v2(sqlite, r->ask, -1, &st, NULL) != SQLITE_OK)
		return sql_fail(sqlite, f);
	if (sqlite3_step(st) != SQLITE_ROW)
		sql_fail(sqlite, f);
	else if (!str_eq(sql_text(st, 0), str_of(r->want)))
		fail(f, FAIL_PERM, "store: %s is %.*s, must be %s", r->ask,
		    STR_FMT(sql_text(st, 0)), r->want);
	else
		rc = 0;
	sqlite3_finalize(st);
	return rc;
}

int
rules_verify(struct db *db, struct fail *f)
{
	int keeps = 0;

	if (sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, -1,
		&keeps) != SQLITE_OK)
		return sql_fail(db->sqlite, f);
	if (!keeps)
		return fail(f, FAIL_PERM, "store: NO_CKPT_ON_CLOSE is off");
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (is_for(&rules[i], db) &&
		    verify(db->sqlite, &rules[i], f) == -1)
			return -1;
	return 0;
}
