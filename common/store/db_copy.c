/* SPDX-License-Identifier: MIT */
#include "common/store/db_copy.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "common/store/sql.h"

#define STEP_PAGES                                                             \
	256 /* 1 MB: some milliseconds, between which others read              \
	     */

static const char sql_pages[] = "PRAGMA page_count";
static const char sql_page_size[] = "PRAGMA page_size";

/* If it is lost, all of it is made anew: no journal, and the caller syncs. */
static const char sql_plain[] = "PRAGMA journal_mode = OFF;"
				"PRAGMA synchronous = OFF;"
				"PRAGMA mmap_size = 0;";

int
db_copy_size(struct db *src, uint64_t *octets, struct fail *f)
{
	int64_t pages = 0, size = 0;

	if (sql_number(src, &pages, sql_pages, f, "") == -1 ||
	    sql_number(src, &size, sql_page_size, f, "") == -1)
		return -1;
	*octets = (uint64_t)pages * (uint64_t)size;
	return 0;
}

/* By us, so that its mode is right from the beginning. */
static int
make_file(const char *path, struct fail *f)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd == -1)
		return fail(f, errno == ENOSPC ? FAIL_DISK : FAIL_TEMP,
		    "%s: %s", path, strerror(errno));
	close(fd);
	return 0;
}

static int
open_copy(const char *path, sqlite3 **out, struct fail *f)
{
	if (sqlite3_open_v2(path, out,
		SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX |
		    SQLITE_OPEN_PRIVATECACHE,
		NULL) != SQLITE_OK)
		return *out != NULL
		           ? sql_fail(*out, f)
		           : fail(f, FAIL_TEMP, "%s: out of memory", path);
	return sql_exec(*out, sql_plain, f);
}

static int
copy_pages(sqlite3_backup *b, const char *path, uint64_t size,
    db_copy_step *step, void *arg, struct fail *f)
{
	int rc;

	do {
		uint64_t left, all;

		rc = sqlite3_backup_step(b, STEP_PAGES);
		left = (uint64_t)sqlite3_backup_remaining(b);
		all = (uint64_t)sqlite3_backup_pagecount(b);
		/* the state is held: nobody can be in the way for long */
		if (rc == SQLITE_BUSY || rc == SQLITE_LOCKED)
			return fail(
			    f, FAIL_TEMP, "%s: the database is busy", path);
		if (rc != SQLITE_OK && rc != SQLITE_DONE)
			return 0; /* sqlite3_backup_finish() says what it is */
		if (step != NULL && all > 0 &&
		    step(arg, size / all * (all - left), size, f) == -1)
			return -1;
	} while (rc == SQLITE_OK);
	return 0;
}

int
db_copy(struct db *src, const char *path, db_copy_step *step, void *arg,
    struct fail *f)
{
	sqlite3 *copy = NULL;
	sqlite3_backup *b = NULL;
	uint64_t size = 0;
	int rc = -1;

	if (db_copy_size(src, &size, f) == -1 || make_file(path, f) == -1)
		return -1;
	if (open_copy(path, &copy, f) == -1)
		goto out;
	b = sqlite3_backup_init(copy, "main", src->sqlite, "main");
	if (b == NULL) {
		sql_fail(copy, f);
		goto out;
	}
	rc = copy_pages(b, path, size, step, arg, f);
	if (sqlite3_backup_finish(b) != SQLITE_OK && rc == 0)
		rc = sql_fail(copy, f);
out:
	if (copy != NULL) {
		int closed = sqlite3_close(copy);

		assert(closed == SQLITE_OK);
	}
	if (rc == -1)
		unlink(path);
	return rc;
}
