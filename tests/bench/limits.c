/* SPDX-License-Identifier: MIT */
/*
 * limits: what this machine can do at most of what a mail server lives on.
 *
 *	limits DIRECTORY [SECONDS]
 *
 * In a line of JSON: fdatasync() of 4 KiB appended; transactions of SQLite
 *(WAL, synchronous=FULL) with one row of 10 KiB each, and rows in transactions
 *of 100; memcpy() of 64 MiB.
 */
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <string.h>
#include <unistd.h>

#include "common/util/mem.h"
#include "tests/bench/load.h"

#define ROW    (10 * KB)
#define GROUP  100
#define COPIED (64 * MB)

/* A second: how many of what act() does, over so many seconds. */
static double
rate(double (*act)(void *arg), void *arg, uint64_t seconds)
{
	int64_t began = load_now_us();
	int64_t until = began + (int64_t)seconds * 1000000;
	double done = 0;

	while (load_now_us() < until)
		done += act(arg);
	return done * 1e6 / (double)(load_now_us() - began);
}

static double
sync_page(void *arg)
{
	static const char page[4096] = {1};
	int fd = *(int *)arg;

	if (write(fd, page, sizeof(page)) == -1 || fdatasync(fd) == -1)
		load_die("limits: %s", strerror(errno));
	return 1;
}

static double
copy(void *arg)
{
	char *both = arg;

	memcpy(both + COPIED, both, COPIED);
	both[0]++; /* it is not the same again */
	return (double)COPIED / 1e9;
}

struct rows {
	sqlite3 *db;
	sqlite3_stmt *insert;
	char row[ROW];
};

static void
sql(struct rows *r, const char *text)
{
	if (sqlite3_exec(r->db, text, NULL, NULL, NULL) != SQLITE_OK)
		load_die("limits: %s: %s", text, sqlite3_errmsg(r->db));
}

static void
insert(struct rows *r)
{
	r->row[0]++;
	sqlite3_bind_blob(r->insert, 1, r->row, ROW, SQLITE_STATIC);
	if (sqlite3_step(r->insert) != SQLITE_DONE ||
	    sqlite3_reset(r->insert) != SQLITE_OK)
		load_die("limits: %s", sqlite3_errmsg(r->db));
}

static double
insert_one(void *arg)
{
	insert(arg);
	return 1;
}

static double
insert_group(void *arg)
{
	sql(arg, "BEGIN IMMEDIATE");
	for (int i = 0; i < GROUP; i++)
		insert(arg);
	sql(arg, "COMMIT");
	return GROUP;
}

static void
open_rows(struct rows *r, const char *dir)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/limits.db", dir);
	if (sqlite3_open(path, &r->db) != SQLITE_OK)
		load_die("limits: %s: %s", path, sqlite3_errmsg(r->db));
	sql(r, "PRAGMA journal_mode = WAL");
	sql(r, "PRAGMA synchronous = FULL");
	sql(r, "CREATE TABLE row (id INTEGER PRIMARY KEY, octets BLOB)");
	if (sqlite3_prepare_v2(r->db, "INSERT INTO row (octets) VALUES (?1)",
		-1, &r->insert, NULL) != SQLITE_OK)
		load_die("limits: %s", sqlite3_errmsg(r->db));
}

int
main(int argc, char **argv)
{
	char *both = mem_new(2, COPIED), path[512];
	struct rows r = {.db = NULL};
	uint64_t seconds = 2;
	int fd;

	if (argc < 2 || argc > 3 ||
	    (argc == 3 && !str_to_u64(str_of(argv[2]), 3600, &seconds)))
		load_die("usage: limits DIRECTORY [SECONDS]");
	snprintf(path, sizeof(path), "%s/limits", argv[1]);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd == -1)
		load_die("limits: %s: %s", path, strerror(errno));
	open_rows(&r, argv[1]);
	printf("{\"fdatasync\": %.0f, ", rate(sync_page, &fd, seconds));
	printf("\"sqlite_single\": %.0f, ", rate(insert_one, &r, seconds));
	printf("\"sqlite_group\": %.0f, ", rate(insert_group, &r, seconds));
	printf("\"memcpy_gb\": %.2f}\n", rate(copy, both, 1));
	sqlite3_finalize(r.insert);
	sqlite3_close(r.db);
	close(fd);
	free(both);
	return 0;
}
