/* SPDX-License-Identifier: MIT */
#include "common/net/ipc.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/net/conn_internal.h"
#include "common/net/ipc_line.h"
#include "common/net/listen_internal.h"
#include "common/net/unix_socket.h"

#define MAX_PEERS  512  /* connections; three daemons and their pools fit */
#define MAX_GROUPS 1024 /* of one peer; more and its groups do not count */

struct peer {
	struct peer *next, *prev;
	struct ipc_server *server; /* NULL: gone, the conn is being closed */
	struct conn *conn;
	struct ipc_request *request; /* being served, or NULL */
	size_t scanned;              /* input without a newline */
	uid_t uid;
};

struct ipc_request {
	struct peer *peer; /* NULL: nobody waits for the answer */
	uid_t uid;
	size_t len;
	char line[]; /* with NUL */
};

struct ipc_server {
	struct loop *loop;     /* borrowed */
	const struct log *log; /* borrowed */
	struct unix_socket socket;
	struct listener *listener;
	ipc_serve *fn;
	void *arg;         /* borrowed */
	struct peer peers; /* ring */
	size_t n_peers;
};

static void
forget_peer(struct peer *p)
{
	p->next->prev = p->prev;
	p->prev->next = p->next;
	p->server->n_peers--;
	p->server = NULL;
	if (p->request != NULL)
		p->request->peer = NULL;
	p->request = NULL;
}

static void
serve_line(struct peer *p, struct str line)
{
	struct ipc_request *r = mem_new(1, sizeof(*r) + line.len + 1);

	r->peer = p;
	r->uid = p->uid;
	r->len = line.len;
	if (line.len > 0)
		memcpy(r->line, line.at, line.len);
	p->request = r;
	conn_consume(p->conn, line.len + 1);
	p->scanned = 0;
	p->server->fn(p->server->arg, r, (struct str){r->line, r->len});
}

static void
on_ready(void *arg, struct conn *c)
{
	struct peer *p = arg;
	struct str line;

	while (p->server != NULL && p->request == NULL && conn_has_room(c) &&
	       ipc_line(conn_input(c), &p->scanned, &line))
		serve_line(p, line);
	if (p->server == NULL)
		return;
	if (p->request == NULL && conn_input(c).len > IPC_MAX) {
		log_warn(p->server->log, "ipc: line too long from uid %u",
		    (unsigned)p->uid);
		conn_abort(c);
	} else if (conn_eof(c) && p->request == NULL) {
		conn_finish(c);
	}
}

static void
on_closed(void *arg, enum conn_end end, const char *text)
{
	struct peer *p = arg;

	(void)end;
	(void)text;
	if (p->server != NULL)
		forget_peer(p);
	free(p);
}

static const struct conn_host peer_host = {
    .ready = on_ready,
    .closed = on_closed,
};

/* Is the peer a member of the group, by its main or its other ones? */
static bool
in_group(int fd, const struct ucred *who, gid_t group)
{
	gid_t groups[MAX_GROUPS];
	socklen_t len = sizeof(groups);

	if (who->gid == group)
		return true;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) == -1)
		return false;
	for (size_t i = 0; i < len / sizeof(groups[0]); i++)
		if (groups[i] == group)
			return true;
	return false;
}

static bool
may_ask(const struct ipc_server *s, int fd, uid_t *uid)
{
	struct ucred who;
	socklen_t len = sizeof(who);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == -1)
		return false;
	*uid = who.uid;
	if (who.uid == 0 || who.uid == geteuid() ||
	    in_group(fd, &who, s->socket.group))
		return true;
	log_warn(s->log, "ipc: %s: uid %u may not ask here", s->socket.path,
	    (unsigned)who.uid);
	return false;
}

static void
on_connection(void *arg, int fd, const struct address *address, bool refuse)
{
	struct ipc_server *s = arg;
	struct conn_limits limits = conn_default_limits();
	struct peer *p;
	uid_t uid;

	(void)address;
	if (refuse || s->n_peers >= MAX_PEERS || !may_ask(s, fd, &uid)) {
		close(fd);
		return;
	}
	limits.in_limit = IPC_MAX + 1;
	p = MEM_NEW(struct peer);
	p->server = s;
	p->uid = uid;
	p->next = &s->peers;
	p->prev = s->peers.prev;
	p->prev->next = p;
	s->peers.prev = p;
	s->n_peers++;
	p->conn = conn_new(s->loop, fd, &peer_host, p, &limits);
}

static void
close_left(void *arg)
{
	ipc_server_free(arg);
}

struct ipc_server *
ipc_server_new(struct loop *l, const char *path, ipc_serve *fn, void *arg,
    const struct log *log, struct fail *f)
{
	struct ipc_server *s = MEM_NEW(struct ipc_server);

	if (unix_socket_bind(&s->socket, path, SOCK_STREAM, f) == -1) {
		free(s);
		return NULL;
	}
	s->loop = l;
	s->log = log;
	s->fn = fn;
	s->arg = arg;
	s->peers.next = s->peers.prev = &s->peers;
	s->listener = listener_new(l, s->socket.fd, on_connection, s);
	s->socket.fd = -1; /* the listener's */
	listener_owned(s->listener, close_left);
	return s;
}

void
ipc_reply(struct ipc_request *r, struct str line)
{
	struct peer *p = r->peer;

	assert(line.len <= IPC_MAX);
	assert(line.len == 0 || memchr(line.at, '\n', line.len) == NULL);
	if (p != NULL) {
		conn_send(p->conn, line);
		conn_send(p->conn, STR("\n"));
		p->request = NULL;
		conn_soon(p->conn); /* the next line may be here already */
	}
	explicit_bzero(r->line, r->len);
	free(r);
}

uid_t
ipc_request_uid(const struct ipc_request *r)
{
	return r->uid;
}

void
ipc_server_free(struct ipc_server *s)
{
	if (s == NULL)
		return;
	while (s->peers.next != &s->peers) {
		struct peer *p = s->peers.next;

		forget_peer(p);
		conn_finish(p->conn);
	}
	listener_free(s->listener);
	unix_socket_close(&s->socket);
	free(s);
}
