/* SPDX-License-Identifier: MIT */
/* unix_socket: a bound Unix socket that takes its path along when it goes. */
#ifndef NET_UNIX_SOCKET_H
#define NET_UNIX_SOCKET_H

#include <sys/types.h>

#include "common/util/fail.h"

struct unix_socket {
	int fd; /* -1 when somebody else took it over */
	char *path;
	dev_t device; /* of the path when it was bound */
	ino_t inode;
	gid_t group;
};

/* type is SOCK_STREAM (listening) or SOCK_DGRAM.  An old socket at path is
 * replaced, any other file is not; mode 0660 less the umask. */
int unix_socket_bind(
    struct unix_socket *u, const char *path, int type, struct fail *f);

/* Close, and remove the path if it is still ours. */
void unix_socket_close(struct unix_socket *u);

#endif
