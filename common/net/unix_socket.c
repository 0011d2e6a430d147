/* SPDX-License-Identifier: MIT */
#include "common/net/unix_socket.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/net/address.h"
#include "common/util/mem.h"

static int
bind_at(int fd, const struct address *at, const char *path, int type)
{
	struct stat st;

	if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode))
		unlink(path);
	/* the mode of the inode to come: no moment in which it is wider */
	if (fchmod(fd, 0660) == -1 ||
	    bind(fd, (const struct sockaddr *)&at->sa, address_len(at)) == -1)
		return -1;
	return type == SOCK_STREAM ? listen(fd, SOMAXCONN) : 0;
}

int
unix_socket_bind(
    struct unix_socket *u, const char *path, int type, struct fail *f)
{
	struct address at;
	struct stat st;
	int err;

	*u = (struct unix_socket){.fd = -1};
	if (!address_from_path(path, &at))
		return fail(f, FAIL_PERM,
		    "%s: too long for the path of a Unix socket", path);
	u->fd = socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (u->fd == -1 || bind_at(u->fd, &at, path, type) == -1 ||
	    stat(path, &st) == -1) {
		err = errno;
		if (u->fd != -1)
			close(u->fd);
		u->fd = -1;
		return fail(f, FAIL_PERM, "%s: cannot be bound: %s", path,
		    strerror(err));
	}
	u->path = mem_dup(str_of(path));
	u->device = st.st_dev;
	u->inode = st.st_ino;
	u->group = st.st_gid;
	return 0;
}

void
unix_socket_close(struct unix_socket *u)
{
	struct stat st;

	if (u->path != NULL && lstat(u->path, &st) == 0 &&
	    st.st_dev == u->device && st.st_ino == u->inode)
		unlink(u->path);
	if (u->fd != -1)
		close(u->fd);
	free(u->path);
	*u = (struct unix_socket){.fd = -1};
}
