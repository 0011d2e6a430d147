/* SPDX-License-Identifier: MIT */
#include "common/store/sweep_pause.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "common/store/disk.h"

#define NAME "sweep.pause"

int
sweep_pause_begin(const char *store, struct fail *f)
{
	char *path = disk_path(store, NAME);
	int fd = -1;

	if (disk_make_file(store, NAME, 0660, f) == 0) {
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd == -1 || disk_try_lock(fd, LOCK_SH) == -1) {
			fail(f, FAIL_TEMP, "store: %s: %s", path,
			    strerror(errno));
			if (fd != -1)
				close(fd);
			fd = -1;
		}
	}
	free(path);
	return fd;
}

int
sweep_pause_look(const char *store, struct fail *f)
{
	char *path = disk_path(store, NAME);
	int fd = open(path, O_RDONLY | O_CLOEXEC), got = 0;

	if (fd == -1 && errno != ENOENT)
		got = fail(
		    f, FAIL_TEMP, "store: %s: %s", path, strerror(errno));
	if (fd != -1 && disk_try_lock(fd, LOCK_EX) == -1)
		got = errno == EWOULDBLOCK ? 1
		                           : fail(f, FAIL_TEMP, "store: %s: %s",
						 path, strerror(errno));
	if (fd != -1)
		close(fd);
	free(path);
	return got;
}
