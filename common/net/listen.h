/* SPDX-License-Identifier: MIT */
/*
 * listen: listening sockets, their own or handed in by systemd.
 *
 * activation: sockets passed by LISTEN_FDS/LISTEN_FDNAMES (sd_listen_fds(3));
 * `mailctl run' passes them the same way.  Several sockets may carry one
 * name ("smtp" on IPv4 and IPv6).
 *
 * Running out of file descriptors does not spin: a reserve descriptor is
 * given up to accept and refuse, and accepting pauses for 100 ms.
 */
#ifndef NET_LISTEN_H
#define NET_LISTEN_H

#include "common/net/address.h"
#include "common/net/loop.h"
#include "common/util/fail.h"

struct listener;

/* A new connection; fd is the callee's.  refuse is true when the process has
 * too many descriptors: say 421 or the like if it can be said at once, close.
 */
typedef void listen_accept(
    void *arg, int fd, const struct address *peer, bool refuse);

/* Descriptors handed in under this name: how many, at most max of them in
 * fds.  The environment is left as it is. */
size_t listen_activated(const char *name, int *fds, size_t max);

/* Bind and listen.  Returns the descriptor or -1. */
int listen_bind(const struct address *at, struct fail *f);

/* Accept on fd (taken over).  arg is borrowed. */
struct listener *listener_new(
    struct loop *l, int fd, listen_accept *fn, void *arg);
const struct address *listener_address(const struct listener *l);
void listener_free(struct listener *l); /* closes the descriptor */

#endif
