/* SPDX-License-Identifier: MIT */
#include "common/util/clock.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MOVED_MOST_MS (INT64_C(100) * 366 * 86400 * 1000)

#define WALL_ONLY     8 /* octets of a file made before lapse_ms was in it */

struct moved { /* the file */
	_Atomic int64_t wall_ms;
	_Atomic int64_t lapse_ms; /* not of a step: only what has passed */
};

static_assert(sizeof(struct moved) == 16, "the file is 16 octets");

static int64_t
read_ms(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int64_t
system_wall(void *arg)
{
	(void)arg;
	return read_ms(CLOCK_REALTIME);
}

static int64_t
system_mono(void *arg)
{
	(void)arg;
	return read_ms(CLOCK_MONOTONIC);
}

const struct clock clock_system = {system_wall, system_mono, NULL};

int64_t
clock_wall_ms(const struct clock *c)
{
	return c->wall_ms(c->arg);
}

int64_t
clock_mono_ms(const struct clock *c)
{
	return c->mono_ms(c->arg);
}

static struct moved *
file_of(const struct clock *c)
{
	return c->arg;
}

static int64_t
moved_wall(void *arg)
{
	return system_wall(NULL) + atomic_load(&((struct moved *)arg)->wall_ms);
}

static bool
is_moved(const struct clock *c)
{
	return c->wall_ms == moved_wall;
}

static bool
is_sane(const struct clock *c)
{
	int64_t wall_ms = atomic_load(&file_of(c)->wall_ms);
	int64_t lapse_ms = atomic_load(&file_of(c)->lapse_ms);

	return wall_ms >= -MOVED_MOST_MS && wall_ms <= MOVED_MOST_MS &&
	       lapse_ms >= 0 && lapse_ms <= MOVED_MOST_MS;
}

static int
map(struct clock *out, int fd, const char *path, struct fail *f)
{
	struct clock c = {moved_wall, system_mono, NULL};
	struct stat st;

	if (fstat(fd, &st) == -1)
		return fail(f, FAIL_TEMP, "%s: %s", path, strerror(errno));
	/* somebody else's file is not made one of ours */
	if (st.st_size != 0 && st.st_size != WALL_ONLY &&
	    st.st_size != sizeof(struct moved))
		return fail(f, FAIL_PERM, "%s is no clock's file", path);
	if (ftruncate(fd, sizeof(struct moved)) == -1)
		return fail(f, FAIL_TEMP, "%s: %s", path, strerror(errno));
	c.arg = mmap(NULL, sizeof(struct moved), PROT_READ | PROT_WRITE,
	    MAP_SHARED, fd, 0);
	if (c.arg == MAP_FAILED)
		return fail(f, FAIL_TEMP, "%s: %s", path, strerror(errno));
	*out = c;
	if (is_sane(out))
		return 0;
	clock_moved_release(out);
	return fail(f, FAIL_PERM, "%s is no clock's file", path);
}

int
clock_moved(struct clock *out, const char *path, struct fail *f)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0660);
	int rc;

	if (fd == -1)
		return fail(f, FAIL_PERM, "%s: %s", path, strerror(errno));
	rc = map(out, fd, path, f);
	close(fd);
	return rc;
}

void
clock_moved_release(struct clock *c)
{
	if (!is_moved(c))
		return;
	munmap(c->arg, sizeof(struct moved));
	*c = clock_system;
}

bool
clock_advance(const struct clock *c, int64_t ms)
{
	struct moved *file = is_moved(c) ? file_of(c) : NULL;

	if (file == NULL || ms < 0 || ms > MOVED_MOST_MS ||
	    atomic_load(&file->wall_ms) > MOVED_MOST_MS - ms ||
	    atomic_load(&file->lapse_ms) > MOVED_MOST_MS - ms)
		return false;
	atomic_fetch_add(&file->wall_ms, ms);
	atomic_fetch_add(&file->lapse_ms, ms);
	return true;
}

int64_t
clock_lapse_ms(const struct clock *c)
{
	return clock_mono_ms(c) +
	       (is_moved(c) ? atomic_load(&file_of(c)->lapse_ms) : 0);
}
