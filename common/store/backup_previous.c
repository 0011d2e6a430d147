/* SPDX-License-Identifier: MIT */
#include "common/store/backup_previous.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/util/mem.h"

struct backup_previous {
	struct manifest_reader *reader; /* NULL: at its end */
	struct manifest_file file;      /* the last one read */
	char *dir;
};

struct backup_previous *
backup_previous_open(const char *dir)
{
	struct backup_previous *p = MEM_NEW(struct backup_previous);
	struct manifest_head head;
	struct fail ignored;

	p->reader = manifest_open(dir, &head, &ignored);
	p->dir = mem_dup(str_of(dir));
	return p;
}

const struct manifest_file *
backup_previous_find(struct backup_previous *p, const char *path)
{
	struct fail ignored;

	if (p == NULL)
		return NULL;
	while (p->reader != NULL && strcmp(p->file.path, path) < 0)
		if (manifest_next(p->reader, &p->file, &ignored) != 1) {
			manifest_close(p->reader);
			p->reader = NULL;
			p->file.path[0] = '\0';
		}
	return strcmp(p->file.path, path) == 0 ? &p->file : NULL;
}

int
backup_previous_link(struct backup_previous *p,
    const struct manifest_file *file, const char *into, struct fail *f)
{
	char *from = disk_path(p->dir, file->path);
	char *to = disk_path(into, file->path);
	struct stat st;
	int got = 0;

	/* one that has become shorter is not to be spread */
	if (lstat(from, &st) == 0 && S_ISREG(st.st_mode) &&
	    (uint64_t)st.st_size == file->octets)
		got = backup_link(from, to, f);
	free(to);
	free(from);
	return got;
}

void
backup_previous_close(struct backup_previous *p)
{
	if (p == NULL)
		return;
	manifest_close(p->reader);
	free(p->dir);
	free(p);
}
