/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/util/mem.h"
#include "mailctl/export.h"

#define PIECE (64 * KB)

int
export_read(struct export_message *m, struct buf *room, struct str *piece,
    struct fail *f)
{
	int got;

	if (m->begin.len > 0) {
		*piece = m->begin;
		m->begin.len = 0;
		return 1;
	}
	if (m->whole)
		return 0;
	buf_clear(room);
	got = body_read(m->body, PIECE, room, f);
	m->whole = got == 0;
	*piece = buf_str(room);
	return got == -1 ? -1 : piece->len > 0;
}

int
export_mkdir(const char *path, struct fail *f)
{
	char part[EXPORT_PATH];
	size_t len = strlen(path);

	if (len >= sizeof(part))
		return fail(f, FAIL_PERM, "its path would be too long");
	for (size_t i = 1; i <= len; i++) {
		if (path[i] != '/' && path[i] != '\0')
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		if (mkdir(part, 0700) == -1 && errno != EEXIST)
			return fail(f, FAIL_PERM, "mkdir: %s", strerror(errno));
	}
	return 0;
}

int
export_write(int fd, struct str octets, const char *path, struct fail *f)
{
	while (octets.len > 0) {
		ssize_t n = write(fd, octets.at, octets.len);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return fail(f, errno == ENOSPC ? FAIL_DISK : FAIL_TEMP,
			    "%s: %s", path, strerror(errno));
		octets = str_after(octets, (size_t)n);
	}
	return 0;
}

int
export_close(int fd, int64_t ms, const char *path, struct fail *f)
{
	int64_t part = (ms % 1000 + 1000) % 1000;
	const struct timespec when = {(ms - part) / 1000, part * 1000000};
	const struct timespec times[2] = {when, when};
	bool good = futimens(fd, times) == 0;

	if (close(fd) == -1 || !good)
		return fail(f, FAIL_TEMP, "%s: %s", path, strerror(errno));
	return 0;
}
