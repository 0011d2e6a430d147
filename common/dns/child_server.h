/* SPDX-License-Identifier: MIT */
/*
 * child_server: the other side of child.h, libunbound in a process that can do
 * nothing else, and all that is to be known about it.
 *
 *   daemon --fork--> nursery --fork--> server
 *              ^ answers of the server, and word of its death    |
 *              +-------------------------------------------------+
 *
 * The server reads what strangers send; it may open UDP sockets, and TCP
 * connections to the ports of name servers, and no file at all.  The nursery
 * looks at nothing: it starts another server when one has died, which
 * the daemon, once in its sandbox, cannot.
 *
 * Both end when the daemon's end of the socket is closed, thus also when it
 * dies.
 */
#ifndef DNS_CHILD_SERVER_H
#define DNS_CHILD_SERVER_H

#include "common/dns/resolver.h"
#include "common/net/sandbox.h"

/* What the server may do (ports: of o->forward besides 53). */
struct sandbox_profile child_server_profile(const struct resolver_options *o);

/* The nursery: in a process of its own, at fd. */
_Noreturn void child_server_run(int fd, const struct resolver_options *o);

#endif
