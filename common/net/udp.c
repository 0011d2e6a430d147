/* SPDX-License-Identifier: MIT */
#include "common/net/udp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/net/loop_internal.h"

struct udp {
	struct watch *watch;
	struct loop *loop; /* borrowed */
	int fd;
	udp_packet *fn;
	void *arg; /* borrowed */
};

static void
on_packet(void *arg)
{
	struct udp *u = arg;
	char *bytes = loop_scratch(u->loop);
	struct address from = {0};
	socklen_t from_len = sizeof(from.sa);
	ssize_t n = recvfrom(u->fd, bytes, LOOP_SCRATCH, 0,
	    (struct sockaddr *)&from.sa, &from_len);

	if (n >= 0) /* else an ICMP error: forgotten by having been read */
		u->fn(u->arg, u, &from, (struct str){bytes, (size_t)n});
}

static void
close_left(void *arg)
{
	udp_free(arg);
}

struct udp *
udp_new(struct loop *l, const struct address *at, udp_packet *fn, void *arg,
    struct fail *f)
{
	char text[ADDRESS_TEXT_MAX];
	struct udp *u = MEM_NEW(struct udp);

	u->loop = l;
	u->fn = fn;
	u->arg = arg;
	u->fd = socket(
	    at->sa.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (u->fd == -1 || bind(u->fd, (const struct sockaddr *)&at->sa,
			       address_len(at)) == -1) {
		fail(f, FAIL_PERM, "cannot bind UDP %s port %u: %s",
		    address_ip_text(at, text), address_port(at),
		    strerror(errno));
		if (u->fd != -1)
			close(u->fd);
		free(u);
		return NULL;
	}
	u->watch = watch_new_owned(l, u->fd, on_packet, close_left, u);
	return u;
}

struct address
udp_local(const struct udp *u)
{
	struct address a = {0};
	socklen_t len = sizeof(a.sa);

	getsockname(u->fd, (struct sockaddr *)&a.sa, &len);
	return a;
}

void
udp_send(struct udp *u, const struct address *to, struct str bytes)
{
	/* a full queue loses the packet, as the network may */
	sendto(u->fd, bytes.at, bytes.len, MSG_NOSIGNAL,
	    (const struct sockaddr *)&to->sa, address_len(to));
}

void
udp_free(struct udp *u)
{
	if (u == NULL)
		return;
	watch_free(u->watch);
	close(u->fd);
	free(u);
}
