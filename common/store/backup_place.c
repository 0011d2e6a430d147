/* SPDX-License-Identifier: MIT */
#include "common/store/backup_place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/mime/date.h"
#include "common/store/backup_file.h"
#include "common/store/disk.h"
#include "common/util/mem.h"

/* Of SQLite's os_unix.c: every process that has a database with a log open
 * holds a shared lock on this octet of its -shm file. */
#define SHM_IN_USE 128

/* What a store is made of. */
static const struct thing {
	const char *name;
	enum {
		FILE_OF_WORTH,
		SCRAP,
		FOLDER
	} kind;
} things[] = {
    {"mail.db",     FILE_OF_WORTH},
    {"mail.db-wal", FILE_OF_WORTH}, /* the last transactions of mail.db */
    {"mail.db-shm", SCRAP        },
    {"auth.db",     FILE_OF_WORTH},
    {"auth.db-wal", FILE_OF_WORTH},
    {"auth.db-shm", SCRAP        },
    {"objects",     FOLDER       },
    {"search",      FOLDER       },
};

#define N_THINGS (sizeof(things) / sizeof(*things))

static bool
is_there(const char *dir, const char *name)
{
	char *path = disk_path(dir, name);
	struct stat st;
	bool there = lstat(path, &st) == 0;

	free(path);
	return there;
}

static bool
has_store(const char *dir)
{
	for (size_t i = 0; i < N_THINGS; i++)
		if (is_there(dir, things[i].name))
			return true;
	return false;
}

/* Somebody who has mail.db open would go on writing into what is moved
 * aside. */
static int
refuse_in_use(const char *dir, struct fail *f)
{
	struct flock lock = {
	    .l_type = F_WRLCK,
	    .l_whence = SEEK_SET,
	    .l_start = SHM_IN_USE,
	    .l_len = 1,
	};
	char *path = disk_path(dir, "mail.db-shm");
	int fd = open(path, O_RDWR | O_CLOEXEC), rc = 0;

	free(path);
	if (fd == -1)
		return 0;
	if (fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK)
		rc = fail(f, FAIL_PERM,
		    "process %ld has the store in %s open: stop the daemons "
		    "first",
		    (long)lock.l_pid, dir);
	close(fd);
	return rc;
}

int
backup_place_prepare(const char *to, bool replace, struct fail *f)
{
	char *restoring;
	int rc;

	if (disk_make_dir(to, f) == -1)
		return -1;
	if (has_store(to) && !replace)
		return fail(f, FAIL_PERM,
		    "there is a store in %s: --replace keeps it aside", to);
	if (refuse_in_use(to, f) == -1)
		return -1;
	restoring = disk_path(to, BACKUP_RESTORING);
	backup_remove_tree(restoring);
	rc = disk_make_dir(restoring, f);
	free(restoring);
	return rc;
}

static int
move(const char *from_dir, const char *to_dir, const char *name, struct fail *f)
{
	char *from = disk_path(from_dir, name), *to = disk_path(to_dir, name);
	int rc = rename(from, to);

	if (rc == -1)
		rc = errno == ENOENT ? 0 : backup_fail(f, to);
	free(to);
	free(from);
	return rc;
}

/* A new folder "before-restore-2026-11-22T17-30-05Z" */
static int
make_aside(const char *to, int64_t now_ms, char aside[RESTORE_ASIDE_MAX],
    struct fail *f)
{
	char date[DATE_TEXT_MAX];
	int rc;

	date_iso(now_ms / 1000, date);
	for (char *c = date; *c != '\0'; c++)
		if (*c == ':')
			*c = '-';
	for (int twin = 1;; twin++) {
		snprintf(aside, RESTORE_ASIDE_MAX,
		    twin == 1 ? "before-restore-%s" : "before-restore-%s-%d",
		    date, twin);
		if (!is_there(to, aside))
			break;
	}
	char *path = disk_path(to, aside);
	rc = disk_make_dir(path, f);
	free(path);
	return rc;
}

