/* SPDX-License-Identifier: MIT */
#include "common/store/route_mark.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/store/disk.h"
#include "common/store/sql.h"
#include "common/util/rand.h"

static int
put_mark(int fd, uint64_t mark)
{
	const char *at = (const char *)&mark;
	size_t done = 0;

	while (done < sizeof(mark)) {
		ssize_t n = pwrite(
		    fd, at + done, sizeof(mark) - done, (off_t)done);

		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		done += (size_t)n;
	}
	return 0;
}

/* A random one: nobody need know the one before, and of two who write at once
 * either is new to every reader, as is half of each. */
static int
write_mark(const char *dir, struct fail *f)
{
	char *path = disk_path(dir, ROUTE_MARK_FILE);
	uint64_t mark = rand_u64();
	int fd = open(path, O_WRONLY | O_CLOEXEC), rc = 0;

	if (fd == -1 && errno == ENOENT && /* a person's doing */
	    disk_make_file(dir, ROUTE_MARK_FILE, 0660, f) == 0)
		fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd == -1 || put_mark(fd, mark) == -1)
		rc = fail(f, FAIL_TEMP, "store: %s: %s", path, strerror(errno));
	if (fd != -1)
		close(fd);
	free(path);
	return rc;
}

int
route_mark_change(struct db *db, struct fail *f)
{
	db->routes_change = true;
	return write_mark(db->dir, f);
}

void
route_mark_committed(struct db *db)
{
	struct fail ignored;

	if (!db->routes_change)
		return;
	db->routes_change = false;
	write_mark(db->dir, &ignored);
}

int
route_mark_open(const char *dir, struct fail *f)
{
	char *path = disk_path(dir, ROUTE_MARK_FILE);
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd == -1)
		fail(f, FAIL_TEMP, "store: %s: %s", path, strerror(errno));
	free(path);
	return fd;
}

bool
route_mark_read(int fd, uint64_t *mark)
{
	ssize_t n = pread(fd, mark, sizeof(*mark), 0);

	if (n == 0) /* nothing was ever changed */
		*mark = 0;
	return n == 0 || n == sizeof(*mark);
}
