/* SPDX-License-Identifier: MIT */
#include "common/store/backup_objects.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/store/sql.h"
#include "common/util/mem.h"

#define LINE_MAX_OCTETS (DISK_NAME_MAX + 32)

/* By path, since the hash in a name is that of the row. */
static const char sql_files[] =
    "SELECT file, stored FROM body WHERE file IS NOT NULL ORDER BY hash, file";

struct backup_objects {
	FILE *lines;                /* "path", rising */
	char folder[DISK_NAME_MAX]; /* that was made last */
};

/* A file without a name. */
static FILE *
open_scratch(const char *dir, struct fail *f)
{
	char *path = disk_path(dir, "objects.list");
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	FILE *out = NULL;

	if (fd != -1) {
		unlink(path);
		out = fdopen(fd, "w+");
	}
	if (out == NULL)
		backup_fail(f, path);
	free(path);
	return out;
}

struct backup_objects *
backup_objects_gather(
    struct db *mail, const char *dir, uint64_t *octets, struct fail *f)
{
	struct backup_objects *o = MEM_NEW(struct backup_objects);
	sqlite3_stmt *st;
	int got = -1;

	*octets = 0;
	o->lines = open_scratch(dir, f);
	if (o->lines == NULL)
		goto out;
	st = sql_bind(mail, sql_files, f, "");
	while ((got = sql_step(st, f)) == 1) {
		/* rows are also written by who may not read all of this;
		 * what is missing db_check() finds */
		if (!manifest_is_path(sql_text(st, 0)))
			continue;
		fprintf(o->lines, "%.*s\n", STR_FMT(sql_text(st, 0)));
		*octets += (uint64_t)sql_int(st, 1);
	}
	if (got == 0 &&
	    (fflush(o->lines) != 0 || fseek(o->lines, 0, SEEK_SET) != 0))
		got = backup_fail(f, dir);
out:
	if (got == 0)
		return o;
	backup_objects_free(o);
	return NULL;
}

/* Its folder objects/xx, and the one before is complete. */
static int
change_folder(struct backup_objects *o, struct backup_target *t,
    struct str path, struct fail *f)
{
	struct str folder = path;
	size_t slash;
	char *full;
	int rc = 0;

	if (str_find_last(path, '/', &slash))
		folder = str_first(path, slash);
	if (str_eq(folder, str_of(o->folder)))
		return 0;
	if (o->folder[0] != '\0') {
		full = disk_path(t->dir, o->folder);
		rc = disk_sync_dir(full, f);
		free(full);
	}
	snprintf(o->folder, sizeof(o->folder), "%.*s", STR_FMT(folder));
	if (rc == -1 || folder.len == 0)
		return rc;
	full = disk_path(t->dir, o->folder);
	rc = backup_mkdir(full, f);
	free(full);
	return rc;
}

static int
copy_file(struct backup_target *t, const char *store,
    struct manifest_file *file, struct fail *f)
{
	char *from = disk_path(store, file->path);
	char *to = disk_path(t->dir, file->path);
	int fd = backup_create(to, NULL, f), rc = -1;

	if (fd != -1)
		rc = backup_finish_file(fd, to,
		    backup_pour(
			from, fd, to, &file->octets, file->hash, &t->pace, f),
		    f);
	if (rc == -1 && fd != -1)
		unlink(to);
	free(to);
	free(from);
	return rc;
}

/* 1, 0, or -1: it cannot be told. */
static int
is_there(const char *dir, const char *name, struct fail *f)
{
	char *path = disk_path(dir, name);
	int there = access(path, F_OK) == 0 ? 1 : 0;

	if (there == 0 && errno != ENOENT)
		there = backup_fail(f, path);
	free(path);
	return there;
}

static int
put(struct backup_target *t, const char *store, struct str path, struct fail *f)
{
	const struct manifest_file *old;
	struct manifest_file file = {0};
	int got, there;

	snprintf(file.path, sizeof(file.path), "%.*s", STR_FMT(path));
	/* a second row of it, which db_check() complains of */
	there = is_there(t->dir, file.path, f);
	if (there != 0)
		return there == 1 ? 0 : -1;
	got = 0;
	/* a name never means other octets */
	old = backup_previous_find(t->previous, file.path);
	if (old != NULL) {
		file = *old;
		got = backup_previous_link(t->previous, old, t->dir, f);
		if (got == 1 &&
		    backup_pace_step(&t->pace, file.octets, f) == -1)
			got = -1;
	}
	if (got == 0) {
		there = is_there(store, file.path, f);
		if (there != 1)
			return there;
	}
	if (got == -1 || (got == 0 && copy_file(t, store, &file, f) == -1))
		return -1;
	return backup_target_add(t, &file, got == 0, f);
}

int
backup_objects_copy(struct backup_target *t, struct backup_objects *o,
    const char *store, struct fail *f)
{
	char line[LINE_MAX_OCTETS];

	t->pace.what = "objects";
	while (fgets(line, sizeof(line), o->lines) != NULL) {
		struct str path = str_of(line);

		path.len -= path.len > 0; /* LF */
		if (change_folder(o, t, path, f) == -1 ||
		    put(t, store, path, f) == -1)
			return -1;
	}
	if (ferror(o->lines))
		return backup_fail(f, t->dir);
	return change_folder(o, t, STR(""), f);
}

void
backup_objects_free(struct backup_objects *o)
{
	if (o == NULL)
		return;
	if (o->lines != NULL)
		fclose(o->lines);
	free(o);
}
