/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/store/backup_manifest.h"
#include "common/util/mem.h"

/* Every file is there, with its size; the manifest is whole. */
static int
look_at_files(const char *path, struct manifest_reader *r,
    struct backup_info *out, struct fail *f)
{
	struct manifest_file file;
	uint64_t missing = 0;
	int got;

	while ((got = manifest_next(r, &file, f)) == 1) {
		char *name = disk_path(path, file.path);
		struct stat st;

		if (lstat(name, &st) == -1 || !S_ISREG(st.st_mode) ||
		    (uint64_t)st.st_size != file.octets) {
			if (missing++ == 0)
				fail(&out->why, FAIL_PERM,
				    "%s is missing or cut", file.path);
		}
		free(name);
		out->files++;
		out->octets += file.octets;
	}
	out->missing = missing;
	return got;
}

int
backup_look(const char *path, struct backup_info *out, struct fail *f)
{
	struct str name = str_of(path);
	struct manifest_head head;
	struct manifest_reader *r;
	size_t slash;
	int rc;

	*out = (struct backup_info){0};
	while (name.len > 1 && name.at[name.len - 1] == '/')
		name.len--;
	if (str_find_last(name, '/', &slash))
		name = str_after(name, slash + 1);
	snprintf(out->name, sizeof(out->name), "%.*s", STR_FMT(name));
	r = manifest_open(path, &head, f);
	if (r == NULL)
		return -1;
	out->number = head.number;
	out->made_ms = head.made_ms;
	memcpy(out->program, head.program, sizeof(out->program));
	out->mail_schema = head.mail_schema;
	out->auth_schema = head.auth_schema;
	rc = look_at_files(path, r, out, f);
	manifest_close(r);
	out->valid = rc == 0 && out->missing == 0;
	return rc;
}

static int
by_number(const void *a, const void *b)
{
	const struct backup_info *x = a, *y = b;

	if (x->number != y->number)
		return x->number < y->number ? -1 : 1;
	return strcmp(x->name, y->name);
}

int
backup_list(
    const char *dir, struct backup_info **list, size_t *n, struct fail *f)
{
	DIR *d = opendir(dir);
	const struct dirent *entry;

	*list = NULL;
	*n = 0;
	if (d == NULL)
		return errno == ENOENT ? 0 : backup_fail(f, dir);
	while ((entry = readdir(d)) != NULL) {
		struct backup_info *info;
		char *path;

		if (!backup_name_is(str_of(entry->d_name)))
			continue;
		*list = mem_grow(*list, *n + 1, sizeof(**list));
		info = *list + (*n)++;
		path = disk_path(dir, entry->d_name);
		if (backup_look(path, info, &info->why) == -1)
			info->valid = false, info->number = 0;
		free(path);
	}
	closedir(d);
	if (*n > 1)
		qsort(*list, *n, sizeof(**list), by_number);
	return 0;
}
