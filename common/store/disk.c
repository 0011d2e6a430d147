/* SPDX-License-Identifier: MIT */
#include "common/store/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/util/mem.h"

char *
disk_path(const char *dir, const char *name)
{
	size_t size = strlen(dir) + strlen(name) + 2;
	char *path = mem_new(size, 1);

	snprintf(path, size, "%s/%s", dir, name);
	return path;
}

static int
system_fail(struct fail *f, const char *path)
{
	return fail(f, FAIL_TEMP, "store: %s: %s", path, strerror(errno));
}

int
disk_sync_dir(const char *path, struct fail *f)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = -1;

	if (fd == -1)
		return system_fail(f, path);
	if (fsync(fd) == -1)
		system_fail(f, path);
	else
		rc = 0;
	close(fd);
	return rc;
}

/* The directory that holds path, malloc'd. */
static char *
parent_of(const char *path)
{
	struct str s = str_of(path);
	size_t at;

	while (s.len > 1 && s.at[s.len - 1] == '/')
		s.len--;
	if (!str_find_last(s, '/', &at))
		return mem_dup(STR("."));
	return mem_dup(str_first(s, at > 0 ? at : 1));
}

int
disk_adopt(int fd, const char *dir, mode_t mode, struct fail *f)
{
	struct stat st;

	if (fchmod(fd, mode) == -1)
		return system_fail(f, dir);
	if (geteuid() != 0)
		return 0;
	if (stat(dir, &st) == -1 || fchown(fd, st.st_uid, st.st_gid) == -1)
		return system_fail(f, dir);
	/* a change of owner may clear the setgid bit */
	if (fchmod(fd, mode) == -1)
		return system_fail(f, dir);
	return 0;
}

/* 1 made, 0 it was there, -1. */
static int
new_dir(const char *path, struct fail *f)
{
	char *parent = NULL;
	int fd = -1, rc = -1;

	if (mkdir(path, 02770) == -1)
		return errno == EEXIST ? 0 : system_fail(f, path);
	parent = parent_of(path);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1) {
		system_fail(f, path);
		goto out;
	}
	if (disk_adopt(fd, parent, 02770, f) == 0)
		rc = 1;
out:
	if (fd != -1)
		close(fd);
	free(parent);
	return rc;
}

int
disk_make_dir_unsynced(const char *path, struct fail *f)
{
	return new_dir(path, f) == -1 ? -1 : 0;
}

int
disk_make_dir(const char *path, struct fail *f)
{
	int made = new_dir(path, f), rc = made;

	if (made == 1) {
		char *parent = parent_of(path);

		rc = disk_sync_dir(parent, f);
		free(parent);
	}
	return rc;
}

int
disk_make_file(const char *dir, const char *name, mode_t mode, struct fail *f)
{
	char draft[DISK_NAME_MAX], nonce[17];
	char *path = disk_path(dir, name), *made = NULL;
	int fd = -1, rc = -1;

	if (access(path, F_OK) == 0) {
		free(path);
		return 0;
	}
	/* made under another name and linked: whoever finds the file under its
	 * own name finds it with its mode, and nobody closes it again */
	disk_nonce(nonce);
	snprintf(draft, sizeof(draft), "new.%s", nonce);
	made = disk_path(dir, draft);
	fd = open(made, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	if (fd == -1) {
		system_fail(f, made);
		goto out;
	}
	if (disk_adopt(fd, dir, mode, f) == -1)
		goto out;
	close(fd);
	fd = -1;
	if (link(made, path) == -1 && errno != EEXIST) {
		system_fail(f, path);
		goto out;
	}
	unlink(made);
	rc = disk_sync_dir(dir, f);
out:
	if (fd != -1) {
		close(fd);
		unlink(made);
	}
	free(made);
	free(path);
	return rc;
}

static const char letters[] = "0123456789abcdefghjkmnpqrstvwxyz";

int
disk_try_lock(int fd, int how)
{
	int rc;

	do
		rc = flock(fd, how | LOCK_NB);
	while (rc == -1 && errno == EINTR);
	return rc;
}

void
disk_nonce(char out[17])
{
	unsigned char random[16];

	randombytes_buf(random, sizeof(random));
	for (size_t i = 0; i < sizeof(random); i++)
		out[i] = letters[random[i] % 32];
	out[16] = '\0';
}

bool
disk_is_nonce(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (memchr(letters, s.at[i], sizeof(letters) - 1) == NULL)
			return false;
	return s.len == 16;
}
