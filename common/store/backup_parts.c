/* SPDX-License-Identifier: MIT */
#include "common/store/backup_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/store/db_copy.h"
#include "common/util/mem.h"

int
backup_target_add(struct backup_target *t, const struct manifest_file *file,
    bool copied, struct fail *f)
{
	t->made->files++;
	t->made->octets += file->octets;
	if (copied) {
		t->made->copied_files++;
		t->made->copied_octets += file->octets;
	}
	return manifest_add(t->manifest, file, f);
}

struct copying {
	struct backup_target *target;
	uint64_t done;
};

static int
step(void *arg, uint64_t done, uint64_t total, struct fail *f)
{
	struct copying *c = arg;
	uint64_t more = done > c->done ? done - c->done : 0;

	(void)total;
	c->done = done;
	return backup_pace_step(&c->target->pace, more, f);
}

/* The next part: 1, 0 at the end, -1. */
static int
read_part(int fd, const char *path, char *part, size_t *len, struct fail *f)
{
	*len = 0;
	while (*len < BACKUP_PART) {
		ssize_t n = read(fd, part + *len, BACKUP_PART - *len);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return backup_fail(f, path);
		if (n == 0)
			break;
		*len += (size_t)n;
	}
	return *len > 0;
}

static int
write_part(struct backup_target *t, const struct manifest_file *file,
    struct str bytes, struct fail *f)
{
	char *path = disk_path(t->dir, file->path);
	int fd = backup_create(path, NULL, f), rc = -1;

	if (fd != -1)
		rc = backup_finish_file(
		    fd, path, backup_write(fd, path, bytes, f), f);
	free(path);
	return rc;
}

/* Link it if the snapshot before has it too, else write it. */
static int
put_part(struct backup_target *t, const char *name, size_t n, struct str bytes,
    struct fail *f)
{
	const struct manifest_file *old;
	struct manifest_file file = {.octets = bytes.len};
	int got = 0;

	snprintf(file.path, sizeof(file.path), "%s.parts/%07zx", name, n);
	crypto_generichash(file.hash, sizeof(file.hash),
	    (const unsigned char *)bytes.at, bytes.len, NULL, 0);
	old = backup_previous_find(t->previous, file.path);
	if (old != NULL && old->octets == file.octets &&
	    memcmp(old->hash, file.hash, sizeof(file.hash)) == 0)
		got = backup_previous_link(t->previous, old, t->dir, f);
	if (got == -1 || (got == 0 && write_part(t, &file, bytes, f) == -1))
		return -1;
	if (backup_target_add(t, &file, got == 0, f) == -1)
		return -1;
	return backup_pace_step(&t->pace, bytes.len, f);
}

static int
split(struct backup_target *t, const char *name, const char *whole,
    struct fail *f)
{
	int fd = open(whole, O_RDONLY | O_CLOEXEC), got;
	char *part;
	size_t len, n = 0;

	if (fd == -1)
		return backup_fail(f, whole);
	part = mem_new(BACKUP_PART, 1);
	while ((got = read_part(fd, whole, part, &len, f)) == 1)
		if (put_part(t, name, n++, (struct str){part, len}, f) == -1) {
			got = -1;
			break;
		}
	free(part);
	close(fd);
	return got;
}

int
backup_parts_make(
    struct backup_target *t, struct db *db, const char *name, struct fail *f)
{
	struct copying c = {.target = t};
	char copy[DISK_NAME_MAX], *path;
	int rc;

	snprintf(copy, sizeof(copy), "%s.copy", name);
	path = disk_path(t->dir, copy);
	t->pace.what = name;
	rc = db_copy(db, path, step, &c, f);
	if (rc == 0) {
		rc = split(t, name, path, f);
		unlink(path);
	}
	free(path);
	return rc;
}
