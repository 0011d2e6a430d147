/* SPDX-License-Identifier: MIT */
/* queue_late: who waits longer than was meant. */
#include "common/store/queue.h"
#include "common/store/sql.h"

static const char sql_told[] =
    "SELECT told FROM recipient WHERE trace = ?1 AND n = ?2";

/* dsn_wanted(): 0 is what was not said, 8 DSN_NOTIFY_DELAY.  Who has not said
 * it is told of what one of our own people sent. */
#define UNTOLD                                                                 \
	" WHERE trace = ?1 AND domain = ?2 AND state = 0 AND told = 0"         \
	" AND (notify & 8 OR (notify = 0 AND EXISTS (SELECT 1 FROM queue q"    \
	" WHERE q.trace = ?1 AND q.account IS NOT NULL)))"
static const char sql_untold[] = "SELECT count(*) FROM recipient" UNTOLD;
static const char sql_tell_all[] = "UPDATE recipient SET told = 1" UNTOLD;

static const char sql_nearer[] =
    "UPDATE recipient SET next_at = ?1 + abs(random() % (?2 + 1))"
    " WHERE state = 0 AND next_at > ?1 + ?2 + ?2 / 10"
    " AND next_at > (SELECT q.hold_until FROM queue q"
    " WHERE q.trace = recipient.trace)";

int
queue_is_told(struct db *db, int64_t trace, int n, struct fail *f)
{
	int64_t told = 0;
	int got = sql_number(db, &told, sql_told, f, "ii", trace, (int64_t)n);

	return got == -1 ? -1 : told != 0;
}

int
queue_untold(
    struct db *db, int64_t trace, struct str domain, size_t *n, struct fail *f)
{
	int64_t count = 0;
	int got = sql_number(db, &count, sql_untold, f, "it", trace, domain);

	*n = (size_t)count;
	return got == -1 ? -1 : 0;
}

int
queue_tell_all(
    struct db *db, int64_t trace, struct str domain, size_t *n, struct fail *f)
{
	if (sql_run(db, sql_tell_all, f, "it", trace, domain) == -1)
		return -1;
	*n = (size_t)sql_changes(db);
	return 0;
}

int
queue_bring_nearer(
    struct db *db, int64_t now_ms, int64_t most_ms, size_t *n, struct fail *f)
{
	if (sql_run(db, sql_nearer, f, "ii", now_ms, most_ms) == -1)
		return -1;
	*n = (size_t)sql_changes(db);
	return 0;
}
