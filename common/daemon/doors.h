/* SPDX-License-Identifier: MIT */
/*
 * doors: a daemon's listening sockets, by service.
 *
 * A service's sockets are those handed in under its name (listen.h), else
 * those of its configured list.  The options of a socket are those of its word
 * in the list; of one handed in, those of the first word for its address that
 * no other socket has (port 0 is any port), if there is one.  Three steps: open
 * before privileges are dropped, listen when all is ready, close at stop.
 */
#ifndef DAEMON_DOORS_H
#define DAEMON_DOORS_H

#include "common/conf/conf.h"
#include "common/daemon/listen_options.h"
#include "common/net/listen.h"

#define DOOR_SOCKETS_MAX 32 /* of one service */

struct doors;

struct door_service {
	const char *name;               /* "smtp", as in [listen] */
	const struct conf_list *places; /* read by doors_open() only */
	bool has_options;               /* false: an address:port and no more */
};

/* Through which door somebody came; valid until doors_close(). */
struct door_entry {
	size_t service; /* index of its door_service */
	const struct listen_options *options;
};

/* A connection; the rest as listen_accept. */
typedef void door_entered(void *arg, const struct door_entry *where, int fd,
    const struct address *peer, bool refuse);

/* conf: where the places stand, so that its line can be named, or NULL.  Take
 * or bind all sockets.  NULL on failure: FAIL_SYNTAX when the configuration is
 * to blame, as when there is no socket at all, or too many for one service. */
struct doors *doors_open(const struct conf *conf,
    const struct door_service *services, size_t n, struct fail *f);

/* Accept from now on.  arg is borrowed. */
void doors_listen(struct doors *d, struct loop *l, door_entered *fn, void *arg);

/* Close and free; NULL is fine. */
void doors_close(struct doors *d);

#endif
