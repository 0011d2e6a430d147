/* SPDX-License-Identifier: MIT */
#include "common/store/lock.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "common/store/disk.h"
#include "common/util/mem.h"

struct lock {
	int turnstile; /* A: held by the one who waits next */
	int room;      /* B: held by the one who works */
	bool held;
};

/* -1 on failure. */
static int
open_file(const char *dir, const char *stem, const char *end, struct fail *f)
{
	char name[DISK_NAME_MAX], *path;
	int fd;

	snprintf(name, sizeof(name), "%s.%s", stem, end);
	if (disk_make_file(dir, name, 0660, f) == -1)
		return -1;
	path = disk_path(dir, name);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd == -1)
		fail(f, FAIL_TEMP, "store: %s: %s", path, strerror(errno));
	free(path);
	return fd;
}

struct lock *
lock_new(const char *dir, const char *name, struct fail *f)
{
	struct lock *l = MEM_NEW(struct lock);

	l->room = -1;
	l->turnstile = open_file(dir, name, "a", f);
	if (l->turnstile != -1)
		l->room = open_file(dir, name, "b", f);
	if (l->room == -1) {
		lock_free(l);
		return NULL;
	}
	return l;
}

static int
take(int fd, struct fail *f)
{
	while (flock(fd, LOCK_EX) == -1)
		if (errno != EINTR)
			return fail(
			    f, FAIL_TEMP, "store: lock: %s", strerror(errno));
	return 0;
}

int
lock_take(struct lock *l, struct fail *f)
{
	int rc;

	assert(!l->held);
	if (take(l->turnstile, f) == -1)
		return -1;
	rc = take(l->room, f);
	flock(l->turnstile, LOCK_UN);
	l->held = rc == 0;
	return rc;
}

void
lock_give(struct lock *l)
{
	int rc;

	assert(l->held);
	l->held = false;
	rc = flock(l->room, LOCK_UN);
	assert(rc == 0);
}

void
lock_free(struct lock *l)
{
	if (l == NULL)
		return;
	assert(!l->held);
	if (l->turnstile != -1)
		close(l->turnstile);
	if (l->room != -1)
		close(l->room);
	free(l);
}
