/* SPDX-License-Identifier: MIT */
#include "tests/fault/faulty_files.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/fault/faulty.h"

static struct {
	bool hurry;
	const struct faulty_watcher *watcher;
} files;

void
faulty_files_hurry(void)
{
	files.hurry = true;
}

void
faulty_files_watch(const struct faulty_watcher *w)
{
	files.watcher = w;
}

/* Declares `next', the library's function of that name. */
#define NEXT(name)                                                             \
	static __typeof__(name) *next;                                         \
	if (next == NULL)                                                      \
	*(void **)&next = dlsym(RTLD_NEXT, #name)

/* Tell the watcher, if there is one. */
#define TELL(what, ...)                                                        \
	do {                                                                   \
		if (files.watcher != NULL)                                     \
			files.watcher->what(files.watcher->arg, __VA_ARGS__);  \
	} while (0)

/* Of a call of the store's own: 0 to go on, -1 with errno. */
static int
meet(enum faulty_op op)
{
	enum faulty_fate fate;

	if (faulty_is_inside())
		return 0;
	fate = faulty_meet(op);
	if (fate == FAULTY_FINE)
		return 0;
	errno = fate == FAULTY_NO_ROOM ? ENOSPC : EIO;
	return -1;
}

/* Of a call by anybody that may be interrupted, or do less: *n is what it
 * shall do.  0 to go on, -1 with errno. */
static int
meet_any(enum faulty_op op, size_t *n)
{
	enum faulty_fate fate = faulty_meet(op);

	if (fate == FAULTY_LESS && *n > 1)
		*n /= 2;
	if (fate != FAULTY_INTERRUPTED)
		return 0;
	errno = EINTR;
	return -1;
}

/* ---- names ---- */

typedef int open_function(const char *path, int flags, ...);

static int
do_open(open_function *next, const char *path, int flags, mode_t mode)
{
	struct stat st;
	bool made = (flags & O_CREAT) != 0 && lstat(path, &st) == -1;
	int fd;

	if (meet((flags & O_CREAT) != 0 ? FAULTY_CREATE : FAULTY_OPEN) == -1)
		return -1;
	fd = next(path, flags, mode);
	if (fd != -1)
		TELL(opened, path, fd, made);
	return fd;
}

static mode_t
mode_of(int flags, va_list ap)
{
	return (flags & O_CREAT) != 0 ? va_arg(ap, mode_t) : 0;
}

int
open(const char *path, int flags, ...)
{
	NEXT(open);
	va_list ap;
	mode_t mode;

	va_start(ap, flags);
	mode = mode_of(flags, ap);
	va_end(ap);
	return do_open(next, path, flags, mode);
}

int
open64(const char *path, int flags, ...)
{
	NEXT(open64);
	va_list ap;
	mode_t mode;

	va_start(ap, flags);
	mode = mode_of(flags, ap);
	va_end(ap);
	return do_open(next, path, flags, mode);
}

int
mkdir(const char *path, mode_t mode)
{
	NEXT(mkdir);
	int rc;

	if (meet(FAULTY_MKDIR) == -1)
		return -1;
	rc = next(path, mode);
	if (rc == 0)
		TELL(made_folder, path);
	return rc;
}

int
rename(const char *from, const char *to)
{
	NEXT(rename);
	int rc;

	if (meet(FAULTY_RENAME) == -1)
		return -1;
	rc = next(from, to);
	if (rc == 0)
		TELL(renamed, from, to);
	return rc;
}

int
link(const char *from, const char *to)
{
	NEXT(link);
	int rc;

	if (meet(FAULTY_LINK) == -1)
		return -1;
	rc = next(from, to);
	if (rc == 0)
		TELL(linked, from, to);
	return rc;
}

int
unlink(const char *path)
{
	NEXT(unlink);
	int rc;

	if (meet(FAULTY_UNLINK) == -1)
		return -1;
	rc = next(path);
	if (rc == 0)
		TELL(removed, path);
	return rc;
}

/* ---- octets ---- */

ssize_t
read(int fd, void *to, size_t n)
{
	NEXT(read);

	if (meet(FAULTY_READ) == -1 || meet_any(FAULTY_ANY_READ, &n) == -1)
		return -1;
	return next(fd, to, n);
}

ssize_t
pread(int fd, void *to, size_t n, off_t at)
{
	NEXT(pread);

	if (meet(FAULTY_PREAD) == -1 || meet_any(FAULTY_ANY_PREAD, &n) == -1)
		return -1;
	return next(fd, to, n, at);
}

ssize_t
pread64(int fd, void *to, size_t n, off64_t at)
{
	NEXT(pread64);

	if (meet(FAULTY_PREAD) == -1 || meet_any(FAULTY_ANY_PREAD, &n) == -1)
		return -1;
	return next(fd, to, n, at);
}

ssize_t
write(int fd, const void *from, size_t n)
{
	NEXT(write);
	enum faulty_fate fate;
	ssize_t done;

	fate = faulty_is_inside() ? FAULTY_FINE : faulty_meet(FAULTY_WRITE);
	if (fate == FAULTY_HALF) {
		n /= 2;
	} else if (fate != FAULTY_FINE) {
		errno = fate == FAULTY_NO_ROOM ? ENOSPC : EIO;
		return -1;
	}
	if (meet_any(FAULTY_ANY_WRITE, &n) == -1)
		return -1;
	done = next(fd, from, n);
	if (done > 0 && files.watcher != NULL)
		TELL(wrote, fd, from, (size_t)done,
		    lseek(fd, 0, SEEK_CUR) - (off_t)done);
	if (fate == FAULTY_HALF) {
		errno = EIO;
		return -1;
	}
	return done;
}

ssize_t
pwrite(int fd, const void *from, size_t n, off_t at)
{
	NEXT(pwrite);
	ssize_t done;

	if (meet_any(FAULTY_ANY_PWRITE, &n) == -1)
		return -1;
	done = next(fd, from, n, at);
	if (done > 0)
		TELL(wrote, fd, from, (size_t)done, at);
	return done;
}

ssize_t
pwrite64(int fd, const void *from, size_t n, off64_t at)
{
	NEXT(pwrite64);
	ssize_t done;

	if (meet_any(FAULTY_ANY_PWRITE, &n) == -1)
		return -1;
	done = next(fd, from, n, at);
	if (done > 0)
		TELL(wrote, fd, from, (size_t)done, at);
	return done;
}

int
ftruncate64(int fd, off64_t size)
{
	NEXT(ftruncate64);
	size_t ignored = 0;
	int rc;

	if (meet_any(FAULTY_ANY_FTRUNCATE, &ignored) == -1)
		return -1;
	rc = next(fd, size);
	if (rc == 0)
		TELL(truncated, fd, size);
	return rc;
}

int
ftruncate(int fd, off_t size)
{
	return ftruncate64(fd, size);
}

/* ---- the rest ---- */

/* What is to be said without asking the disk: 0, -1; 1: ask it. */
static int
sync_fate(int fd)
{
	enum faulty_sync fate = FAULTY_SYNC_DONE;

	if (files.watcher != NULL)
		fate = files.watcher->synced(files.watcher->arg, fd);
	if (fate == FAULTY_SYNC_FAILED) {
		errno = EIO;
		return -1;
	}
	return fate == FAULTY_SYNC_SKIPPED || files.hurry ? 0 : 1;
}

int
fsync(int fd)
{
	NEXT(fsync);
	int rc;

	if (meet(FAULTY_FSYNC) == -1)
		return -1;
	rc = sync_fate(fd);
	return rc == 1 ? next(fd) : rc;
}

int
fdatasync(int fd)
{
	NEXT(fdatasync);
	int rc;

	if (meet(FAULTY_FDATASYNC) == -1)
		return -1;
	rc = sync_fate(fd);
	return rc == 1 ? next(fd) : rc;
}

int
fchmod(int fd, mode_t mode)
{
	NEXT(fchmod);

	return meet(FAULTY_FCHMOD) == -1 ? -1 : next(fd, mode);
}

int
flock(int fd, int how)
{
	NEXT(flock);
	size_t ignored = 0;

	if (how != LOCK_UN && (meet(FAULTY_FLOCK) == -1 ||
				  meet_any(FAULTY_ANY_FLOCK, &ignored) == -1))
		return -1;
	return next(fd, how);
}