/* A second name in aside; where there are no links it has none. */
static int
keep(const char *dir, const char *aside, const char *name, struct fail *f)
{
	char *from = disk_path(dir, name), *to = disk_path(aside, name);
	int rc = backup_link(from, to, f);

	free(to);
	free(from);
	return rc == -1 ? -1 : 0;
}

/* Only the name in aside remains. */
static int
let_go(
    const char *dir, const char *aside, const struct thing *t, struct fail *f)
{
	char *path;
	int rc = 0;

	if (t->kind == FILE_OF_WORTH && !is_there(aside, t->name))
		return move(dir, aside, t->name, f);
	path = disk_path(dir, t->name);
	if (unlink(path) == -1 && errno != ENOENT)
		rc = backup_fail(f, path);
	free(path);
	return rc;
}

/* A database and its log are never apart: until the last of them is in path,
 * all of them are in `to', whenever this is killed. */
static int
move_things(const char *to, const char *path, struct fail *f)
{
	int rc = 0;

	for (size_t i = 0; i < N_THINGS && rc == 0; i++)
		if (things[i].kind == FILE_OF_WORTH)
			rc = keep(to, path, things[i].name, f);
	if (rc == 0)
		rc = disk_sync_dir(path, f);
	for (size_t i = 0; i < N_THINGS && rc == 0; i++)
		if (things[i].kind == FOLDER)
			rc = move(to, path, things[i].name, f);
	if (rc == 0)
		rc = disk_sync_dir(path, f);
	for (size_t i = 0; i < N_THINGS && rc == 0; i++)
		if (things[i].kind != FOLDER)
			rc = let_go(to, path, &things[i], f);
	if (rc == 0)
		rc = disk_sync_dir(path, f);
	return rc == 0 ? disk_sync_dir(to, f) : -1;
}

static int
move_aside(const char *to, int64_t now_ms, char aside[RESTORE_ASIDE_MAX],
    struct fail *f)
{
	char *path;
	int rc;

	if (make_aside(to, now_ms, aside, f) == -1)
		return -1;
	path = disk_path(to, aside);
	rc = move_things(to, path, f);
	free(path);
	return rc;
}

int
backup_place_take(const char *to, int64_t now_ms, char aside[RESTORE_ASIDE_MAX],
    struct fail *f)
{
	static const char *const made[] = {"objects", "auth.db", "mail.db"};
	char *restoring = disk_path(to, BACKUP_RESTORING);
	int rc = 0;

	aside[0] = '\0';
	if (has_store(to))
		rc = move_aside(to, now_ms, aside, f);
	for (size_t i = 0; i < 3 && rc == 0; i++) {
		/* mail.db is what makes it a store: nothing may follow it */
		if (i == 2)
			rc = disk_sync_dir(to, f);
		if (rc == 0)
			rc = move(restoring, to, made[i], f);
	}
	if (rc == 0)
		rc = disk_sync_dir(to, f);
	if (rc == 0) {
		backup_remove_tree(restoring);
		rc = disk_sync_dir(to, f);
	}
	free(restoring);
	return rc;
}

bool
backup_place_is_restoring(const char *store)
{
	return is_there(store, BACKUP_RESTORING);
}

/* The old mail.db is on its way: it has a second name by now, or its objects
 * have gone before it. */
static bool
is_half_taken(const char *store)
{
	char *path = disk_path(store, "mail.db");
	struct stat st;
	bool half = stat(path, &st) == 0 &&
	            (st.st_nlink > 1 || !is_there(store, "objects"));

	free(path);
	return half;
}

int
backup_place_may_open(const char *store, bool has_mail, struct fail *f)
{
	if (!backup_place_is_restoring(store) ||
	    (has_mail && !is_half_taken(store)))
		return 0;
	return fail(f, FAIL_PERM,
	    "%s is being restored, or a restore died there: `mailctl "
	    "restore' again",
	    store);
}
