/* SPDX-License-Identifier: MIT */
#include "common/store/queue.h"

#include "common/store/sql.h"

static const char sql_pause[] =
    "INSERT INTO paused (domain, since, why) VALUES (?1, ?2, ?3)"
    " ON CONFLICT (domain) DO NOTHING";
static const char sql_unpause[] = "DELETE FROM paused WHERE domain = ?1";
static const char sql_paused[] =
    "SELECT domain, since, why FROM paused ORDER BY domain";

int
queue_pause(struct db *db, struct str domain, struct str why, int64_t now_ms,
    struct fail *f)
{
	if (sql_run(db, sql_pause, f, "tit", domain, now_ms, why) == -1)
		return -1;
	return sql_changes(db) > 0;
}

int
queue_unpause(struct db *db, struct str domain, struct fail *f)
{
	if (sql_run(db, sql_unpause, f, "t", domain) == -1)
		return -1;
	return sql_changes(db) > 0;
}

int
queue_paused(struct db *db,
    void (*fn)(void *arg, struct str domain, int64_t since_ms, struct str why),
    void *arg, struct fail *f)
{
	sqlite3_stmt *st = sql_bind(db, sql_paused, f, "");
	int got;

	while ((got = sql_step(st, f)) == 1)
		fn(arg, sql_text(st, 0), sql_int(st, 1), sql_text(st, 2));
	return got;
}
