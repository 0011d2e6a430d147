/* SPDX-License-Identifier: MIT */
#include "common/store/attempt.h"

#include <assert.h>

#include "common/store/sql.h"

static const char sql_last[] =
    "SELECT coalesce(max(n), 0) FROM attempt WHERE trace = ?1";
static const char sql_put[] =
    "INSERT INTO attempt (trace, n, at, host, dialogue)"
    " VALUES (?1, ?2, ?3, ?4, ?5)";
static const char sql_forget[] =
    "DELETE FROM attempt WHERE trace = ?1 AND n <= ?2";
static const char sql_list[] =
    "SELECT at, host, dialogue FROM attempt WHERE trace = ?1 ORDER BY n";

/* The last lines that fit, whole ones if there are any. */
static struct str
newest(struct str dialogue)
{
	struct str end;
	size_t at;

	if (dialogue.len <= ATTEMPT_DIALOGUE_MAX)
		return dialogue;
	/* the octet before may be the end of a line */
	end = str_after(dialogue, dialogue.len - ATTEMPT_DIALOGUE_MAX - 1);
	if (str_find(end, '\n', &at) && at + 1 < end.len)
		return str_after(end, at + 1);
	end = str_after(end, 1);
	while (end.len > 0 && ((unsigned char)end.at[0] & 0xc0) == 0x80)
		end = str_after(end, 1);
	return end;
}

int
attempt_put(
    struct db *db, int64_t trace, const struct attempt_row *a, struct fail *f)
{
	int64_t last;

	assert(a->dialogue.len > 0);
	if (sql_number(db, &last, sql_last, f, "i", trace) == -1 ||
	    sql_run(db, sql_put, f, "iiitt", trace, last + 1, a->at_ms, a->host,
		newest(a->dialogue)) == -1)
		return -1;
	if (last < ATTEMPT_KEPT)
		return 0;
	return sql_run(db, sql_forget, f, "ii", trace, last + 1 - ATTEMPT_KEPT);
}

int
attempt_list(struct db *db, int64_t trace,
    void (*fn)(void *arg, const struct attempt_row *a), void *arg,
    struct fail *f)
{
	sqlite3_stmt *st = sql_bind(db, sql_list, f, "i", trace);
	int got;

	while ((got = sql_step(st, f)) == 1)
		fn(arg, &(struct attempt_row){.at_ms = sql_int(st, 0),
			    .host = sql_text(st, 1),
			    .dialogue = sql_text(st, 2)});
	return got;
}
