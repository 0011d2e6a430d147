/* SPDX-License-Identifier: MIT */
#include "common/store/object.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/util/mem.h"

static int
object_fail(struct fail *f, const char *name)
{
	if (errno == ENOSPC || errno == EDQUOT)
		return fail(f, FAIL_DISK, "store: the disk is full");
	return fail(f, FAIL_TEMP, "store: %s: %s", name, strerror(errno));
}

int
object_make_folders(const char *dir, struct fail *f)
{
	char *objects = disk_path(dir, "objects");
	int rc = disk_make_dir(objects, f);

	for (unsigned i = 0; i < 256 && rc == 0; i++) {
		char name[3], *path;

		snprintf(name, sizeof(name), "%02x", i);
		path = disk_path(objects, name);
		rc = disk_make_dir_unsynced(path, f);
		free(path);
	}
	/* also if all were there: who made them may have died before this */
	if (rc == 0)
		rc = disk_sync_dir(objects, f);
	free(objects);
	return rc;
}

int
object_new(const char *dir, char name[DISK_NAME_MAX], struct fail *f)
{
	char nonce[17], *path;
	int fd;

	disk_nonce(nonce);
	snprintf(name, DISK_NAME_MAX, "objects/new.%s", nonce);
	path = disk_path(dir, name);
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0660);
	free(path);
	if (fd == -1)
		return object_fail(f, name);
	if (disk_adopt(fd, dir, 0660, f) == 0) {
		if (disk_try_lock(fd, LOCK_EX) == 0)
			return fd;
		object_fail(f, name);
	}
	object_unlink(dir, name);
	close(fd);
	return -1;
}

static int
sync_folder(const char *dir, const char *name, struct fail *f)
{
	char *path = disk_path(dir, name);
	size_t slash = 0;
	int rc;

	if (!str_find_last(str_of(path), '/', &slash))
		assert(!"an object has a folder");
	path[slash] = '\0';
	rc = disk_sync_dir(path, f);
	free(path);
	return rc;
}

static int
move(const char *dir, const char *from, const char *to, struct fail *f)
{
	char *old = disk_path(dir, from), *path = disk_path(dir, to);
	int rc = rename(old, path) == 0 ? 0 : object_fail(f, to);

	free(path);
	free(old);
	return rc;
}

int
object_finish(const char *dir, int fd, const unsigned char hash[32],
    char name[DISK_NAME_MAX], struct fail *f)
{
	static const char digits[] = "0123456789abcdef";
	char final[DISK_NAME_MAX], hex[65], nonce[17];

	for (size_t i = 0; i < 32; i++) {
		hex[2 * i] = digits[hash[i] >> 4];
		hex[2 * i + 1] = digits[hash[i] & 15];
	}
	hex[64] = '\0';
	disk_nonce(nonce);
	snprintf(final, sizeof(final), "objects/%.2s/%s.%s", hex, hex, nonce);
	if (fdatasync(fd) == -1)
		return object_fail(f, name);
	if (move(dir, name, final, f) == -1)
		return -1;
	snprintf(name, DISK_NAME_MAX, "%s", final);
	return sync_folder(dir, name, f);
}

bool
object_is_there(const char *dir, const char *name, uint64_t octets)
{
	char *path = disk_path(dir, name);
	struct stat st;
	bool there = stat(path, &st) == 0 && (uint64_t)st.st_size == octets;

	free(path);
	return there;
}

bool
object_is_name(const char *name)
{
	static const char octets[] = "0123456789abcdefghijklmnopqrstuvwxyz./";
	struct str s = str_of(name);

	return str_starts(s, STR("objects/")) &&
	       strspn(name, octets) == s.len && strstr(name, "/.") == NULL;
}

int
object_open(const char *dir, const char *name, struct fail *f)
{
	char *path;
	int fd;

	if (!object_is_name(name))
		return fail(
		    f, FAIL_PERM, "store: a body is in no file of ours");
	path = disk_path(dir, name);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd == -1)
		fail(f, errno == ENOENT ? FAIL_PERM : FAIL_TEMP,
		    "store: %s: %s", name, strerror(errno));
	free(path);
	return fd;
}

void
object_unlink(const char *dir, const char *name)
{
	char *path = disk_path(dir, name);

	unlink(path);
	free(path);
}

/* Is a stage still holding it? */
static bool
is_held(const char *dir, const char *name)
{
	struct fail ignored;
	int fd = object_open(dir, name, &ignored);
	bool held;

	if (fd == -1)
		return true; /* gone, or not for us to judge */
	held = disk_try_lock(fd, LOCK_EX) == -1;
	close(fd);
	return held;
}

static int
visit(const char *dir, const char *name,
    int (*each)(void *arg, const char *name, struct fail *f), void *arg,
    struct fail *f)
{
	int got;

	if (is_held(dir, name))
		return 0;
	got = each(arg, name, f);
	if (got == 1)
		object_unlink(dir, name);
	return got == -1 ? -1 : 0;
}

/* The files of one folder; *folders false: not those of its folders. */
static int
walk(const char *dir, const char *folder, bool folders,
    int (*each)(void *arg, const char *name, struct fail *f), void *arg,
    struct fail *f)
{
	char *path = disk_path(dir, folder);
	DIR *d = opendir(path);
	struct dirent *entry;
	int rc = 0;

	free(path);
	if (d == NULL)
		return errno == ENOENT ? 0 : object_fail(f, folder);
	while (rc == 0 && (entry = readdir(d)) != NULL) {
		char name[DISK_NAME_MAX];
		struct stat st;
		int n;

		if (entry->d_name[0] == '.')
			continue;
		n = snprintf(
		    name, sizeof(name), "%s/%s", folder, entry->d_name);
		if (n < 0 || (size_t)n >= sizeof(name) ||
		    fstatat(dirfd(d), entry->d_name, &st,
			AT_SYMLINK_NOFOLLOW) == -1)
			continue; /* not one of ours, or gone meanwhile */
		if (S_ISREG(st.st_mode))
			rc = visit(dir, name, each, arg, f);
		else if (S_ISDIR(st.st_mode) && folders)
			rc = walk(dir, name, false, each, arg, f);
	}
	closedir(d);
	return rc;
}

int
object_each(const char *dir,
    int (*each)(void *arg, const char *name, struct fail *f), void *arg,
    struct fail *f)
{
	return walk(dir, "objects", true, each, arg, f);
}
