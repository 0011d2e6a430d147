/* SPDX-License-Identifier: MIT */
#include "common/store/backup_file.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/store/disk.h"
#include "common/util/mem.h"

#define PIECE         (256 * KB) /* read, hashed and written at a time */
#define PAUSE_MOST_NS INT64_C(100000000)
#define OPEN_DIRS     16

int
backup_fail(struct fail *f, const char *path)
{
	if (errno == ENOSPC || errno == EDQUOT)
		return fail(f, FAIL_DISK, "%s: there is no room", path);
	return fail(f,
	    errno == EACCES || errno == EPERM || errno == EROFS ||
		    errno == ENOENT || errno == ENOTDIR
		? FAIL_PERM
		: FAIL_TEMP,
	    "%s: %s", path, strerror(errno));
}

static int64_t
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

void
backup_pace_start(struct backup_pace *p)
{
	p->since_ns = now_ns();
}

int
backup_pace_step(struct backup_pace *p, uint64_t octets, struct fail *f)
{
	p->done += octets;
	if (p->watch.tell != NULL)
		p->watch.tell(p->watch.arg, p->what, p->done, p->total);
	if (p->watch.stop != NULL && p->watch.stop(p->watch.arg))
		return fail(f, FAIL_TEMP, "it was interrupted");
	if (p->gentle) {
		int64_t took = now_ns() - p->since_ns;
		struct timespec pause = {
		    0, took < PAUSE_MOST_NS ? took : PAUSE_MOST_NS};

		nanosleep(&pause, NULL);
		p->since_ns = now_ns();
	}
	return 0;
}

int
backup_create(const char *path, const char *store, struct fail *f)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
	    store != NULL ? 0660 : 0600);

	if (fd == -1)
		return backup_fail(f, path);
	if (store != NULL && disk_adopt(fd, store, 0660, f) == -1) {
		close(fd);
		return -1;
	}
	return fd;
}

int
backup_write(int fd, const char *path, struct str bytes, struct fail *f)
{
	while (bytes.len > 0) {
		ssize_t n = write(fd, bytes.at, bytes.len);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == 0)
			errno = ENOSPC;
		if (n <= 0)
			return backup_fail(f, path);
		bytes = str_after(bytes, (size_t)n);
	}
	return 0;
}

int
backup_finish_file(int fd, const char *path, int rc, struct fail *f)
{
	if (rc == 0 && fdatasync(fd) == -1)
		rc = backup_fail(f, path);
	if (close(fd) == -1 && rc == 0)
		rc = backup_fail(f, path);
	return rc;
}

/* All octets of `from' through a piece of memory. */
static int
pour(int from, const char *from_path, int to, const char *to_path, char *piece,
    crypto_generichash_state *hash, uint64_t *octets, struct backup_pace *p,
    struct fail *f)
{
	for (;;) {
		ssize_t n = read(from, piece, PIECE);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return backup_fail(f, from_path);
		if (n == 0)
			return 0;
		crypto_generichash_update(
		    hash, (const unsigned char *)piece, (size_t)n);
		*octets += (uint64_t)n;
		if (to != -1 && backup_write(to, to_path,
				    (struct str){piece, (size_t)n}, f) == -1)
			return -1;
		if (backup_pace_step(p, (uint64_t)n, f) == -1)
			return -1;
	}
}

int
backup_pour(const char *from, int to, const char *to_path, uint64_t *octets,
    unsigned char hash[BACKUP_HASH], struct backup_pace *p, struct fail *f)
{
	int fd = open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	crypto_generichash_state state;
	char *piece;
	int rc;

	*octets = 0;
	if (fd == -1)
		return backup_fail(f, from);
	piece = mem_new(PIECE, 1);
	crypto_generichash_init(&state, NULL, 0, BACKUP_HASH);
	rc = pour(fd, from, to, to_path, piece, &state, octets, p, f);
	crypto_generichash_final(&state, hash, BACKUP_HASH);
	free(piece);
	close(fd);
	return rc;
}

int
backup_link(const char *from, const char *to, struct fail *f)
{
	if (link(from, to) == 0)
		return 1;
	/* no links here, too many, another file system, or the file is gone:
	 * then it is copied from where it is */
	if (errno == EXDEV || errno == EPERM || errno == EMLINK ||
	    errno == EOPNOTSUPP || errno == ENOSYS || errno == ENOENT ||
	    errno == EACCES)
		return 0;
	return backup_fail(f, to);
}

int
backup_mkdir(const char *path, struct fail *f)
{
	if (mkdir(path, 0700) == -1 && errno != EEXIST)
		return backup_fail(f, path);
	return 0;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	remove(path);
	return 0;
}

void
backup_remove_tree(const char *path)
{
	nftw(path, remove_one, OPEN_DIRS, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}
