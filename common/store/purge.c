/* SPDX-License-Identifier: MIT */
#include "common/store/purge.h"

#include <stdlib.h>

#include "common/store/sql.h"
#include "common/util/mem.h"

/* In order of time, so reading stops at the first that is young enough. */
static const char sql_oldest[] =
    "SELECT j.trace, j.at, q.trace IS NOT NULL FROM journey j"
    " LEFT JOIN queue q ON q.trace = j.trace ORDER BY j.trace";
static const char sql_delete_hops[] = "DELETE FROM hop WHERE trace = ?1";
static const char sql_delete_verdict[] = "DELETE FROM verdict WHERE trace = ?1";
static const char sql_delete_attempts[] =
    "DELETE FROM attempt WHERE trace = ?1";
static const char sql_delete[] = "DELETE FROM journey WHERE trace = ?1";

static int
gather(struct db *db, int64_t before_ms, int64_t *traces, size_t max, size_t *n,
    struct fail *f)
{
	sqlite3_stmt *st = sql_bind(db, sql_oldest, f, "");
	int got = 1;

	while (*n < max && (got = sql_step(st, f)) == 1 &&
	       sql_int(st, 1) < before_ms)
		if (sql_int(st, 2) == 0)
			traces[(*n)++] = sql_int(st, 0);
	if (st != NULL)
		sqlite3_reset(st);
	return got == -1 ? -1 : 0;
}

static int
forget(struct db *db, int64_t trace, struct fail *f)
{
	if (sql_run(db, sql_delete_hops, f, "i", trace) == -1 ||
	    sql_run(db, sql_delete_verdict, f, "i", trace) == -1 ||
	    sql_run(db, sql_delete_attempts, f, "i", trace) == -1)
		return -1;
	return sql_run(db, sql_delete, f, "i", trace);
}

int
purge_journeys_before(
    struct db *db, int64_t before_ms, size_t max, size_t *n, struct fail *f)
{
	int64_t *traces = mem_new(max, sizeof(*traces));
	int rc;

	*n = 0;
	rc = gather(db, before_ms, traces, max, n, f);
	for (size_t i = 0; i < *n && rc == 0; i++)
		rc = forget(db, traces[i], f);
	free(traces);
	return rc;
}
