/* SPDX-License-Identifier: MIT */
#include "common/control/owner.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/store/disk.h"

#define PATH_ROOM 4096
#define STEP_MS   20

int
owner_take(const char *store_dir, int64_t wait_ms, struct fail *f)
{
	const struct timespec step = {0, STEP_MS * 1000000};
	char path[PATH_ROOM];
	int fd;

	if (snprintf(path, sizeof(path), "%s/maild.lock", store_dir) >=
	    (int)sizeof(path))
		return fail(f, FAIL_PERM, "the store's path is too long");
	/* mkdir() does not set the set-group-id bit */
	if (mkdir(store_dir, 0770) == 0)
		chmod(store_dir, 02770);
	else if (errno != EEXIST)
		return fail(
		    f, FAIL_PERM, "mkdir %s: %s", store_dir, strerror(errno));
	fd = open(path, O_RDONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0660);
	if (fd == -1)
		return fail(f, FAIL_PERM, "%s: %s", path, strerror(errno));
	for (; disk_try_lock(fd, LOCK_EX) == -1; wait_ms -= STEP_MS) {
		if (errno != EWOULDBLOCK || wait_ms <= 0) {
			fail(f, FAIL_TEMP, "%s: %s", path,
			    errno == EWOULDBLOCK ? "another process owns it"
						 : strerror(errno));
			close(fd);
			return -1;
		}
		nanosleep(&step, NULL);
	}
	return fd;
}
