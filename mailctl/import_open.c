/* SPDX-License-Identifier: MIT */
#include "mailctl/import_open.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/util/mem.h"

#define FLAGS (O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)

/* A link to the top that somebody else made may lead anywhere. */
static bool
is_of_others(const char *path, const struct stat *target)
{
	char *bare = mem_dup(str_of(path));
	size_t len = strlen(bare);
	struct stat link;
	bool others;

	while (len > 1 && bare[len - 1] == '/')
		bare[--len] = '\0'; /* lstat() would follow it */
	others = lstat(bare, &link) == 0 && S_ISLNK(link.st_mode) &&
	         link.st_uid != 0 && link.st_uid != geteuid() &&
	         link.st_uid != target->st_uid;
	free(bare);
	return others;
}

struct import_top *
import_top_new(const char *path, struct stat *st, struct fail *f)
{
	char *resolved = realpath(path, NULL);
	struct import_top *top;

	if (resolved == NULL || stat(resolved, st) == -1) {
		free(resolved);
		fail(f, FAIL_PERM, "%s: %s", path, strerror(errno));
		return NULL;
	}
	if (is_of_others(path, st)) {
		fail(f, FAIL_PERM,
		    "%s: it is a symbolic link of somebody else's: name "
		    "what it leads to, %s",
		    path, resolved);
		free(resolved);
		return NULL;
	}
	top = MEM_NEW(struct import_top);
	top->path = resolved;
	top->owner = st->st_uid;
	return top;
}

void
import_top_free(struct import_top *top)
{
	if (top == NULL)
		return;
	free(top->path);
	free(top);
}

static bool
is_within(const char *path, const struct import_top *top)
{
	struct str s = str_of(path), above = str_of(top->path);

	if (!str_starts(s, above))
		return false;
	return s.len == above.len || above.len == 1 || s.at[above.len] == '/';
}

/* Without any link: there is none in what realpath() gave, unless it was put
 * there since. */
static int
open_within(const char *resolved)
{
	const struct open_how how = {
	    .flags = FLAGS, .resolve = RESOLVE_NO_SYMLINKS};
	int fd = (int)syscall(
	    SYS_openat2, AT_FDCWD, resolved, &how, sizeof(how));

	/* an old kernel, or a container that knows no such call */
	if (fd == -1 && (errno == ENOSYS || errno == EPERM))
		fd = open(resolved, FLAGS | O_NOFOLLOW);
	return fd;
}

int
import_source_open(const struct import_top *top, const char *path,
    struct stat *st, struct fail *f)
{
	char *resolved = realpath(path, NULL);
	bool within = resolved != NULL && is_within(resolved, top);
	int fd = resolved == NULL ? -1
	         : within         ? open_within(resolved)
	                          : open(resolved, FLAGS | O_NOFOLLOW);
	bool good = fd != -1 && fstat(fd, st) == 0;

	if (!good && errno != ENOENT)
		fail(f, FAIL_PERM, "%s", strerror(errno));
	free(resolved);
	if (good && !within && (st->st_uid != top->owner || st->st_uid == 0))
		good = fail(f, FAIL_PERM,
			   "it is a symbolic link to what is elsewhere and "
			   "not its owner's") == 0;
	else if (good && !S_ISREG(st->st_mode))
		good = fail(f, FAIL_PERM, "it is no ordinary file") == 0;
	if (good)
		return fd;
	if (fd != -1)
		close(fd);
	return -1;
}
