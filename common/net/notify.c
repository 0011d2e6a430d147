/* SPDX-License-Identifier: MIT */
#include "common/net/notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/net/address.h"
#include "common/net/loop_internal.h"
#include "common/net/unix_socket.h"

#define NOTICE_MAX 2048 /* a longer one is none of ours */

struct notice_inbox {
	struct watch *watch;
	struct unix_socket socket;
	void (*fn)(void *arg, struct str text);
	void *arg; /* borrowed */
};

static void
on_notice(void *arg)
{
	struct notice_inbox *n = arg;
	char text[NOTICE_MAX];
	ssize_t len = recv(n->socket.fd, text, sizeof(text), MSG_TRUNC);

	if (len >= 0 && (size_t)len <= sizeof(text))
		n->fn(n->arg, (struct str){text, (size_t)len});
}

static void
close_left(void *arg)
{
	notice_inbox_free(arg);
}

struct notice_inbox *
notice_inbox_new(struct loop *l, const char *path,
    void (*fn)(void *arg, struct str text), void *arg, struct fail *f)
{
	struct notice_inbox *n = MEM_NEW(struct notice_inbox);

	if (unix_socket_bind(&n->socket, path, SOCK_DGRAM, f) == -1) {
		free(n);
		return NULL;
	}
	n->fn = fn;
	n->arg = arg;
	n->watch = watch_new_owned(l, n->socket.fd, on_notice, close_left, n);
	return n;
}

void
notice_inbox_free(struct notice_inbox *n)
{
	if (n == NULL)
		return;
	watch_free(n->watch);
	unix_socket_close(&n->socket);
	free(n);
}

static bool
send_datagram(const void *to, socklen_t to_len, struct str text)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	ssize_t n;

	if (fd == -1)
		return false;
	n = sendto(fd, text.at, text.len, MSG_NOSIGNAL, to, to_len);
	close(fd);
	return n == (ssize_t)text.len;
}

bool
notice_send(const char *path, struct str text)
{
	struct address to;

	return text.len <= NOTICE_MAX && address_from_path(path, &to) &&
	       send_datagram(&to.sa, address_len(&to), text);
}

void
notify_supervisor(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct address to;
	struct sockaddr_un *un = (struct sockaddr_un *)&to.sa;

	if (path == NULL || (path[0] != '/' && path[0] != '@') ||
	    !address_from_path(path, &to))
		return;
	socklen_t len = address_len(&to);
	if (path[0] == '@') { /* an abstract name ends without NUL */
		un->sun_path[0] = '\0';
		len--;
	}
	send_datagram(un, len, str_of(state));
}
