/* SPDX-License-Identifier: MIT */
/* actors_internal: what actors.c and actor_session.c share. */
#ifndef MAILCTL_ACTORS_INTERNAL_H
#define MAILCTL_ACTORS_INTERNAL_H

#include "common/net/listen.h"
#include "common/net/tls.h"
#include "mailctl/actors.h"

#define ACTOR_SESSIONS_MAX 500 /* of a server */

struct actor_session;

struct actor_server {
	const struct actors_options *o;
	struct actor_rules *rules; /* borrowed */
	int fd;                    /* until it listens; then -1 */
	struct listener *listener;
	struct tls *tls; /* NULL: it has no certificate */
	char *dir;
	size_t messages, files; /* kept; begun */
	struct actor_session *sessions;
	size_t n_sessions;
};

/* Serve a connection; fd is taken over. */
void actor_session_start(
    struct actor_server *s, int fd, const struct address *peer);
void actor_session_end(struct actor_session *s); /* at once */
struct actor_session *actor_session_next(const struct actor_session *s);

#endif
