/* SPDX-License-Identifier: MIT */
#include "common/net/listen.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/net/listen_internal.h"
#include "common/net/loop_internal.h"

#define FIRST_FD   3   /* SD_LISTEN_FDS_START */
#define MAX_PASSED 64  /* descriptors we believe in */
#define PAUSE_MS   100 /* out of descriptors */

struct listener {
	struct watch *watch;
	struct timer *pause;
	int fd;
	int reserve; /* given up to accept and refuse; -1: was not to be had */
	listen_accept *fn;
	void *arg; /* borrowed */
	struct address address;
	void (*owner_close)(void *arg); /* or NULL */
};

/* ---- activation ---- */

static bool
is_socket(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode);
}

/* Descriptors that were meant for this process. */
static uint64_t
passed(void)
{
	const char *pid = getenv("LISTEN_PID");
	uint64_t n;

	if (pid != NULL && (!str_to_u64(str_of(pid), INT32_MAX, &n) ||
			       n != (uint64_t)getpid()))
		return 0;
	if (!str_to_u64(str_of(getenv("LISTEN_FDS")), MAX_PASSED, &n))
		return 0;
	return n;
}

size_t
listen_activated(const char *name, int *fds, size_t max)
{
	struct str names = str_of(getenv("LISTEN_FDNAMES"));
	uint64_t n = passed();
	size_t found = 0;

	for (uint64_t i = 0; i < n && found < max; i++) {
		int fd = FIRST_FD + (int)i;

		if (!str_eq(str_cut(&names, ':'), str_of(name)) ||
		    !is_socket(fd))
			continue;
		fcntl(fd, F_SETFD, FD_CLOEXEC);
		fds[found++] = fd;
	}
	return found;
}

/* ---- binding ---- */

static bool
is_any_v6(const struct address *at)
{
	const struct sockaddr_in6 *v6 = (const void *)&at->sa;

	return at->sa.ss_family == AF_INET6 &&
	       IN6_IS_ADDR_UNSPECIFIED(&v6->sin6_addr);
}

static int
bind_and_listen(const struct address *at)
{
	int fd = socket(
	    at->sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int on = 1, only = !is_any_v6(at), err;

	if (fd == -1)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (at->sa.ss_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof(only));
	if (bind(fd, (const struct sockaddr *)&at->sa, address_len(at)) == 0 &&
	    listen(fd, SOMAXCONN) == 0)
		return fd;
	err = errno;
	close(fd);
	errno = err;
	return -1;
}

int
listen_bind(const struct address *at, struct fail *f)
{
	char text[ADDRESS_TEXT_MAX];
	int fd = bind_and_listen(at);

	/* `*' means IPv4 too, also where there is no IPv6 */
	if (fd == -1 && is_any_v6(at) &&
	    (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL)) {
		const uint8_t any[4] = {0};
		struct address v4 = address_from_bytes(
		    any, 4, address_port(at));

		fd = bind_and_listen(&v4);
	}
	if (fd == -1)
		return fail(f, FAIL_PERM, "cannot listen on %s port %u: %s",
		    address_ip_text(at, text), address_port(at),
		    strerror(errno));
	return fd;
}

/* ---- accepting ---- */

static int
open_reserve(void)
{
	return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static int
accept_one(struct listener *l, struct address *peer)
{
	socklen_t len = sizeof(peer->sa);

	*peer = (struct address){0};
	return accept4(l->fd, (struct sockaddr *)&peer->sa, &len,
	    SOCK_NONBLOCK | SOCK_CLOEXEC);
}

static void
on_pause_over(void *arg)
{
	struct listener *l = arg;

	if (l->reserve == -1)
		l->reserve = open_reserve();
	watch_enable(l->watch, true);
}

/* Without this the waiting connection would wake us for ever. */
static void
refuse_one(struct listener *l)
{
	struct address peer;
	int fd = -1;

	watch_enable(l->watch, false);
	timer_set(l->pause, PAUSE_MS);
	if (l->reserve != -1) {
		close(l->reserve);
		l->reserve = -1;
		fd = accept_one(l, &peer);
	}
	if (fd >= 0)
		l->fn(l->arg, fd, &peer, true);
}

/* One at a time: the others want their turn, and fn may free the listener. */
static void
on_connection(void *arg)
{
	struct listener *l = arg;
	struct address peer;
	int fd = accept_one(l, &peer);

	if (fd >= 0)
		l->fn(l->arg, fd, &peer, false);
	else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
		 errno == ENOMEM)
		refuse_one(l);
	/* else that one peer is gone already: accept(2) */
}

static void
close_left(void *arg)
{
	struct listener *l = arg;

	if (l->owner_close != NULL)
		l->owner_close(l->arg);
	else
		listener_free(l);
}

struct listener *
listener_new(struct loop *loop, int fd, listen_accept *fn, void *arg)
{
	struct listener *l = MEM_NEW(struct listener);
	socklen_t len = sizeof(l->address.sa);
	int flags = fcntl(fd, F_GETFL);

	assert(fd >= 0 && fn != NULL);
	fcntl(fd, F_SETFL, flags | O_NONBLOCK);
	listen(fd, SOMAXCONN); /* handed in merely bound, it would spin */
	l->fd = fd;
	l->fn = fn;
	l->arg = arg;
	getsockname(fd, (struct sockaddr *)&l->address.sa, &len);
	l->reserve = open_reserve();
	l->pause = timer_new(loop, on_pause_over, l);
	l->watch = watch_new_owned(loop, fd, on_connection, close_left, l);
	return l;
}

void
listener_owned(struct listener *l, void (*close)(void *arg))
{
	l->owner_close = close;
}

const struct address *
listener_address(const struct listener *l)
{
	return &l->address;
}

void
listener_free(struct listener *l)
{
	if (l == NULL)
		return;
	watch_free(l->watch);
	timer_free(l->pause);
	close(l->fd);
	if (l->reserve != -1)
		close(l->reserve);
	free(l);
}
